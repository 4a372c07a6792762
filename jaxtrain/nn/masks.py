"""Where dropout masks come from."""

from __future__ import annotations

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
    """What layers ask for masks and slopes; an `rng.Generator` serves as well."""

    def bernoulli(self, shape: tuple[int, ...], p: float) -> Any:
        """Booleans of that shape, true with probability p."""

    def uniform(self, shape: tuple[int, ...], low: float, high: float) -> Any:
        """Numbers of that shape from U(low, high)."""


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
            hint = "none is left" if mask is None else f"the next is {mask.shape}"
            raise ValueError(f"a dropout mask of shape {shape} was asked for: {hint}")
        return mask

    def uniform(self, shape: tuple[int, ...], low: float, high: float) -> jax.Array:
        return self.bernoulli(shape, 1.0)

    def check_used_up(self) -> None:
        """Raise `ValueError` if masks are left that no layer has asked for.

        Example:
            >>> GivenMasks([jnp.ones(3)]).check_used_up()
            Traceback (most recent call last):
                ...
            ValueError: 1 dropout mask is left over, of shape (3,)
        """
        rest = [mask.shape for mask in self._masks]
        if rest:
            count = "1 dropout mask is" if len(rest) == 1 else f"{len(rest)} masks are"
            shapes = ", ".join(map(str, rest))
            raise ValueError(f"{count} left over, of shape {shapes}")


class KeyMasks:
    """Masks drawn with `jax.random`: the n-th layer that asks folds n into the key."""

    def __init__(self, key: jax.Array):
        self._key = key
        self._count = 0

    def bernoulli(self, shape: tuple[int, ...], p: float) -> jax.Array:
        return jax.random.bernoulli(self._next_key(), p, shape)

    def uniform(self, shape: tuple[int, ...], low: float, high: float) -> jax.Array:
        return jax.random.uniform(self._next_key(), shape, minval=low, maxval=high)

    def _next_key(self) -> jax.Array:
        key = jax.random.fold_in(self._key, self._count)
        self._count += 1
        return key


class _Recorder:
    def __init__(self) -> None:
        self.draws: list[tuple[tuple[int, ...], float]] = []

    def bernoulli(self, shape: tuple[int, ...], p: float) -> np.ndarray:
        self.draws.append((shape, p))
        return np.ones(shape, bool)

    def uniform(self, shape: tuple[int, ...], low: float, high: float) -> np.ndarray:
        raise ValueError(
            "only dropout masks can be told beforehand: how many slopes RReLU draws "
            "depends on its input's values, and fractional pooling draws no mask"
        )


_source: ContextVar[MaskSource | rng.Generator | None] = ContextVar(
    "dropout_source", default=None
)


@contextmanager
def dropout_source(source: MaskSource | rng.Generator) -> Iterator[None]:
    """Inside the block, every `Dropout` takes its masks from `source`.

    Under `jax.jit`, enter it inside the compiled function, with a key or masks that
    are among the function's arguments.

    Example:
        >>> from jaxtrain import nn
        >>> layer = nn.Dropout(0.5)
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
        >>> from jaxtrain import nn
        >>> dropout_draws(nn.Dropout(0.2), jnp.ones((64, 512)))
        [((64, 512), 0.8)]
    """
    recorder = _Recorder()
    with dropout_source(recorder):
        if isinstance(model, nnx.Module):
            # A copy, whose running statistics may move inside the trace.
            graph, state = nnx.split(model)
            jax.eval_shape(lambda s, *args: nnx.merge(graph, s)(*args), state, *inputs)
        else:
            # A new function each time: a cached trace would record nothing.
            jax.eval_shape(lambda *args: model(*args), *inputs)
    return recorder.draws


Order = Sequence[int] | str | None
"""Axes from the slowest to the fastest in PyTorch's memory, or `"channels_last"`."""


def draw_mask(
    input: jax.Array, shape: tuple[int, ...], p: float, order: Order = None
) -> jax.Array:
    """A mask for `input`: 1 with probability p, in the input's type.

    Args:
        input: what is to be masked.
        shape: of the mask.
        p: probability of a 1.
        order: in which the mask is drawn; that of the axes if not given.

    Raises:
        ValueError: the source is the host's generator, and the input is traced; an
            order that is not one of the axes.
    """
    axes = memory_order(order, len(shape))
    sizes = tuple(shape[axis] for axis in axes)
    mask = jnp.asarray(_source_for(input).bernoulli(sizes, p), _dtype(input))
    return mask if axes == tuple(range(len(axes))) else mask.transpose(np.argsort(axes))


