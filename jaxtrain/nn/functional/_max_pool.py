"""The largest of each window."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import reduce
from itertools import product
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.typing import DTypeLike

from jaxtrain.nn.pooling.windows import (
    Windows,
    check_counts,
    check_padding,
    flat_positions,
    gather,
    slide,
    validity,
    window_count,
)
from jaxtrain.nn.shapes import at_least, ensure_batch, per_dim

Size = int | Sequence[int]

MOST_ELEMENTS = 64
"""Of a window, up to which it is compared element by element: a gradient that XLA fuses
into one pass, where that of `reduce_window` takes several times as long."""


class MaxWindows(NamedTuple):
    """How windows lie, each one size for a dimension."""

    kernel_size: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]


def max_windows(
    name: str,
    n: int,
    kernel_size: Size,
    stride: Size | None,
    padding: Size,
    dilation: Size,
) -> MaxWindows:
    """The sizes of n dimensions.

    Raises:
        ValueError: sizes that cannot be, padding beyond half a window.

    Example:
        >>> max_windows("max_pool1d", 1, 2, None, 0, 1).stride
        (2,)
    """
    kernel = per_dim(name, "kernel_size", kernel_size, n)
    # PyTorch takes an empty stride for none.
    none = stride is None or stride == ()
    sizes = MaxWindows(
        kernel,
        kernel if none else per_dim(name, "stride", stride, n),  # type: ignore[arg-type]
        per_dim(name, "padding", padding, n),
        per_dim(name, "dilation", dilation, n),
    )
    at_least(name, 1, kernel_size=kernel, stride=sizes.stride, dilation=sizes.dilation)
    check_padding(name, sizes.padding, kernel)
    return sizes


def max_pool(
    name: str,
    input: jax.Array,
    sizes: MaxWindows,
    ceil_mode: bool,
    return_indices: bool,
) -> Any:
    """y = max of x over each window, and the places of the largest if asked for.

    Example:
        >>> sizes = max_windows("max_pool1d", 1, 2, None, 0, 1)
        >>> max_pool("max_pool1d", jnp.array([[1.0, 2.0]]), sizes, False, False)
        Array([[2.]], dtype=float32)
    """
    n = len(sizes.kernel_size)
    x = ensure_batch(name, jnp.asarray(input), n)
    dims = list(zip(x.shape[2:], *sizes, strict=True))
    counts = tuple(window_count(*dim, ceil_mode) for dim in dims)
    check_counts(name, input, counts)
    if return_indices or max(sizes.dilation) > 1:
        windows = [
            slide(size, count, *rest)
            for (size, *rest), count in zip(dims, counts, strict=True)
        ]
        values, indices = largest(x, windows)
    else:
        values, indices = _reduce(x, counts, sizes), None
    if input.ndim == n + 1:
        values, indices = values[0], indices if indices is None else indices[0]
    return (values, indices) if return_indices else values


def _reduce(x: jax.Array, counts: tuple[int, ...], sizes: MaxWindows) -> jax.Array:
    """The largest alone, of windows without gaps: several times as fast."""
    dims = zip(
        x.shape[2:],
        counts,
        sizes.kernel_size,
        sizes.stride,
        sizes.padding,
        strict=True,
    )
    pads = [
        (pad, max((count - 1) * stride + kernel - size - pad, 0))
        for size, count, kernel, stride, pad in dims
    ]
    if math.prod(sizes.kernel_size) > MOST_ELEMENTS:
        return jax.lax.reduce_window(
            x,
            _lowest(x.dtype),
            jax.lax.max,
            (1, 1, *sizes.kernel_size),
            (1, 1, *sizes.stride),
            ((0, 0), (0, 0), *pads),
        )
    # -∞ in the padding, which is never the largest: PyTorch does not look there.
    widths = [(0, 0, 0)] * 2 + [(*pad, 0) for pad in pads]
    padded = jax.lax.pad(x, jnp.full((), _lowest(x.dtype), x.dtype), widths)
    return reduce(_larger, _elements(padded, counts, sizes))


def _elements(
    x: jax.Array, counts: tuple[int, ...], sizes: MaxWindows
) -> Iterator[jax.Array]:
    """The first element of every window, then the second, and so on."""
    spans = [(c - 1) * s + 1 for c, s in zip(counts, sizes.stride, strict=True)]
    for starts in product(*map(range, sizes.kernel_size)):
        ends = [start + span for start, span in zip(starts, spans, strict=True)]
        yield jax.lax.slice(
            x, (0, 0, *starts), (*x.shape[:2], *ends), (1, 1, *sizes.stride)
        )


def _lowest(dtype: DTypeLike) -> Any:
    """What no element is below."""
    is_real = jnp.issubdtype(dtype, jnp.floating)
    return -jnp.inf if is_real else jnp.iinfo(dtype).min


def _larger(first: jax.Array, second: jax.Array) -> jax.Array:
    # Of equal ones the first, and a NaN before anything, as PyTorch's loop has it.
    return jnp.where((second > first) | jnp.isnan(second), second, first)


def largest(x: jax.Array, windows: Sequence[Windows]) -> tuple[jax.Array, jax.Array]:
    """The largest element of each window, and its place in the flattened dimensions.

    The first of equal ones is meant, in the indices and in the gradient.

    Example:
        >>> from jaxtrain.nn.pooling.windows import adaptive
        >>> largest(jnp.array([[[1.0, 3.0, 3.0]]]), [adaptive(3, 1)])
        (Array([[[3.]]], dtype=float32), Array([[[1]]], dtype=int32))
    """
    valid = validity(windows)
    elements = jnp.where(valid, gather(x, windows), _lowest(x.dtype))
    # The first of equal ones that are there, as PyTorch's loop has it, and the last NaN
    # before any number.
    top = valid & (elements == elements.max(-1, keepdims=True))
    nan = jnp.isnan(elements)
    last = elements.shape[-1] - 1 - nan[..., ::-1].argmax(-1, keepdims=True)
    first = top.argmax(-1, keepdims=True)
    winner = jnp.where(nan.any(-1, keepdims=True), last, first)
    places = jnp.broadcast_to(flat_positions(windows, x.shape[2:]), elements.shape)
    pair = (jnp.take_along_axis(t, winner, -1)[..., 0] for t in (elements, places))
    values, indices = pair
    return values, indices


def max_pool1d(
    input: jax.Array,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """y = max of x over each window of (N, C, L) or (C, L).

    Of equal elements the first takes the gradient.

    Args:
        input: x.
        kernel_size: length of a window.
        stride: distance of windows; `kernel_size` if not given.
        padding: how far windows may begin before, and end behind, the input; what is
            there is never the largest.
        dilation: distance of a window's elements.
        ceil_mode: whether a last window may be incomplete.
        return_indices: whether the result is a pair, of values and their places.

    Raises:
        ValueError: sizes that cannot be, padding beyond half a window, an input that is
            no signal or shorter than a window.

    PyTorch: `torch.nn.functional.max_pool1d`.

    Example:
        >>> max_pool1d(jnp.array([[1.0, 2.0, 4.0, 3.0]]), 2, return_indices=True)
        (Array([[2., 4.]], dtype=float32), Array([[1, 2]], dtype=int32))
    """
    sizes = max_windows("max_pool1d", 1, kernel_size, stride, padding, dilation)
    return max_pool("max_pool1d", input, sizes, ceil_mode, return_indices)


def max_pool2d(
    input: jax.Array,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """`max_pool1d` for (N, C, H, W) or (C, H, W); sizes are one number, or two.

    PyTorch: `torch.nn.functional.max_pool2d`.

    Example:
        >>> max_pool2d(jnp.arange(16.0).reshape(1, 4, 4), 2)
        Array([[[ 5.,  7.],
                [13., 15.]]], dtype=float32)
    """
    sizes = max_windows("max_pool2d", 2, kernel_size, stride, padding, dilation)
    return max_pool("max_pool2d", input, sizes, ceil_mode, return_indices)


def max_pool3d(
    input: jax.Array,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """`max_pool1d` for (N, C, D, H, W) or (C, D, H, W); one number, or three.

    PyTorch: `torch.nn.functional.max_pool3d`.

    Example:
        >>> max_pool3d(jnp.ones((2, 3, 4, 4, 4)), (1, 2, 2)).shape
        (2, 3, 4, 2, 2)
    """
    sizes = max_windows("max_pool3d", 3, kernel_size, stride, padding, dilation)
    return max_pool("max_pool3d", input, sizes, ceil_mode, return_indices)
