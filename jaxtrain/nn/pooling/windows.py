"""Windows that slide over an image: how many, and where."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from jaxtrain.nn.shapes import misfit


def window_count(
    size: int, kernel: int, stride: int, padding: int, dilation: int, ceil_mode: bool
) -> int:
    """Windows along a dimension: ⌊(size + 2 padding - reach - 1) / stride⌋ + 1.

    In `ceil_mode` it is ⌈…⌉, but no window begins in the padding behind.

    Example:
        >>> [window_count(6, 3, 2, 0, 1, mode) for mode in (False, True)]
        [2, 3]
    """
    room = size + 2 * padding - dilation * (kernel - 1) - 1
    count = (room + (stride - 1 if ceil_mode else 0)) // stride + 1
    if ceil_mode and (count - 1) * stride >= size + padding:
        count -= 1
    return count


def check_counts(layer: str, input: jax.Array, counts: tuple[int, ...]) -> None:
    """Let an input pass that holds at least one window along each dimension."""
    if min(counts) < 1:
        raise misfit(layer, input, "padded, it is smaller than a window")


def check_padding(
    layer: str, padding: tuple[int, ...], kernel: tuple[int, ...]
) -> None:
    """Let padding pass that is at most half of the window, not counting dilation."""
    sizes = zip(padding, kernel, strict=True)
    if any(pad < 0 or 2 * pad > size for pad, size in sizes):
        raise ValueError(
            f"{layer} needs padding of at most half of the window {kernel}, "
            f"got {padding}"
        )


@dataclass(frozen=True)
class Windows:
    """Which positions the windows along one dimension hold.

    `positions` is (windows, elements), all of them within the dimension; `valid`, of
    the same shape, says which of them count.
    """

    positions: np.ndarray
    valid: np.ndarray


def slide(
    size: int, count: int, kernel: int, stride: int, padding: int, dilation: int
) -> Windows:
    """`count` windows at a distance of `stride`, the first beginning before position 0.

    Example:
        >>> slide(3, 2, 2, 2, 1, 1).valid
        array([[False,  True],
               [ True,  True]])
    """
    first = np.arange(count)[:, None] * stride - padding
    positions = first + np.arange(kernel) * dilation
    valid = (positions >= 0) & (positions < size)
    return Windows(positions.clip(0, size - 1), valid)


def adaptive(size: int, count: int) -> Windows:
    """`count` windows over the whole dimension.

    The i-th goes from ⌊i·size/count⌋ to ⌈(i+1)·size/count⌉.

    Example:
        >>> adaptive(5, 3).positions
        array([[0, 1, 2],
               [1, 2, 3],
               [3, 4, 4]])
    """
    first = np.arange(count) * size // count
    # Rounded up in whole numbers: a float may lie beside the integer that is meant.
    end = -(-(np.arange(count) + 1) * size // count)
    widest = int((end - first).max(initial=0))
    positions = first[:, None] + np.arange(widest)
    return Windows(positions.clip(0, size - 1), positions < end[:, None])


def gather(x: jax.Array, windows: Sequence[Windows]) -> jax.Array:
    """The elements of each window, (N, C, windows…, elements).

    Example:
        >>> gather(jnp.arange(3.0).reshape(1, 1, 3), [adaptive(3, 2)])[0, 0]
        Array([[0., 1.],
               [1., 2.]], dtype=float32)
    """
    n = len(windows)
    for i, window in enumerate(windows):
        # Each look-up makes two dimensions of one.
        x = jnp.take(x, window.positions, axis=2 + 2 * i)
    # (N, C, windows, elements, windows, elements, …) -> (N, C, windows…, elements…).
    order = (0, 1, *range(2, 2 + 2 * n, 2), *range(3, 3 + 2 * n, 2))
    elements = math.prod(x.shape[i] for i in order[2 + n :])
    return x.transpose(order).reshape(*(x.shape[i] for i in order[: 2 + n]), elements)


def validity(windows: Sequence[Windows]) -> np.ndarray:
    """Which elements count, (windows…, elements)."""
    return _product([window.valid for window in windows], np.logical_and)


def flat_positions(windows: Sequence[Windows], sizes: Sequence[int]) -> np.ndarray:
    """Places in the flattened dimensions, (windows…, elements)."""
    steps = [math.prod(sizes[i + 1 :]) for i in range(len(sizes))]
    parts = [w.positions * s for w, s in zip(windows, steps, strict=True)]
    return _product(parts, np.add)


def _product(parts: Sequence[np.ndarray], join: np.ufunc) -> np.ndarray:
    """Tables of each dimension, (windows, elements), joined into one of all."""
    n = len(parts)
    # (windows, 1, …, elements, 1, …)
    table = parts[0].reshape(-1, *[1] * (n - 1), parts[0].shape[1], *[1] * (n - 1))
    for i, part in enumerate(parts[1:], 1):
        shape = [1] * (2 * n)
        shape[i], shape[n + i] = part.shape
        table = join(table, part.reshape(shape))
    return table.reshape(*table.shape[:n], -1)