def memory_order(order: Order, ndim: int) -> tuple[int, ...]:
    """The axes from the slowest to the fastest.

    Raises:
        ValueError: they are not the axes of an array of `ndim` dimensions.

    Example:
        >>> memory_order("channels_last", 4), memory_order((1, 0, 2), 3)
        ((0, 2, 3, 1), (1, 0, 2))
    """
    if order is None:
        return tuple(range(ndim))
    if order == "channels_last" and ndim in (4, 5):
        return (0, *range(2, ndim), 1)
    axes = () if isinstance(order, str) else tuple(order)
    if sorted(axes) != [*range(ndim)]:
        raise ValueError(
            f"order must name the {ndim} axes of the input from the slowest to the "
            f"fastest in memory, or be 'channels_last' for 4 or 5, got {order!r}"
        )
    return axes


def draw_uniform(
    input: jax.Array, where: jax.Array, low: float, high: float
) -> jax.Array:
    """Numbers from U(low, high) in the shape and type of `input`; 1 outside `where`.

    The host's generator draws for the elements in `where` alone, as PyTorch does.

    Raises:
        ValueError: the source is the host's generator, and the input is traced.
    """
    source = _source_for(input)
    if isinstance(source, rng.Generator):
        mask = np.asarray(where)
        values = np.ones(input.shape)
        u = source.uniform(int(mask.sum()), dtype=np.float64)
        # The bounds have the input's type, and the sum is rounded twice in PyTorch's
        # kernel, which is not compiled for fused instructions.
        first, end = (float(jnp.asarray(x, _dtype(input))) for x in (low, high))
        values[mask] = u * (end - first) + first
    else:
        values = source.uniform(input.shape, low, high)
    return jnp.asarray(values, _dtype(input))


def draw_unit(input: jax.Array, shape: tuple[int, ...]) -> jax.Array:
    """Numbers from U(0, 1) of that shape, in the type of `input`.

    Raises:
        ValueError: the source is the host's generator, and the input is traced.
    """
    source, dtype = _source_for(input), _dtype(input)
    if isinstance(source, rng.Generator):
        kind = np.float64 if dtype == np.float64 else np.float32
        return jnp.asarray(source.uniform(shape, dtype=kind), dtype)
    return jnp.asarray(source.uniform(shape, 0.0, 1.0), dtype)


def draw_exponential(input: jax.Array, shape: tuple[int, ...]) -> jax.Array:
    """Numbers from Exp(1) of that shape, in the type of `input`.

    Raises:
        ValueError: the source is the host's generator, and the input is traced.
    """
    source, dtype = _source_for(input), _dtype(input)
    if isinstance(source, rng.Generator):
        # PyTorch draws 53 bits for either type, and rounds the logarithm once.
        return jnp.asarray(-np.log1p(-source.uniform(shape, dtype=np.float64)), dtype)
    u = jnp.asarray(source.uniform(shape, 0.0, 1.0), dtype)
    # Not 0, of which the logarithm has no end.
    return jnp.maximum(-jnp.log1p(-u), jnp.finfo(dtype).tiny)


def _dtype(input: jax.Array) -> np.dtype:
    # NumPy's float64 is float32 where JAX has no other.
    return jax.dtypes.canonicalize_dtype(input.dtype)


def _source_for(input: jax.Array) -> MaskSource | rng.Generator:
    source = _source.get() or rng.default_generator
    if isinstance(source, rng.Generator) and not _is_there(input):
        raise ValueError(
            "Dropout inside a compiled function cannot draw from the host's generator: "
            "enter jaxtrain.nn.dropout_source(KeyMasks(key)) or (GivenMasks(masks)) "
            "inside that function"
        )
    return source


def _is_there(x: jax.Array) -> bool:
    """Whether x holds numbers: under `jax.grad` it may, under `jax.jit` it cannot."""
    return not isinstance(x, jax.core.Tracer) or x.to_concrete_value() is not None
