"""Dropout, and where its masks come from.

PyTorch's dropout draws from the default generator, whatever module it sits in. Here
too the source is no part of the module: the default is the host's generator, and a
compiled function names its source with `dropout_source`, since the host's generator
cannot be reached from inside it.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from jaxtrain import rng


class MaskSource(Protocol):
    """What `Dropout` asks for masks; `rng.Generator` is one."""

    def bernoulli(self, shape: tuple[int, ...], p: float) -> Any:
        """Booleans of that shape, true with probability p."""


class GivenMasks:
    """Masks drawn beforehand, handed out in the order in which layers ask for them.

    Raises:
        ValueError: a layer asks for another shape, or for one mask too many.
    """

    def __init__(self, masks: Sequence[jax.Array]):
        self._masks = iter(masks)

    def bernoulli(self, shape: tuple[int, ...], p: float) -> jax.Array:
        mask = next(self._masks, None)
        if mask is None or mask.shape != shape:
            given = "none is left" if mask is None else f"the next is {mask.shape}"
            raise ValueError(f"a dropout mask of shape {shape} was asked for: {given}")
        return mask


class KeyMasks:
    """Masks drawn with `jax.random`: the n-th layer that asks folds n into the key."""

    def __init__(self, key: jax.Array):
        self._key = key
        self._asked = 0

    def bernoulli(self, shape: tuple[int, ...], p: float) -> jax.Array:
        key = jax.random.fold_in(self._key, self._asked)
        self._asked += 1
        return jax.random.bernoulli(key, p, shape)


class _Recorder:
    def __init__(self) -> None:
        self.draws: list[tuple[tuple[int, ...], float]] = []

    def bernoulli(self, shape: tuple[int, ...], p: float) -> np.ndarray:
        self.draws.append((shape, p))
        return np.ones(shape, bool)


_source: ContextVar[MaskSource | None] = ContextVar("dropout_source", default=None)


@contextmanager
def dropout_source(source: MaskSource) -> Iterator[None]:
    """Inside the block, every `Dropout` takes its masks from `source`.

    Under `jax.jit`, enter it inside the compiled function, with a key or masks that
    are among the function's arguments.

    Example:
        >>> layer = Dropout(0.5)
        >>> with dropout_source(KeyMasks(jax.random.key(0))):
        ...     layer(jnp.ones(4)).shape
        (4,)
    """
    token = _source.set(source)
    try:
        yield
    finally:
        _source.reset(token)


def dropout_draws(
    model: Callable[..., Any], *inputs: Any
) -> list[tuple[tuple[int, ...], float]]:
    """(shape, keep probability) of each mask that one call draws, in drawing order.

    Args:
        model: a module or function; nothing is computed.
        inputs: arrays, or `jax.ShapeDtypeStruct`s that stand for them.

    Example:
        >>> dropout_draws(Dropout(0.2), jnp.ones((64, 512)))
        [((64, 512), 0.8)]
    """
    recorder = _Recorder()
    with dropout_source(recorder):
        # A new function each time: a cached trace would record nothing.
        jax.eval_shape(lambda *args: model(*args), *inputs)
    return recorder.draws


def _draw(shape: tuple[int, ...], p: float, traced: bool) -> Any:
    source = _source.get() or rng.default_generator
    if traced and isinstance(source, rng.Generator):
        raise ValueError(
            "Dropout inside a compiled function cannot draw from the host's generator: "
            "enter jaxtrain.nn.dropout_source(KeyMasks(key)) or (GivenMasks(masks)) "
            "inside that function"
        )
    return source.bernoulli(shape, p)


class Dropout(nnx.Module):
    """y = x · m / (1 - p) in training, m drawn from Bernoulli(1 - p); y = x otherwise.

    `train()` and `eval()` of the module or of any module that holds it choose between
    the two. The masks come from `dropout_source`, by default from
    `rng.default_generator`: the very masks that PyTorch draws on the CPU after
    `torch.manual_seed` of the same seed.

    Args:
        p: probability of an element to be zeroed.

    Raises:
        ValueError: p lies outside [0, 1]; masks are to come from the host's generator
            inside a compiled function.

    PyTorch: `torch.nn.Dropout`.
    Reference: Hinton et al. 2012, https://arxiv.org/abs/1207.0580

    Example:
        >>> _ = rng.manual_seed(0)
        >>> Dropout(0.5)(jnp.ones(8))
        Array([0., 0., 2., 0., 0., 0., 2., 2.], dtype=float32)
    """

    def __init__(self, p: float = 0.5):
        if not 0 <= p <= 1:
            raise ValueError(
                f"dropout probability has to be between 0 and 1, but got {p}"
            )
        self.p = p
        self.deterministic = False

    def __call__(self, input: jax.Array) -> jax.Array:
        if self.deterministic or self.p == 0 or input.size == 0:
            return input
        if self.p == 1:
            return input * jnp.zeros_like(input)
        traced = isinstance(input, jax.core.Tracer)
        keep = _draw(input.shape, 1 - self.p, traced)
        return input * (jnp.asarray(keep, input.dtype) / (1 - self.p))
