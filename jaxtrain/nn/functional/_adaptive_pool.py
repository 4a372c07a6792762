"""Pooling to a size of output."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from jaxtrain.nn.functional._max_pool import largest
from jaxtrain.nn.pooling.windows import Windows, adaptive, gather, validity
from jaxtrain.nn.shapes import at_least, ensure_batch

Size = int | Sequence[int | None] | None
Sizes = tuple[int | None, ...]


def adaptive_sizes(name: str, n: int, output_size: Size) -> Sizes:
    """Sizes of the output, None for those of the input.

    Raises:
        ValueError: a negative size, or another number than n of them.

    Example:
        >>> adaptive_sizes("adaptive_avg_pool2d", 2, 3)
        (3, 3)
    """
    if output_size is None or isinstance(output_size, int):
        sizes: Sizes = (output_size,) * n
    else:
        sizes = tuple(output_size)
    if len(sizes) != n:
        raise ValueError(f"{name} needs {n} sizes, got {output_size!r}")
    at_least(name, 0, output_size=tuple(s for s in sizes if s is not None) or (0,))
    return sizes


def _windows(
    name: str, input: jax.Array, sizes: Sizes
) -> tuple[jax.Array, list[Windows]]:
    """(N, C, *) and the windows of each dimension."""
    x = ensure_batch(f"{name}({sizes})", input, len(sizes))
    dims = zip(x.shape[2:], sizes, strict=True)
    return x, [adaptive(size, size if o is None else o) for size, o in dims]


def adaptive_avg_pool(name: str, input: jax.Array, sizes: Sizes) -> jax.Array:
    """The mean of each window.

    Example:
        >>> adaptive_avg_pool("", jnp.array([[1.0, 2.0, 3.0]]), (2,))
        Array([[1.5, 2.5]], dtype=float32)
    """
    x, windows = _windows(name, input, sizes)
    valid = validity(windows)
    # Windows differ in length: what fills up the shorter ones does not count.
    total = jnp.where(valid, gather(x, windows), 0).sum(-1)
    output = total / valid.sum(-1).astype(x.dtype)
    return output if input.ndim == x.ndim else output[0]


def adaptive_max_pool(
    name: str, input: jax.Array, sizes: Sizes, return_indices: bool
) -> Any:
    """The largest of each window, and its place if asked for.

    Example:
        >>> adaptive_max_pool("", jnp.array([[1.0, 2.0, 3.0]]), (2,), False)
        Array([[2., 3.]], dtype=float32)
    """
    x, windows = _windows(name, input, sizes)
    result = largest(x, windows)
    if input.ndim != x.ndim:
        result = (result[0][0], result[1][0])
    return result if return_indices else result[0]


def adaptive_avg_pool1d(input: jax.Array, output_size: Size) -> jax.Array:
    """y_i = mean of x from ⌊i·L/out⌋ to ⌈(i+1)·L/out⌉, along L of (N, C, L) or (C, L).

    Args:
        input: x.
        output_size: number of windows.

    Raises:
        ValueError: a negative size, an input that is no signal.

    PyTorch: `torch.nn.functional.adaptive_avg_pool1d`.

    Example:
        >>> adaptive_avg_pool1d(jnp.array([[1.0, 2.0, 3.0]]), 2)
        Array([[1.5, 2.5]], dtype=float32)
    """
    name = "adaptive_avg_pool1d"
    return adaptive_avg_pool(name, input, adaptive_sizes(name, 1, output_size))


def adaptive_avg_pool2d(input: jax.Array, output_size: Size) -> jax.Array:
    """`adaptive_avg_pool1d` for (N, C, H, W) or (C, H, W); None is the input's size.

    PyTorch: `torch.nn.functional.adaptive_avg_pool2d`.

    Example:
        >>> adaptive_avg_pool2d(jnp.ones((3, 9, 10)), (None, 7)).shape
        (3, 9, 7)
    """
    name = "adaptive_avg_pool2d"
    return adaptive_avg_pool(name, input, adaptive_sizes(name, 2, output_size))


def adaptive_avg_pool3d(input: jax.Array, output_size: Size) -> jax.Array:
    """`adaptive_avg_pool2d` for (N, C, D, H, W) or (C, D, H, W).

    PyTorch: `torch.nn.functional.adaptive_avg_pool3d`.

    Example:
        >>> adaptive_avg_pool3d(jnp.ones((3, 4, 5, 6)), 1).shape
        (3, 1, 1, 1)
    """
    name = "adaptive_avg_pool3d"
    return adaptive_avg_pool(name, input, adaptive_sizes(name, 3, output_size))


def adaptive_max_pool1d(
    input: jax.Array, output_size: Size, return_indices: bool = False
) -> Any:
    """y_i = max of x from ⌊i·L/out⌋ to ⌈(i+1)·L/out⌉, along L of (N, C, L) or (C, L).

    Args:
        input: x.
        output_size: number of windows.
        return_indices: whether the result is a pair, of values and their places.

    Raises:
        ValueError: a negative size, an input that is no signal.

    PyTorch: `torch.nn.functional.adaptive_max_pool1d`.

    Example:
        >>> adaptive_max_pool1d(jnp.array([[1.0, 2.0, 3.0]]), 2)
        Array([[2., 3.]], dtype=float32)
    """
    name = "adaptive_max_pool1d"
    sizes = adaptive_sizes(name, 1, output_size)
    return adaptive_max_pool(name, input, sizes, return_indices)


def adaptive_max_pool2d(
    input: jax.Array, output_size: Size, return_indices: bool = False
) -> Any:
    """`adaptive_max_pool1d` for (N, C, H, W) or (C, H, W); None is the input's size.

    PyTorch: `torch.nn.functional.adaptive_max_pool2d`.

    Example:
        >>> adaptive_max_pool2d(jnp.ones((3, 9, 10)), 2).shape
        (3, 2, 2)
    """
    name = "adaptive_max_pool2d"
    sizes = adaptive_sizes(name, 2, output_size)
    return adaptive_max_pool(name, input, sizes, return_indices)


def adaptive_max_pool3d(
    input: jax.Array, output_size: Size, return_indices: bool = False
) -> Any:
    """`adaptive_max_pool2d` for (N, C, D, H, W) or (C, D, H, W).

    PyTorch: `torch.nn.functional.adaptive_max_pool3d`.

    Example:
        >>> adaptive_max_pool3d(jnp.ones((3, 4, 5, 6)), 1).shape
        (3, 1, 1, 1)
    """
    name = "adaptive_max_pool3d"
    sizes = adaptive_sizes(name, 3, output_size)
    return adaptive_max_pool(name, input, sizes, return_indices)
