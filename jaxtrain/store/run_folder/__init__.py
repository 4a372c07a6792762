"""The run folder: all that a run says, on disk as it says it, and read back.

    OUT/config.json        what the run is: configuration, data, versions, command
    OUT/metrics.jsonl      every event, a JSON object a line
    OUT/steps.csv          the optimiser steps for a spreadsheet, a row each
    OUT/epochs.csv         the epochs likewise
    OUT/predictions.npz    the trained network's answers to the test images
    OUT/tensorboard/       the same figures as TensorBoard event files, if asked for

Each record carries its own checksum, so that no second file can be out of step with it:
a line of metrics.jsonl its CRC-32 as the last key, config.json its SHA-256 likewise,
predictions.npz its SHA-256 as the comment of the archive. Those of earlier versions
have none and are read unverified. What is damaged is named by file and line; a run that
goes on writes it again where its tables or its checkpoint hold it, too, and leaves the
rest as metrics.damaged.jsonl.

NumPy and the standard library only; the event files need the extra `tensorboard`.
"""

from jaxtrain.store.run_folder.folder import RunFolder
from jaxtrain.store.run_folder.predictions import Predictions
from jaxtrain.store.run_folder.record import RunRecord, read_run
from jaxtrain.store.run_folder.rows import Batches

__all__ = ["Batches", "Predictions", "RunFolder", "RunRecord", "read_run"]
