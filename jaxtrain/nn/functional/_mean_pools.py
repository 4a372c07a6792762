"""Means and power means of windows by PyTorch's six names."""

from __future__ import annotations

import jax

from jaxtrain.nn.functional._avg_pool import avg_pool, avg_windows, lp_pool
from jaxtrain.nn.functional._max_pool import Size


def avg_pool1d(
    input: jax.Array,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> jax.Array:
    """y = mean of x over each window of (N, C, L) or (C, L).

    Args:
        input: x.
        kernel_size: length of a window.
        stride: distance of windows; `kernel_size` if not given.
        padding: zeros at each end.
        ceil_mode: whether a last window may be incomplete.
        count_include_pad: whether those zeros count in the mean. What an incomplete
            window lacks beyond them never does.

    Raises:
        ValueError: sizes that cannot be, padding beyond half a window, an input that is
            no signal or shorter than a window.

    PyTorch: `torch.nn.functional.avg_pool1d`.

    Example:
        >>> import jax.numpy as jnp
        >>> avg_pool1d(jnp.array([[1.0, 2.0, 4.0, 3.0]]), 2)
        Array([[1.5, 3.5]], dtype=float32)
    """
    sizes = avg_windows("avg_pool1d", 1, kernel_size, stride, padding)
    return avg_pool(
        "avg_pool1d",
        input,
        sizes,
        ceil_mode,
        count_include_pad,
    )


def avg_pool2d(
    input: jax.Array,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> jax.Array:
    """`avg_pool1d` for (N, C, H, W) or (C, H, W); sizes are one number, or two.

    `divisor_override` is what sums are divided by, whatever the window, and not 0.

    PyTorch: `torch.nn.functional.avg_pool2d`.

    Example:
        >>> import jax.numpy as jnp
        >>> avg_pool2d(jnp.arange(16.0).reshape(1, 4, 4), 2)
        Array([[[ 2.5,  4.5],
                [10.5, 12.5]]], dtype=float32)
    """
    sizes = avg_windows("avg_pool2d", 2, kernel_size, stride, padding)
    return avg_pool(
        "avg_pool2d",
        input,
        sizes,
        ceil_mode,
        count_include_pad,
        divisor_override,
    )


def avg_pool3d(
    input: jax.Array,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> jax.Array:
    """`avg_pool2d` for (N, C, D, H, W) or (C, D, H, W); one number, or three.

    PyTorch: `torch.nn.functional.avg_pool3d`.

    Example:
        >>> import jax.numpy as jnp
        >>> avg_pool3d(jnp.ones((2, 3, 4, 4, 4)), (1, 2, 2)).shape
        (2, 3, 4, 2, 2)
    """
    sizes = avg_windows("avg_pool3d", 3, kernel_size, stride, padding)
    return avg_pool(
        "avg_pool3d",
        input,
        sizes,
        ceil_mode,
        count_include_pad,
        divisor_override,
    )


def lp_pool1d(
    input: jax.Array,
    norm_type: float,
    kernel_size: Size,
    stride: Size | None = None,
    ceil_mode: bool = False,
) -> jax.Array:
    """y = (Σ xᵖ)^(1/p) over each window of (N, C, L) or (C, L).

    As in PyTorch there is no |x|: an odd or broken p of negative inputs gives NaN.

    Args:
        input: x.
        norm_type: p; ∞ is the largest |x|, -∞ the smallest.
        kernel_size: length of a window.
        stride: distance of windows; `kernel_size` if not given.
        ceil_mode: whether a last window may be incomplete.

    Raises:
        ValueError: p is 0, and as for `avg_pool1d`.

    PyTorch: `torch.nn.functional.lp_pool1d`.

    Example:
        >>> import jax.numpy as jnp
        >>> lp_pool1d(jnp.array([[3.0, 4.0]]), 2, 2)
        Array([[5.]], dtype=float32)
    """
    return lp_pool(
        "lp_pool1d", input, float(norm_type), 1, kernel_size, stride, ceil_mode
    )


def lp_pool2d(
    input: jax.Array,
    norm_type: float,
    kernel_size: Size,
    stride: Size | None = None,
    ceil_mode: bool = False,
) -> jax.Array:
    """`lp_pool1d` for (N, C, H, W) or (C, H, W); sizes are one number, or two.

    PyTorch: `torch.nn.functional.lp_pool2d`.

    Example:
        >>> import jax.numpy as jnp
        >>> lp_pool2d(jnp.ones((1, 2, 2)), 2, 2)
        Array([[[2.]]], dtype=float32)
    """
    return lp_pool(
        "lp_pool2d", input, float(norm_type), 2, kernel_size, stride, ceil_mode
    )


def lp_pool3d(
    input: jax.Array,
    norm_type: float,
    kernel_size: Size,
    stride: Size | None = None,
    ceil_mode: bool = False,
) -> jax.Array:
    """`lp_pool1d` for (N, C, D, H, W) or (C, D, H, W); one number, or three.

    PyTorch: `torch.nn.functional.lp_pool3d`.

    Example:
        >>> import jax.numpy as jnp
        >>> lp_pool3d(jnp.ones((1, 2, 2, 2)), 1, 2)
        Array([[[[8.]]]], dtype=float32)
    """
    return lp_pool(
        "lp_pool3d", input, float(norm_type), 3, kernel_size, stride, ceil_mode
    )
