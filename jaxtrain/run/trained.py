"""A trained network, read back from the checkpoints of its run."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from jaxtrain.errors import ConfigError
from jaxtrain.optim._average import AverageState
from jaxtrain.rng import Generator
from jaxtrain.run.checkpoints import FOLDER
from jaxtrain.run.config import Config
from jaxtrain.run.recipe import build_model
from jaxtrain.store import checkpoint
from jaxtrain.store.checkpoint import Checkpoint
from jaxtrain.training import Numerics, TrainState, to_tensor

SIDE = 28
BATCH = 256
"""Images that go through the network at once."""
_FILES = ("manifest.json", "state.json", "state.safetensors")
"""Any of them makes a folder a checkpoint, if a damaged one."""
_PARTS = ("params", "buffers", "average")
"""Of a training's state, what a network needs."""


@dataclass(frozen=True, eq=False)
class Network:
    """A network with the weights that its run tests with; made by `load`.

    Attributes:
        model: the network in evaluation mode, from inputs (N, 1, 28, 28) to outputs
            (N, classes); call it inside `numerics.active()`.
        config: of its run.
        step: how many batches it was trained on.
        classes: a name for each output.
        is_average: whether its weights are an average (`--ema`, `--swa`), not the last.
        path: of the checkpoint.
        problems: a line for each damaged checkpoint that was passed over.
    """

    model: nnx.Module
    config: Config
    step: int
    classes: tuple[str, ...]
    is_average: bool
    path: Path
    problems: list[str] = field(default_factory=list)

    @cached_property
    def numerics(self) -> Numerics:
        """The numbers of the run, on the device that JAX prefers."""
        return Numerics(self.config.loop.dtype)

    @property
    def title(self) -> str:
        """The network in a line, such as `MLP 784-512-512-10 after 938 steps`."""
        name = self.config.model.title(SIDE * SIDE, len(self.classes))
        which = ", averaged weights" if self.is_average else ""
        return f"{name} after {self.step:,} steps{which}"

    @property
    def prepare(self) -> Callable[[jax.Array], jax.Array]:
        """Bytes (N, 28, 28) to inputs (N, 1, 28, 28), normalised as in the run."""
        return to_tensor(self.config.loop.dtype, self.config.data.normalization)

    @cached_property
    def function(self) -> Callable[[jax.Array], jax.Array]:
        """Bytes (N, 28, 28) to softmax(outputs) (N, classes): pure, not compiled.

        The probabilities are float64 where the run is, else float32.
        """
        graph, state = nnx.split(self.model)
        dtype = self.numerics.scalar
        return partial(_probabilities, graph, state, self.prepare, dtype)

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        """How probable the network holds each class to be.

        Args:
            images: uint8, (N, 28, 28), light garments on black as in Fashion-MNIST.

        Returns:
            softmax(outputs), (N, classes), compiled once for each size of batch; each
            row adds up to 1.

        Raises:
            ValueError: the images are of another type or shape.
        """
        _check_images(images)
        parts = [images[i : i + BATCH] for i in range(0, len(images), BATCH)]
        with self.numerics.active():
            rows = [np.asarray(self._call(jnp.asarray(part))) for part in parts]
        none = np.zeros((0, len(self.classes)), self.numerics.scalar)
        return np.concatenate([none, *rows])

    @cached_property
    def _call(self) -> Callable[[jax.Array], jax.Array]:
        return jax.jit(self.function)


def load(path: str | os.PathLike[str], best: bool = False) -> Network:
    """Read a trained network; every byte of it is checked, and nothing is executed.

    Where the run keeps an average of the weights that has begun, it is the network's,
    as in the run's own tests.

    Args:
        path: a run's folder (`--out`), its folder of checkpoints, or one checkpoint.
        best: take the checkpoint with the lowest test loss, not the newest.

    Raises:
        ConfigError: there is none, it is damaged, or not of this program; in one line.

    Example:
        >>> load("runs/none")
        Traceback (most recent call last):
            ...
        jaxtrain.errors.ConfigError: runs/none is no folder; a trained network is \
read from a run's folder, as --out names it
    """
    record, problems = _find(Path(path), best)
    try:
        return _network(record, problems)
    except (LookupError, TypeError, ValueError, AttributeError, MemoryError) as error:
        # A ConfigError is a ValueError: what does not fit is told with its place.
        raise ConfigError(
            f"checkpoint {record.path} holds no network of this program: {_text(error)}"
        ) from error


