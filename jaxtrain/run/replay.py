"""A step that went wrong, taken again."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from jaxtrain.data import Dataset, Split
from jaxtrain.errors import ConfigError
from jaxtrain.run.config import Config, DataConfig, RecordsConfig
from jaxtrain.run.fault import FOLDER, inputs_of
from jaxtrain.run.loop import Run
from jaxtrain.store import checkpoint
from jaxtrain.training.fault import locate, make_inspect


def replay(path: Path) -> tuple[str, str]:
    """Take a kept step again.

    Returns:
        What is found now, and what was found then; each names the step.

    Raises:
        ConfigError: nothing whole is kept there.
    """
    try:
        step = _find(path)
        return _take(step.arrays, step.meta)
    except (
        *(ValueError, LookupError, TypeError, AttributeError, OSError),
        *(MemoryError, RecursionError),
    ) as error:
        reason = f"there is no {error}" if isinstance(error, LookupError) else error
        raise ConfigError(f"--replay {path} holds no kept step: {reason}") from error


def _find(path: Path) -> checkpoint.Checkpoint:
    """The step that a path means: of a run, of what it kept, or itself."""
    if (path / "manifest.json").exists():
        return checkpoint.load(path)
    folder = path / FOLDER
    step, _ = checkpoint.read(folder if folder.is_dir() else path)
    if step is None:
        raise ConfigError("nothing is there")
    return step


def _take(arrays: Mapping[str, np.ndarray], meta: Any) -> tuple[str, str]:
    if "fit" in meta:
        raise ConfigError("it is of a run of Trainer.fit, whose loss is in its program")
    rest = dict(arrays)
    split = Split(rest.pop("images"), rest.pop("labels"))
    run = Run(
        _step_config(Config.from_dict(meta["config"])), _batch(split, meta["classes"])
    )
    rows = np.arange(len(split))[None]
    chunk = run.chunk(rows, run.rates.take([True]), run.place)
    with run.trainer.numerics.active():
        template: dict[str, Any] = {
            "state": run.trainer.state,
            "chunk": inputs_of(chunk, slice(None)),
        }
        content = checkpoint.restore(template, rest)
        state = content["state"]
        chunk = chunk._replace(**content["chunk"])
        fault = locate(make_inspect(run.trainer.recipe), state, run.train_data, chunk)
    step = f"epoch {meta['epoch']}, step {meta['step']}"
    return f"{step}: {fault or 'every number is finite'}", f"{step}: {meta['found']}"


def _step_config(config: Config) -> Config:
    """The run without what is done around its steps."""
    options = {name: getattr(config.data, name) for name in ("normalize", "augment")}
    data = DataConfig(batch_size=config.data.batch_size, **options)
    return replace(config, data=data, records=RecordsConfig())


def _batch(split: Split, classes: list[str]) -> Dataset:
    return Dataset("one batch", split, split, tuple(classes), "--replay", {}, None)
