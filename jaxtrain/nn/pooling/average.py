"""The mean or the power mean of each window."""

from __future__ import annotations

from collections.abc import Sequence

import jax

from jaxtrain.nn.functional._avg_pool import (
    AvgWindows,
    avg_pool,
    avg_windows,
    check_divisor,
    check_norm,
    lp_pool,
)
from jaxtrain.nn.module import Module


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
        name = type(self).__name__
        sizes = avg_windows(name, self.n, kernel_size, stride, padding)
        self.kernel_size, self.stride, self.padding = sizes
        check_divisor(name, divisor_override)
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad
        self.divisor_override = divisor_override

    def __call__(self, input: jax.Array) -> jax.Array:
        return avg_pool(
            f"{type(self).__name__}({self.kernel_size})",
            input,
            AvgWindows(self.kernel_size, self.stride, self.padding),
            self.ceil_mode,
            self.count_include_pad,
            self.divisor_override,
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
        >>> import jax.numpy as jnp
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
        >>> import jax.numpy as jnp
        >>> AvgPool2d(2)(jnp.arange(16.0).reshape(1, 4, 4))
        Array([[[ 2.5,  4.5],
                [10.5, 12.5]]], dtype=float32)
    """

    n = 2


class AvgPool3d(_AvgPoolByDivisor):
    """`AvgPool2d` for (N, C, D, H, W) or (C, D, H, W); sizes are one number, or three.

    PyTorch: `torch.nn.AvgPool3d`.

    Example:
        >>> import jax.numpy as jnp
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
        name = type(self).__name__
        check_norm(name, norm_type)
        self.norm_type = float(norm_type)
        sizes = avg_windows(name, self.n, kernel_size, stride, 0)
        self.kernel_size, self.stride, _ = sizes
        self.ceil_mode = ceil_mode

    def __call__(self, input: jax.Array) -> jax.Array:
        return lp_pool(
            f"{type(self).__name__}({self.kernel_size})",
            input,
            self.norm_type,
            self.n,
            self.kernel_size,
            self.stride,
            self.ceil_mode,
        )


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
        >>> import jax.numpy as jnp
        >>> LPPool1d(2, 2)(jnp.array([[3.0, 4.0]]))
        Array([[5.]], dtype=float32)
    """

    n = 1


class LPPool2d(_LPPool):
    """`LPPool1d` for (N, C, H, W) or (C, H, W); sizes are one number, or two.

    PyTorch: `torch.nn.LPPool2d`.

    Example:
        >>> import jax.numpy as jnp
        >>> LPPool2d(2, 2)(jnp.ones((1, 2, 2)))
        Array([[[2.]]], dtype=float32)
    """

    n = 2


class LPPool3d(_LPPool):
    """`LPPool1d` for (N, C, D, H, W) or (C, D, H, W); sizes are one number, or three.

    PyTorch: `torch.nn.LPPool3d`.

    Example:
        >>> import jax.numpy as jnp
        >>> LPPool3d(1, 2)(jnp.ones((1, 2, 2, 2)))
        Array([[[[8.]]]], dtype=float32)
    """

    n = 3
