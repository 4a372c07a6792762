"""Pooling to a size of output."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from jaxtrain.nn.module import Module
from jaxtrain.nn.pooling.max import largest
from jaxtrain.nn.pooling.windows import Windows, adaptive, gather, validity
from jaxtrain.nn.shapes import at_least, ensure_batch

Size = int | Sequence[int | None] | None


class _AdaptivePool(Module):
    n: int

    def _begin(self, output_size: Size) -> None:
        name = type(self).__name__
        if output_size is None or isinstance(output_size, int):
            sizes: tuple[int | None, ...] = (output_size,) * self.n
        else:
            sizes = tuple(output_size)
        if len(sizes) != self.n:
            raise ValueError(f"{name} needs {self.n} sizes, got {output_size!r}")
        at_least(name, 0, output_size=tuple(s for s in sizes if s is not None) or (0,))
        self.output_size = sizes

    def _windows(self, input: jax.Array) -> tuple[jax.Array, list[Windows]]:
        """(N, C, *) and the windows of each dimension."""
        x = ensure_batch(f"{type(self).__name__}({self.output_size})", input, self.n)
        sizes = zip(x.shape[2:], self.output_size, strict=True)
        return x, [adaptive(size, size if o is None else o) for size, o in sizes]


class _AdaptiveAvgPool(_AdaptivePool):
    def __init__(self, output_size: Size):
        self._begin(output_size)

    def __call__(self, input: jax.Array) -> jax.Array:
        x, windows = self._windows(input)
        valid = validity(windows)
        # Windows differ in length: what fills up the shorter ones does not count.
        total = jnp.where(valid, gather(x, windows), 0).sum(-1)
        output = total / valid.sum(-1).astype(x.dtype)
        return output if input.ndim == x.ndim else output[0]


class AdaptiveAvgPool1d(_AdaptiveAvgPool):
    """y_i = mean of x from ⌊i·L/out⌋ to ⌈(i+1)·L/out⌉, along L of (N, C, L) or (C, L).

    Args:
        output_size: number of windows.

    Raises:
        ValueError: a negative size, an input that is no signal.

    PyTorch: `torch.nn.AdaptiveAvgPool1d`.

    Example:
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
        >>> AdaptiveAvgPool3d(1)(jnp.ones((3, 4, 5, 6))).shape
        (3, 1, 1, 1)
    """

    n = 3


class _AdaptiveMaxPool(_AdaptivePool):
    def __init__(self, output_size: Size, return_indices: bool = False):
        self._begin(output_size)
        self.return_indices = return_indices

    def __call__(self, input: jax.Array) -> Any:
        x, windows = self._windows(input)
        result = largest(x, windows)
        if input.ndim != x.ndim:
            result = (result[0][0], result[1][0])
        return result if self.return_indices else result[0]


class AdaptiveMaxPool1d(_AdaptiveMaxPool):
    """y_i = max of x from ⌊i·L/out⌋ to ⌈(i+1)·L/out⌉, along L of (N, C, L) or (C, L).

    Args:
        output_size: number of windows.
        return_indices: whether the result is a pair, of values and their places.

    Raises:
        ValueError: a negative size, an input that is no signal.

    PyTorch: `torch.nn.AdaptiveMaxPool1d`.

    Example:
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
        >>> AdaptiveMaxPool3d(1)(jnp.ones((3, 4, 5, 6))).shape
        (3, 1, 1, 1)
    """

    n = 3
