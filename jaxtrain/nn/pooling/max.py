"""The largest of each window, and its way back."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import reduce
from itertools import product
from typing import Any

import jax
import jax.numpy as jnp

from jaxtrain.nn.module import Module
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
from jaxtrain.nn.shapes import at_least, ensure_batch, misfit, per_dim

MOST_ELEMENTS = 64
"""Of a window, up to which it is compared element by element: a gradient that XLA fuses
into one pass, where that of `reduce_window` takes several times as long."""


class _MaxPool(Module):
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
        strides = self.kernel_size if stride is None else stride
        self.stride = per_dim(name, "stride", strides, n)
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
        x = ensure_batch(name, input, self.n)
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
                slide(size, count, *rest)
                for (size, *rest), count in zip(sizes, counts, strict=True)
            ]
            values, indices = largest(x, windows)
        else:
            values, indices = self._reduce(x, counts), None
        if input.ndim == self.n + 1:
            values, indices = values[0], indices if indices is None else indices[0]
        return (values, indices) if self.return_indices else values

    def _reduce(self, x: jax.Array, counts: tuple[int, ...]) -> jax.Array:
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
        # -∞ in the padding, which is never the largest: PyTorch does not look there.
        widths = [(0, 0, 0)] * 2 + [(*pad, 0) for pad in pads]
        x = jnp.asarray(x)
        padded = jax.lax.pad(x, jnp.full((), -jnp.inf, x.dtype), widths)
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
        >>> from jaxtrain.nn.pooling.windows import adaptive
        >>> largest(jnp.array([[[1.0, 3.0, 3.0]]]), [adaptive(3, 1)])
        (Array([[[3.]]], dtype=float32), Array([[[1]]], dtype=int32))
    """
    elements = jnp.where(validity(windows), gather(x, windows), -jnp.inf)
    # The first of equal ones, and NaN before any number, as PyTorch's loop has it.
    winner = elements.argmax(-1, keepdims=True)
    places = jnp.broadcast_to(flat_positions(windows, x.shape[2:]), elements.shape)
    pair = (jnp.take_along_axis(t, winner, -1)[..., 0] for t in (elements, places))
    values, indices = pair
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


class _MaxUnpool(Module):
    n: int

    def __init__(
        self,
        kernel_size: int | Sequence[int],
        stride: int | Sequence[int] | None = None,
        padding: int | Sequence[int] = 0,
    ):
        name, n = type(self).__name__, self.n
        self.kernel_size = per_dim(name, "kernel_size", kernel_size, n)
        strides = self.kernel_size if stride is None else stride
        self.stride = per_dim(name, "stride", strides, n)
        self.padding = per_dim(name, "padding", padding, n)
        at_least(name, 1, kernel_size=self.kernel_size, stride=self.stride)

    def __call__(
        self,
        input: jax.Array,
        indices: jax.Array,
        output_size: Sequence[int] | None = None,
    ) -> jax.Array:
        """The larger array.

        Args:
            input: (N, C, *) or (C, *).
            indices: places in the flattened output, of the input's shape. One beyond
                it is left out, where PyTorch raises.
            output_size: sizes of the output, alone or behind those of N and C.
        """
        name = f"{type(self).__name__}({self.kernel_size})"
        x = ensure_batch(name, jnp.asarray(input), self.n)
        if indices.shape != input.shape:
            raise misfit(name, input, f"indices have shape {indices.shape}")
        sizes = self._sizes(name, x, output_size)
        flat = x.reshape(*x.shape[:2], -1)
        places = jnp.asarray(indices).reshape(flat.shape)
        output = _scatter(flat, places, math.prod(sizes)).reshape(*x.shape[:2], *sizes)
        return output if input.ndim == x.ndim else output[0]

    def _sizes(
        self, name: str, x: jax.Array, output_size: Sequence[int] | None
    ) -> tuple[int, ...]:
        steps = zip(
            x.shape[2:], self.kernel_size, self.stride, self.padding, strict=True
        )
        plain = tuple((size - 1) * s + k - 2 * p for size, k, s, p in steps)
        sizes = plain if output_size is None else tuple(output_size)[-self.n :]
        if output_size is not None:
            near = zip(plain, sizes, self.stride, strict=False)
            fits = len(output_size) in (self.n, self.n + 2)
            if not fits or any(abs(a - b) >= stride for a, b, stride in near):
                raise ValueError(
                    f"{name}: output_size must be less than the stride "
                    f"{self.stride} from {plain}, got {tuple(output_size)}"
                )
        if min(sizes) < 1:
            raise misfit(name, x, f"the output would have sizes {sizes}")
        return sizes


@jax.custom_vjp
def _scatter_into(x: jax.Array, places: jax.Array, zeros: jax.Array) -> jax.Array:
    # (N, 1, 1) and (C, 1, 1), the latter turned below to (1, C, 1).
    n, c = (jnp.arange(size)[:, None, None] for size in x.shape[:2])
    return zeros.at[n, c.swapaxes(0, 1), places].set(x, mode="drop")


def _forward(x: jax.Array, places: jax.Array, zeros: jax.Array) -> Any:
    return _scatter_into(x, places, zeros), places


def _backward(places: jax.Array, cotangent: jax.Array) -> Any:
    # Where windows overlapped one place was found twice: each finder has the gradient.
    grad = jnp.take_along_axis(cotangent, places, -1, mode="fill", fill_value=0)
    return grad, None, None


_scatter_into.defvjp(_forward, _backward)


def _scatter(x: jax.Array, places: jax.Array, size: int) -> jax.Array:
    """(N, C, size), with x (N, C, elements) at its places and zeros elsewhere."""
    return _scatter_into(x, places, jnp.zeros((*x.shape[:2], size), x.dtype))


class MaxUnpool1d(_MaxUnpool):
    """Values back at the places where `MaxPool1d` found them, and zeros elsewhere.

    An input is (N, C, L) or (C, L), with the pooling's indices.

    Args:
        kernel_size: of the pooling, whose default sizes the output has.
        stride: of the pooling; `kernel_size` if not given.
        padding: of the pooling.

    Raises:
        ValueError: sizes that cannot be; indices of another shape; an `output_size`
            that is not less than the stride away.

    PyTorch: `torch.nn.MaxUnpool1d`.

    Example:
        >>> MaxUnpool1d(2)(jnp.array([[3.0, 4.0]]), jnp.array([[1, 2]]))
        Array([[0., 3., 4., 0.]], dtype=float32)
    """

    n = 1


class MaxUnpool2d(_MaxUnpool):
    """`MaxUnpool1d` for (N, C, H, W) or (C, H, W); sizes are one number, or two.

    PyTorch: `torch.nn.MaxUnpool2d`.

    Example:
        >>> MaxUnpool2d(2)(jnp.ones((1, 1, 1)), jnp.array([[[3]]]))
        Array([[[0., 0.],
                [0., 1.]]], dtype=float32)
    """

    n = 2


class MaxUnpool3d(_MaxUnpool):
    """`MaxUnpool1d` for (N, C, D, H, W) or (C, D, H, W); one number, or three.

    PyTorch: `torch.nn.MaxUnpool3d`.

    Example:
        >>> MaxUnpool3d(2)(jnp.ones((1, 1, 1, 1)), jnp.zeros((1, 1, 1, 1), int)).shape
        (1, 2, 2, 2)
    """

    n = 3
