import math
from collections.abc import Iterator, Sequence
from functools import reduce
from itertools import product
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from jaxtrain.nn._pool_size import check_counts, check_padding, window_count
from jaxtrain.nn._spatial import at_least, batched, per_dim
from jaxtrain.nn._windows import (
    Windows,
    flat_positions,
    gathered,
    sliding,
    validity,
)

MOST_ELEMENTS = 64
"""Of a window, up to which it is compared element by element: a gradient that XLA fuses
into one pass, where that of `reduce_window` takes several times as long."""


class _MaxPool(nnx.Module):
    n: int

    def __init__(
        self,
        kernel_size: int | Sequence[int],
        stride: int | Sequence[int] | None = None,
        padding: int | Sequence[int] = 0,
        dilation: int | Sequence[int] = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ):
        name, n = type(self).__name__, self.n
        self.kernel_size = per_dim(name, "kernel_size", kernel_size, n)
        given = self.kernel_size if stride is None else stride
        self.stride = per_dim(name, "stride", given, n)
        self.padding = per_dim(name, "padding", padding, n)
        self.dilation = per_dim(name, "dilation", dilation, n)
        at_least(
            name,
            1,
            kernel_size=self.kernel_size,
            stride=self.stride,
            dilation=self.dilation,
        )
        check_padding(name, self.padding, self.kernel_size)
        self.return_indices = return_indices
        self.ceil_mode = ceil_mode

    def __call__(self, input: jax.Array) -> Any:
        name = f"{type(self).__name__}({self.kernel_size})"
        x = batched(name, input, self.n)
        sizes = list(
            zip(
                x.shape[2:],
                self.kernel_size,
                self.stride,
                self.padding,
                self.dilation,
                strict=True,
            )
        )
        counts = tuple(window_count(*size, self.ceil_mode) for size in sizes)
        check_counts(name, input, counts)
        if self.return_indices or max(self.dilation) > 1:
            windows = [
                sliding(size, count, *rest)
                for (size, *rest), count in zip(sizes, counts, strict=True)
            ]
            values, indices = largest(x, windows)
        else:
            values, indices = self._reduced(x, counts), None
        if input.ndim == self.n + 1:
            values, indices = values[0], indices if indices is None else indices[0]
        return (values, indices) if self.return_indices else values

    def _reduced(self, x: jax.Array, counts: tuple[int, ...]) -> jax.Array:
        """The largest alone, of windows without gaps: several times as fast."""
        sizes = zip(
            x.shape[2:],
            counts,
            self.kernel_size,
            self.stride,
            self.padding,
            strict=True,
        )
        pads = [
            (pad, max((count - 1) * stride + kernel - size - pad, 0))
            for size, count, kernel, stride, pad in sizes
        ]
        if math.prod(self.kernel_size) > MOST_ELEMENTS:
            return jax.lax.reduce_window(
                x,
                -jnp.inf,
                jax.lax.max,
                (1, 1, *self.kernel_size),
                (1, 1, *self.stride),
                ((0, 0), (0, 0), *pads),
            )
        filled = [(0, 0, 0)] * 2 + [(*pad, 0) for pad in pads]
        x = jnp.asarray(x)
        padded = jax.lax.pad(x, jnp.full((), -jnp.inf, x.dtype), filled)
        return reduce(_larger, self._elements(padded, counts))

    def _elements(self, x: jax.Array, counts: tuple[int, ...]) -> Iterator[jax.Array]:
        """The first element of every window, then the second, and so on."""
        spans = [(c - 1) * s + 1 for c, s in zip(counts, self.stride, strict=True)]
        for starts in product(*map(range, self.kernel_size)):
            ends = [start + span for start, span in zip(starts, spans, strict=True)]
            yield jax.lax.slice(
                x, (0, 0, *starts), (*x.shape[:2], *ends), (1, 1, *self.stride)
            )


def _larger(first: jax.Array, second: jax.Array) -> jax.Array:
    # Of equal ones the first, and a NaN before anything, as PyTorch's loop has it.
    return jnp.where((second > first) | jnp.isnan(second), second, first)


def largest(x: jax.Array, windows: Sequence[Windows]) -> tuple[jax.Array, jax.Array]:
    """The largest element of each window, and its place in the flattened dimensions.

    The first of equal ones is meant, in the indices and in the gradient.

    Example:
        >>> from jaxtrain.nn._windows import adaptive
        >>> largest(jnp.array([[[1.0, 3.0, 3.0]]]), [adaptive(3, 1)])
        (Array([[[3.]]], dtype=float32), Array([[[1]]], dtype=int32))
    """
    elements = jnp.where(validity(windows), gathered(x, windows), -jnp.inf)
    chosen = elements.argmax(-1, keepdims=True)
    places = jnp.broadcast_to(flat_positions(windows, x.shape[2:]), elements.shape)
    picked = (jnp.take_along_axis(t, chosen, -1)[..., 0] for t in (elements, places))
    values, indices = picked
    return values, indices


class MaxPool1d(_MaxPool):
    """y = max of x over each window of (N, C, L) or (C, L).

    Of equal elements the first takes the gradient.

    Args:
        kernel_size: length of a window.
        stride: distance of windows; `kernel_size` if not given.
        padding: how far windows may begin before, and end behind, the input; what is
            there is never the largest.
        dilation: distance of a window's elements.
        return_indices: whether the result is a pair, of values and their places.
        ceil_mode: whether a last window may be incomplete.

    Raises:
        ValueError: sizes that cannot be, padding beyond half a window, an input that is
            no signal or shorter than a window.

    PyTorch: `torch.nn.MaxPool1d`.

    Example:
        >>> MaxPool1d(2, return_indices=True)(jnp.array([[1.0, 2.0, 4.0, 3.0]]))
        (Array([[2., 4.]], dtype=float32), Array([[1, 2]], dtype=int32))
    """

    n = 1


class MaxPool2d(_MaxPool):
    """`MaxPool1d` for (N, C, H, W) or (C, H, W); sizes are one number, or two.

    Indices count row by row through an image.

    PyTorch: `torch.nn.MaxPool2d`.

    Example:
        >>> MaxPool2d(2)(jnp.arange(16.0).reshape(1, 4, 4))
        Array([[[ 5.,  7.],
                [13., 15.]]], dtype=float32)
    """

    n = 2


class MaxPool3d(_MaxPool):
    """`MaxPool1d` for (N, C, D, H, W) or (C, D, H, W); sizes are one number, or three.

    PyTorch: `torch.nn.MaxPool3d`.

    Example:
        >>> MaxPool3d((1, 2, 2))(jnp.ones((2, 3, 4, 4, 4))).shape
        (2, 3, 4, 2, 2)
    """

    n = 3
