"""Pooling to a size of output."""

from __future__ import annotations

from typing import Any

import jax

from jaxtrain.nn.functional._adaptive_pool import (
    Size,
    adaptive_avg_pool,
    adaptive_max_pool,
    adaptive_sizes,
)
from jaxtrain.nn.module import Module


class _AdaptiveAvgPool(Module):
    n: int

    def __init__(self, output_size: Size):
        self.output_size = adaptive_sizes(type(self).__name__, self.n, output_size)

    def __call__(self, input: jax.Array) -> jax.Array:
        return adaptive_avg_pool(type(self).__name__, input, self.output_size)


class AdaptiveAvgPool1d(_AdaptiveAvgPool):
    """y_i = mean of x from ⌊i·L/out⌋ to ⌈(i+1)·L/out⌉, along L of (N, C, L) or (C, L).

    Args:
        output_size: number of windows.

    Raises:
        ValueError: a negative size, an input that is no signal.

    PyTorch: `torch.nn.AdaptiveAvgPool1d`.

    Example:
        >>> import jax.numpy as jnp
        >>> AdaptiveAvgPool1d(2)(jnp.array([[1.0, 2.0, 3.0]]))
        Array([[1.5, 2.5]], dtype=float32)
    """

    n = 1


class AdaptiveAvgPool2d(_AdaptiveAvgPool):
    """`AdaptiveAvgPool1d` for (N, C, H, W) or (C, H, W).

    Args:
        output_size: one number, or two; `None` for the input's own size.

    PyTorch: `torch.nn.AdaptiveAvgPool2d`.

    Example:
        >>> import jax.numpy as jnp
        >>> AdaptiveAvgPool2d((None, 7))(jnp.ones((3, 9, 10))).shape
        (3, 9, 7)
    """

    n = 2


class AdaptiveAvgPool3d(_AdaptiveAvgPool):
    """`AdaptiveAvgPool1d` for (N, C, D, H, W) or (C, D, H, W).

    Args:
        output_size: one number, or three; `None` for the input's own size.

    PyTorch: `torch.nn.AdaptiveAvgPool3d`.

    Example:
        >>> import jax.numpy as jnp
        >>> AdaptiveAvgPool3d(1)(jnp.ones((3, 4, 5, 6))).shape
        (3, 1, 1, 1)
    """

    n = 3


class _AdaptiveMaxPool(Module):
    n: int

    def __init__(self, output_size: Size, return_indices: bool = False):
        self.output_size = adaptive_sizes(type(self).__name__, self.n, output_size)
        self.return_indices = return_indices

    def __call__(self, input: jax.Array) -> Any:
        name = type(self).__name__
        return adaptive_max_pool(name, input, self.output_size, self.return_indices)


class AdaptiveMaxPool1d(_AdaptiveMaxPool):
    """y_i = max of x from ⌊i·L/out⌋ to ⌈(i+1)·L/out⌉, along L of (N, C, L) or (C, L).

    Args:
        output_size: number of windows.
        return_indices: whether the result is a pair, of values and their places.

    Raises:
        ValueError: a negative size, an input that is no signal.

    PyTorch: `torch.nn.AdaptiveMaxPool1d`.

    Example:
        >>> import jax.numpy as jnp
        >>> AdaptiveMaxPool1d(2)(jnp.array([[1.0, 2.0, 3.0]]))
        Array([[2., 3.]], dtype=float32)
    """

    n = 1


class AdaptiveMaxPool2d(_AdaptiveMaxPool):
    """`AdaptiveMaxPool1d` for (N, C, H, W) or (C, H, W).

    Args:
        output_size: one number, or two; `None` for the input's own size.
        return_indices: whether the result is a pair, of values and their places.

    PyTorch: `torch.nn.AdaptiveMaxPool2d`.

    Example:
        >>> import jax.numpy as jnp
        >>> AdaptiveMaxPool2d(2)(jnp.ones((3, 9, 10))).shape
        (3, 2, 2)
    """

    n = 2


class AdaptiveMaxPool3d(_AdaptiveMaxPool):
    """`AdaptiveMaxPool1d` for (N, C, D, H, W) or (C, D, H, W).

    Args:
        output_size: one number, or three; `None` for the input's own size.
        return_indices: whether the result is a pair, of values and their places.

    PyTorch: `torch.nn.AdaptiveMaxPool3d`.

    Example:
        >>> import jax.numpy as jnp
        >>> AdaptiveMaxPool3d(1)(jnp.ones((3, 4, 5, 6))).shape
        (3, 1, 1, 1)
    """

    n = 3
