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
    meta = {
        "config": config.to_dict(),
        "classes": list(dataset.classes),
        **_where(place, fault),
    }
    return _error(config.records.out, place, fault, arrays, meta, "--replay ")


def keep_batch(
    plan: Any, fault: Fault, place: Place, batch: Any, chunk: Chunk
) -> TrainingFault:
    """As `keep`, of a user's own training.

    Args:
        plan: of the run.
        fault: found among steps.
        place: where those begin.
        batch: of the step.
        chunk: what the step is given besides.
    """
    content = {"state": fault.state, "batch": batch, "chunk": inputs_of(chunk, ...)}
    arrays = checkpoint.flatten(content)
    meta = {"fit": plan.config, **_where(place, fault)}
    return _error(plan.out, place, fault, arrays, meta, "")


def _where(place: Place, fault: Fault) -> dict[str, Any]:
    step = place.batch + fault.step
    return {"epoch": place.epoch, "step": step, "found": str(fault)}


def _error(
    out: Path | None, place: Place, fault: Fault, arrays: Any, meta: Any, flag: str
) -> TrainingFault:
    try:
        folder = _save(out, place.steps + fault.step, arrays, meta)
        note = f"The step is kept: {flag}{folder}"
    except (ConfigError, OSError) as error:
        note = f"The step could not be kept: {error}"
    step = place.batch + fault.step
    where = f"epoch {place.epoch}, step {step} (loss {fault.loss:g})"
    return TrainingFault(f"{where}: {fault}. {note}")


def inputs_of(chunk: Chunk, steps: Any) -> dict[str, Any]:
    """What some steps of a chunk are given besides their rows."""
    content: dict[str, Any] = {"hyperparameters": dict(chunk.hyperparameters)}
    content |= {"masks": chunk.masks, "drawn": chunk.drawn}
    return jax.tree.map(lambda x: x[steps], content)


def _save(out: Path | None, step: int, arrays: Any, meta: Any) -> Path:
    root = tempfile.mkdtemp(prefix="jaxtrain-") if out is None else out / FOLDER
    with checkpoint.Store.open(root, keep=1) as store:
        store.save(step, arrays, meta)
        return store.root
