"""A step that went wrong, kept on disk."""

import tempfile
from pathlib import Path
from typing import Any

import jax
import numpy as np

from jaxtrain.data import Dataset
from jaxtrain.errors import ConfigError
from jaxtrain.run.config import Config
from jaxtrain.run.place import Place
from jaxtrain.store import checkpoint
from jaxtrain.store.events import TrainingFault
from jaxtrain.training.fault import Fault
from jaxtrain.training.step import Chunk

FOLDER = "fault"
"""Of a run's folder."""


def keep(
    config: Config, dataset: Dataset, fault: Fault, place: Place, chunk: Chunk
) -> TrainingFault:
    """Put the state and batch of a fault on disk; gives the error that says so.

    Args:
        config: the run.
        dataset: what it trains on.
        fault: found in the chunk.
        place: where the chunk begins.
        chunk: its steps.
    """
    one = slice(fault.step, fault.step + 1)
    rows = np.asarray(chunk.rows)[fault.step]
    arrays = {
        **checkpoint.flatten({"state": fault.state}),
        **checkpoint.flatten({"chunk": inputs_of(chunk, one)}),
        "images": dataset.train.images[rows],
        "labels": dataset.train.labels[rows],
    }
    step = place.batch + fault.step
    meta = {
        "config": config.to_dict(),
        "classes": list(dataset.classes),
        "epoch": place.epoch,
        "step": step,
        "found": str(fault),
    }
    try:
        folder = _save(config, place.steps + fault.step, arrays, meta)
        note = f"The step is kept: --replay {folder}"
    except (ConfigError, OSError) as error:
        note = f"The step could not be kept: {error}"
    where = f"epoch {place.epoch}, step {step} (loss {fault.loss:g})"
    return TrainingFault(f"{where}: {fault}. {note}")


def inputs_of(chunk: Chunk, steps: slice) -> dict[str, Any]:
    """What some steps of a chunk are given besides their rows."""
    content: dict[str, Any] = {"hyperparameters": dict(chunk.hyperparameters)}
    content |= {"masks": chunk.masks, "drawn": chunk.drawn}
    return jax.tree.map(lambda x: x[steps], content)


def _save(config: Config, step: int, arrays: Any, meta: Any) -> Path:
    out = config.records.out
    root = tempfile.mkdtemp(prefix="jaxtrain-") if out is None else out / FOLDER
    with checkpoint.Store.open(root, keep=1) as store:
        store.save(step, arrays, meta)
        return store.root
