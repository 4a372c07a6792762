"""A step that went wrong, put on disk and taken again."""

import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import numpy as np

from jaxtrain.data import Dataset, Split
from jaxtrain.errors import ConfigError
from jaxtrain.events import TrainingFault
from jaxtrain.run.config import Config, DataConfig, RecordsConfig
from jaxtrain.run.loop import Run
from jaxtrain.run.place import Place
from jaxtrain.store import checkpoint
from jaxtrain.training.fault import Fault, locate, make_inspect
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
        **checkpoint.flatten({"chunk": given(chunk, one)}),
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
        folder = _saved(config, place.steps + fault.step, arrays, meta)
        told = f"The step is kept: --replay {folder}"
    except (ConfigError, OSError) as error:
        told = f"The step could not be kept: {error}"
    where = f"epoch {place.epoch}, step {step} (loss {fault.loss:g})"
    return TrainingFault(f"{where}: {fault}. {told}")


def given(chunk: Chunk, steps: slice) -> dict[str, Any]:
    """What some steps of a chunk are given besides their rows."""
    content: dict[str, Any] = {"hyperparameters": dict(chunk.hyperparameters)}
    content |= {"masks": chunk.masks, "drawn": chunk.drawn}
    return jax.tree.map(lambda x: x[steps], content)


def _saved(config: Config, step: int, arrays: Any, meta: Any) -> Path:
    out = config.records.out
    root = tempfile.mkdtemp(prefix="jaxtrain-") if out is None else out / FOLDER
    with checkpoint.Store.open(root, keep=1) as store:
        store.save(step, arrays, meta)
        return store.root


def replay(path: Path) -> tuple[str, str]:
    """Take a kept step again.

    Returns:
        What is found now, and what was found then; each names the step.

    Raises:
        ConfigError: nothing whole is kept there.
    """
    try:
        found = _found(path)
        return _taken(found.arrays, found.meta)
    except (
        *(ValueError, LookupError, TypeError, AttributeError, OSError),
        *(MemoryError, RecursionError),
    ) as error:
        told = f"there is no {error}" if isinstance(error, LookupError) else error
        raise ConfigError(f"--replay {path} holds no kept step: {told}") from error


def _found(path: Path) -> checkpoint.Checkpoint:
    """The step that a path means: of a run, of what it kept, or itself."""
    if (path / "manifest.json").exists():
        return checkpoint.load(path)
    kept = path / FOLDER
    found, _ = checkpoint.read(kept if kept.is_dir() else path)
    if found is None:
        raise ConfigError("nothing is there")
    return found


def _taken(arrays: Mapping[str, np.ndarray], meta: Any) -> tuple[str, str]:
    rest = dict(arrays)
    split = Split(rest.pop("images"), rest.pop("labels"))
    run = Run(_alone(Config.from_dict(meta["config"])), _batch(split, meta["classes"]))
    rows = np.arange(len(split))[None]
    values = run.rates.at_updates(1, np.zeros(1, int))
    chunk = run.chunk(rows, values, run.place)
    with run.trainer.numerics.active():
        template: dict[str, Any] = {
            "state": run.trainer.state,
            "chunk": given(chunk, slice(None)),
        }
        restored = checkpoint.restore(template, rest)
        state = restored["state"]
        chunk = chunk._replace(**restored["chunk"])
        fault = locate(make_inspect(run.trainer.recipe), state, run.train_data, chunk)
    step = f"epoch {meta['epoch']}, step {meta['step']}"
    return f"{step}: {fault or 'every number is finite'}", f"{step}: {meta['found']}"


def _alone(config: Config) -> Config:
    """The run without what is done around its steps."""
    kept = {name: getattr(config.data, name) for name in ("normalize", "augment")}
    data = DataConfig(batch_size=config.data.batch_size, **kept)
    return replace(config, data=data, records=RecordsConfig())


def _batch(split: Split, classes: list[str]) -> Dataset:
    return Dataset("one batch", split, split, tuple(classes), "--replay", {}, None)