def _text(error: Exception) -> str:
    return str(error) if isinstance(error, ConfigError) else repr(error)


def _find(path: Path, best: bool) -> tuple[Checkpoint, list[str]]:
    # `Path.is_dir` raises where the folder above cannot be searched.
    if not os.path.isdir(path):
        raise ConfigError(
            f"{path} is no folder; a trained network is read from a run's folder, as "
            "--out names it"
        )
    if any(os.path.lexists(path / name) for name in _FILES):
        if best:
            raise ConfigError(f"{path} is one checkpoint: the best is one of a run's")
        return checkpoint.load(path), []
    for root in (path / FOLDER, path):
        if os.path.isdir(root):
            read = checkpoint.read(root, best)
            if read.checkpoint is not None:
                return read.checkpoint, read.problems
    which = "checkpoint that was tested" if best else "checkpoint"
    raise ConfigError(
        f"{path} holds no {which}; it must be what --out named in a run with --backend "
        "jax, or one of its checkpoints"
    )


def _network(record: Checkpoint, problems: list[str]) -> Network:
    if "fit" in record.meta:
        raise ConfigError(
            "it is of a run of Trainer.fit, whose model only its own program can "
            "build: there, fit(…, resume='auto') gives a finished run back"
        )
    config = Config.from_dict(record.meta["config"])
    dtype = config.loop.dtype
    with Numerics(dtype).active():
        model = build_model(config, Generator(0))
        model.eval()
        graph, params, buffers = nnx.split(model, nnx.Param, ...)
        state = _restore(config, params, buffers, record.arrays)
        is_average = state.average is not None and int(state.average.n_averaged) > 0
        if is_average:
            assert state.average is not None
            state = state._replace(params=state.average.average)
        model = nnx.merge(graph, state.params, state.buffers)
        outputs = jax.eval_shape(model, jnp.zeros((1, 1, SIDE, SIDE), dtype)).shape[-1]
    return Network(
        model=model,
        config=config,
        step=record.step,
        classes=_classes(record.meta["classes"], outputs),
        is_average=is_average,
        path=record.path,
        problems=list(problems),
    )


def _restore(
    config: Config,
    params: nnx.State,
    buffers: nnx.State,
    arrays: Mapping[str, np.ndarray],
) -> TrainState:
    """The network's part of a state; the optimiser's is left where it is."""
    has_average = config.flow.ema is not None or config.flow.swa is not None
    average = AverageState(jnp.zeros([], jnp.int32), params) if has_average else None
    like = TrainState(params, buffers, (), average)
    own = {name: x for name, x in arrays.items() if name.partition("/")[0] in _PARTS}
    return checkpoint.restore(like, own)


def _classes(names: Sequence[str], outputs: int) -> tuple[str, ...]:
    if len(names) != outputs or not all(isinstance(name, str) for name in names):
        raise ValueError(f"{outputs} outputs, but the classes are {names!r}")
    return tuple(names)


def _probabilities(
    graph: nnx.GraphDef,
    state: nnx.State,
    prepare: Callable[[jax.Array], jax.Array],
    dtype: np.dtype,
    images: jax.Array,
) -> jax.Array:
    outputs = nnx.merge(graph, state)(prepare(images))
    return jax.nn.softmax(outputs.astype(dtype))


def _check_images(values: np.ndarray) -> None:
    images = np.asarray(values)
    if images.dtype != np.uint8 or images.ndim != 3 or images.shape[1:] != (SIDE, SIDE):
        raise ValueError(
            f"images must be uint8 of shape (N, {SIDE}, {SIDE}), but got "
            f"{images.dtype} of shape {images.shape}"
        )
