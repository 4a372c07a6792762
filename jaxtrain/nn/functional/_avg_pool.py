"""The mean or the power mean of each window."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxtrain.nn.functional._max_pool import Size, max_pool, max_windows
from jaxtrain.nn.pooling.windows import check_counts, check_padding, window_count
from jaxtrain.nn.shapes import at_least, ensure_batch, per_dim


class AvgWindows(NamedTuple):
    """How windows lie, each one size for a dimension."""

    kernel_size: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]


def avg_windows(
    name: str, n: int, kernel_size: Size, stride: Size | None, padding: Size
) -> AvgWindows:
    """The sizes of n dimensions.

    Raises:
        ValueError: sizes that cannot be, padding beyond half a window.

    Example:
        >>> avg_windows("avg_pool1d", 1, 2, None, 0).stride
        (2,)
    """
    kernel = per_dim(name, "kernel_size", kernel_size, n)
    # PyTorch takes an empty stride for none.
    steps = per_dim(name, "stride", kernel if stride in (None, ()) else stride, n)
    sizes = AvgWindows(kernel, steps, per_dim(name, "padding", padding, n))
    at_least(name, 1, kernel_size=kernel, stride=steps)
    check_padding(name, sizes.padding, kernel)
    return sizes


def avg_pool(
    name: str,
    input: jax.Array,
    sizes: AvgWindows,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: int | None = None,
) -> jax.Array:
    """y = mean of x over each window.

    Example:
        >>> sizes = avg_windows("avg_pool1d", 1, 2, None, 0)
        >>> avg_pool("avg_pool1d", jnp.array([[1.0, 2.0]]), sizes, False, True)
        Array([[1.5]], dtype=float32)
    """
    check_divisor(name, divisor_override)
    x = ensure_batch(name, input, len(sizes.kernel_size))
    dims = list(zip(x.shape[2:], *sizes, strict=True))
    counts = tuple(window_count(*dim, 1, ceil_mode) for dim in dims)
    check_counts(name, input, counts)
    spans = [Span(*dim, count) for dim, count in zip(dims, counts, strict=True)]
    divisor = _divisor(spans, count_include_pad, divisor_override)
    output = sum_windows(x, spans) / divisor.astype(x.dtype)
    return output if input.ndim == x.ndim else output[0]


def check_divisor(name: str, divisor_override: int | None) -> None:
    """Let a divisor pass that is not 0.

    Example:
        >>> check_divisor("avg_pool2d", None)
    """
    if divisor_override == 0:
        raise ValueError(f"{name} divides by {divisor_override=}")


def _divisor(
    spans: Sequence[Span], count_include_pad: bool, override: int | None
) -> np.ndarray:
    if override is not None:
        return np.array(override)
    # (windows of each dimension): lengths multiply.
    divisor = np.ones(())
    for span in spans:
        divisor = divisor[..., None] * span.elements(count_include_pad)
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


def lp_pool(
    name: str,
    input: jax.Array,
    norm_type: float,
    n: int,
    kernel_size: Size,
    stride: Size | None,
    ceil_mode: bool,
) -> jax.Array:
    """y = (Σ xᵖ)^(1/p) over each window.

    Example:
        >>> lp_pool("lp_pool1d", jnp.array([[3.0, 4.0]]), 2.0, 1, 2, None, False)
        Array([[5.]], dtype=float32)
    """
    check_norm(name, norm_type)
    if math.isinf(norm_type):
        windows = max_windows(name, n, kernel_size, stride, 0, 1)
        sign = 1 if norm_type > 0 else -1
        largest = max_pool(name, sign * jnp.abs(input), windows, ceil_mode, False)
        return sign * largest
    sizes = avg_windows(name, n, kernel_size, stride, 0)
    mean = avg_pool(name, input**norm_type, sizes, ceil_mode, True)
    # PyTorch takes every window for a whole one here, in `ceil_mode` too.
    total = mean * int(np.prod(sizes.kernel_size))
    # Where there are zeros alone the slope of the root is infinite: PyTorch cuts it.
    total = jnp.where(total == 0, jax.lax.stop_gradient(total), total)
    return total ** (1 / norm_type)


def check_norm(name: str, norm_type: float) -> None:
    """Let the p of a norm pass that is not 0.

    Example:
        >>> check_norm("lp_pool1d", 2.0)
    """
    if norm_type == 0:
        raise ValueError(f"{name} has no norm {norm_type}")
