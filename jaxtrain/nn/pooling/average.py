"""The mean or the power mean of each window."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from jaxtrain.nn.module import Module
from jaxtrain.nn.pooling.max import MaxPool1d, MaxPool2d, MaxPool3d
from jaxtrain.nn.pooling.windows import check_counts, check_padding, window_count
from jaxtrain.nn.shapes import at_least, ensure_batch, per_dim


class _AvgPool(Module):
    n: int

    def _begin(
        self,
        kernel_size: int | Sequence[int],
        stride: int | Sequence[int] | None,
        padding: int | Sequence[int],
        ceil_mode: bool,
        count_include_pad: bool,
        divisor_override: int | None,
    ) -> None:
        name, n = type(self).__name__, self.n
        self.kernel_size = per_dim(name, "kernel_size", kernel_size, n)
        strides = self.kernel_size if stride is None else stride
        self.stride = per_dim(name, "stride", strides, n)
        self.padding = per_dim(name, "padding", padding, n)
        at_least(name, 1, kernel_size=self.kernel_size, stride=self.stride)
        check_padding(name, self.padding, self.kernel_size)
        if divisor_override == 0:
            raise ValueError(f"{name} divides by {divisor_override=}")
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad
        self.divisor_override = divisor_override

    def __call__(self, input: jax.Array) -> jax.Array:
        name = f"{type(self).__name__}({self.kernel_size})"
        x = ensure_batch(name, input, self.n)
        sizes = list(
            zip(x.shape[2:], self.kernel_size, self.stride, self.padding, strict=True)
        )
        counts = tuple(window_count(*size, 1, self.ceil_mode) for size in sizes)
        check_counts(name, input, counts)
        spans = [Span(*size, count) for size, count in zip(sizes, counts, strict=True)]
        output = sum_windows(x, spans) / self._divisor(spans).astype(x.dtype)
        return output if input.ndim == x.ndim else output[0]

    def _divisor(self, spans: Sequence[Span]) -> np.ndarray:
        if self.divisor_override is not None:
            return np.array(self.divisor_override)
        # (windows of each dimension): lengths multiply.
        divisor = np.ones(())
        for span in spans:
            divisor = divisor[..., None] * span.elements(self.count_include_pad)
        return divisor


class Span:
    """The windows along one dimension.

    Args:
        size: of the dimension.
        kernel: elements of a window.
        stride: distance of windows.
        padding: elements added at each end.
        count: number of windows.

    Example:
        >>> Span(3, 2, 2, 1, 2).elements(count_include_pad=False)
        array([1, 2])
    """

    def __init__(self, size: int, kernel: int, stride: int, padding: int, count: int):
        self.kernel, self.stride = kernel, stride
        self.size, self.padding, self.count = size, padding, count

    @property
    def pads(self) -> tuple[int, int]:
        """What a sum over the windows needs before and behind."""
        reach = (self.count - 1) * self.stride + self.kernel
        return self.padding, max(reach - self.size - self.padding, 0)

    def elements(self, count_include_pad: bool) -> np.ndarray:
        """How many elements each window has: in the input, or in its padding too."""
        first = np.arange(self.count) * self.stride - self.padding
        # In `ceil_mode` a window may leave even the padding.
        end = np.minimum(first + self.kernel, self.size + self.padding)
        if count_include_pad:
            return end - first
        return np.minimum(end, self.size) - np.maximum(first, 0)


def sum_windows(x: jax.Array, spans: Sequence[Span]) -> jax.Array:
    """The sum over each window of (N, C, *).

    Example:
        >>> sum_windows(jnp.ones((1, 1, 3)), [Span(3, 2, 2, 1, 2)])[0, 0]
        Array([1., 2.], dtype=float32)
    """
    return jax.lax.reduce_window(
        x,
        # A concrete 0 tells JAX that it is a sum; a traced one has no gradient.
        np.zeros((), x.dtype),
        jax.lax.add,
        (1, 1, *(span.kernel for span in spans)),
        (1, 1, *(span.stride for span in spans)),
        ((0, 0), (0, 0), *(span.pads for span in spans)),
    )


class AvgPool1d(_AvgPool):
    """y = mean of x over each window of (N, C, L) or (C, L).

    Args:
        kernel_size: length of a window.
        stride: distance of windows; `kernel_size` if not given.
        padding: zeros at each end.
        ceil_mode: whether a last window may be incomplete.
        count_include_pad: whether those zeros count in the mean. What an incomplete
            window lacks beyond them never does.

    Raises:
        ValueError: sizes that cannot be, padding beyond half a window, an input that is
            no signal or shorter than a window.

    PyTorch: `torch.nn.AvgPool1d`.

    Example:
        >>> AvgPool1d(2)(jnp.array([[1.0, 2.0, 4.0, 3.0]]))
        Array([[1.5, 3.5]], dtype=float32)
    """

    n = 1

    def __init__(
        self,
        kernel_size: int | Sequence[int],
        stride: int | Sequence[int] | None = None,
        padding: int | Sequence[int] = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ):
        self._begin(kernel_size, stride, padding, ceil_mode, count_include_pad, None)


class _AvgPoolByDivisor(_AvgPool):
    def __init__(
        self,
        kernel_size: int | Sequence[int],
        stride: int | Sequence[int] | None = None,
        padding: int | Sequence[int] = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ):
        self._begin(
            kernel_size,
            stride,
            padding,
            ceil_mode,
            count_include_pad,
            divisor_override,
        )


class AvgPool2d(_AvgPoolByDivisor):
    """`AvgPool1d` for (N, C, H, W) or (C, H, W); sizes are one number, or two.

    Args:
        kernel_size: as for `AvgPool1d`, and so the four that follow.
        stride: distance of windows.
        padding: zeros at each end.
        ceil_mode: whether last windows may be incomplete.
        count_include_pad: whether the zeros count in the mean.
        divisor_override: what sums are divided by, whatever the window.

    Raises:
        ValueError: as for `AvgPool1d`, and for a divisor of 0.

    PyTorch: `torch.nn.AvgPool2d`.

    Example:
        >>> AvgPool2d(2)(jnp.arange(16.0).reshape(1, 4, 4))
        Array([[[ 2.5,  4.5],
                [10.5, 12.5]]], dtype=float32)
    """

    n = 2


class AvgPool3d(_AvgPoolByDivisor):
    """`AvgPool2d` for (N, C, D, H, W) or (C, D, H, W); sizes are one number, or three.

    PyTorch: `torch.nn.AvgPool3d`.

    Example:
        >>> AvgPool3d((1, 2, 2))(jnp.ones((2, 3, 4, 4, 4))).shape
        (2, 3, 4, 2, 2)
    """

    n = 3


class _LPPool(Module):
    n: int

    def __init__(
        self,
        norm_type: float,
        kernel_size: int | Sequence[int],
        stride: int | Sequence[int] | None = None,
        ceil_mode: bool = False,
    ):
        if norm_type == 0:
            raise ValueError(f"{type(self).__name__} has no norm {norm_type}")
        self.norm_type = float(norm_type)
        average = (AvgPool1d, AvgPool2d, AvgPool3d)[self.n - 1]
        largest = (MaxPool1d, MaxPool2d, MaxPool3d)[self.n - 1]
        self.average = average(kernel_size, stride, ceil_mode=ceil_mode)
        self.largest = largest(kernel_size, stride, ceil_mode=ceil_mode)

    def __call__(self, input: jax.Array) -> jax.Array:
        if self.norm_type == np.inf:
            return self.largest(jnp.abs(input))
        if self.norm_type == -np.inf:
            return -self.largest(-jnp.abs(input))
        mean = self.average(input**self.norm_type)
        # PyTorch takes every window for a whole one here, in `ceil_mode` too.
        total = mean * int(np.prod(self.average.kernel_size))
        return total ** (1 / self.norm_type)


class LPPool1d(_LPPool):
    """y = (Σ xᵖ)^(1/p) over each window of (N, C, L) or (C, L).

    As in PyTorch there is no |x|: an odd or broken p of negative inputs gives NaN.

    Args:
        norm_type: p; ∞ is the largest |x|, -∞ the smallest.
        kernel_size: length of a window.
        stride: distance of windows; `kernel_size` if not given.
        ceil_mode: whether a last window may be incomplete.

    Raises:
        ValueError: p is 0, and as for `AvgPool1d`.

    PyTorch: `torch.nn.LPPool1d`.

    Example:
        >>> LPPool1d(2, 2)(jnp.array([[3.0, 4.0]]))
        Array([[5.]], dtype=float32)
    """

    n = 1


class LPPool2d(_LPPool):
    """`LPPool1d` for (N, C, H, W) or (C, H, W); sizes are one number, or two.

    PyTorch: `torch.nn.LPPool2d`.

    Example:
        >>> LPPool2d(2, 2)(jnp.ones((1, 2, 2)))
        Array([[[2.]]], dtype=float32)
    """

    n = 2


class LPPool3d(_LPPool):
    """`LPPool1d` for (N, C, D, H, W) or (C, D, H, W); sizes are one number, or three.

    PyTorch: `torch.nn.LPPool3d`.

    Example:
        >>> LPPool3d(1, 2)(jnp.ones((1, 2, 2, 2)))
        Array([[[[8.]]]], dtype=float32)
    """

    n = 3
