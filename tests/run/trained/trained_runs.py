"""Runs on disk, made in a moment: checkpoints of networks that were never trained."""

from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from jaxtrain.data.fashion_mnist.description import CLASSES
from jaxtrain.nn.module import named_variables
from jaxtrain.optim._average import AverageState
from jaxtrain.rng import Generator
from jaxtrain.run.config import Config, LoopConfig, ModelConfig
from jaxtrain.run.recipe import build_model
from jaxtrain.store.checkpoint import Store, flatten
from jaxtrain.training import Numerics, TrainState


class Run(NamedTuple):
    """A run that was trained."""

    out: Path
    config: Config
    outputs: np.ndarray
    """float64, (images, classes): its own answers to the test images."""


def configured(name: str = "mlp", dtype: str = "float32", **parts: Any) -> Config:
    hidden = {"hidden": (16,)} if name == "mlp" else {}
    model = parts.pop("model", ModelConfig(name, **hidden))
    return Config(model=model, loop=LoopConfig(dtype=dtype), **parts)


def moved(model: nnx.Module, seed: int) -> nnx.Module:
    """Everything away from where it starts: nothing is to agree by being initial."""
    draw = np.random.default_rng(seed)
    for variable in named_variables(model).values():
        value = variable[...]
        if jnp.issubdtype(value.dtype, jnp.inexact):
            change = 0.5 + draw.random(value.shape)
            variable[...] = value * change.astype(value.dtype)
        else:
            variable[...] = value + 3
    return model


def network(config: Config, seed: int = 0) -> nnx.Module:
    """The network that a run of `write` holds."""
    with Numerics(config.loop.dtype).active():
        return moved(build_model(config, Generator(seed)), seed)


def write(
    out: Path,
    config: Config,
    *,
    step: int = 5,
    score: float | None = 0.5,
    seed: int = 0,
    averaged: int | None = None,
    meta: Any = None,
) -> Path:
    """Save a network as a run does; gives the checkpoint.

    Args:
        out: the run's folder.
        config: of the run.
        step: of the checkpoint.
        score: of the checkpoint.
        seed: of the weights; those of the average have the next.
        averaged: how many weights were taken into the average, if one is kept.
        meta: in place of what the checkpoint would have.
    """
    with Numerics(config.loop.dtype).active():
        _, params, buffers = nnx.split(network(config, seed), nnx.Param, ...)
        average = None
        if averaged is not None:
            _, others, _ = nnx.split(network(config, seed + 1), nnx.Param, ...)
            average = AverageState(jnp.int32(averaged), others)
        state = TrainState(params, buffers, {"moment": jnp.zeros(3)}, average)
        arrays = flatten(jax.tree.map(jnp.asarray, state))
    content = {"config": config.to_dict(), "classes": list(CLASSES), **(meta or {})}
    with Store.open(out / "checkpoints") as store:
        store.save(step, arrays, content, score)
    return out / "checkpoints" / f"step-{step:08d}"
