"""Pooling in windows that are drawn."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from jaxtrain.nn.functional._max_pool import Size
from jaxtrain.nn.masks import draw_unit
from jaxtrain.nn.shapes import at_least, ensure_batch, misfit, per_dim

Ratio = float | Sequence[float] | None
Counts = tuple[int, ...] | None

ORDERS = {2: (1, 0), 3: (0, 1, 2)}
"""Which of the drawn numbers places the windows of each dimension: PyTorch's two place
the width first, its three the depth first."""


def fractional_windows(
    name: str, n: int, kernel_size: Size, output_size: Size | None, output_ratio: Ratio
) -> tuple[tuple[int, ...], Counts, tuple[float, ...]]:
    """Sizes of a window, and the number of windows or what gives it.

    Raises:
        ValueError: not one of `output_size` and `output_ratio`, a ratio outside (0, 1).

    Example:
        >>> fractional_windows("fractional_max_pool2d", 2, 2, None, 0.5)
        ((2, 2), None, (0.5, 0.5))
    """
    if (output_size is None) == (output_ratio is None):
        raise ValueError(
            f"{name} needs one of output_size and output_ratio, got "
            f"{output_size!r} and {output_ratio!r}"
        )
    kernel = per_dim(name, "kernel_size", kernel_size, n)
    at_least(name, 1, kernel_size=kernel)
    if output_size is None:
        return kernel, None, _ratios(name, output_ratio, n)
    return kernel, per_dim(name, "output_size", output_size, n), ()


def fractional_max_pool(
    name: str,
    input: jax.Array,
    kernel: tuple[int, ...],
    output_size: Counts,
    output_ratio: tuple[float, ...],
    return_indices: bool,
    random_samples: jax.Array | None,
    order: tuple[int, ...],
) -> Any:
    """The largest of each window.

    Example:
        >>> x = jnp.ones((3, 9, 8))
        >>> pool = fractional_max_pool
        >>> pool("", x, (2, 2), None, (0.5, 0.5), False, None, (1, 0)).shape
        (3, 4, 4)
    """
    x = ensure_batch(name, jnp.asarray(input), len(kernel))
    counts = output_size
    if counts is None:
        pairs = zip(x.shape[2:], output_ratio, strict=True)
        counts = tuple(int(size * ratio) for size, ratio in pairs)
    sizes = zip(x.shape[2:], kernel, counts, strict=True)
    if any(count < 1 or count + k - 1 > size for size, k, count in sizes):
        raise misfit(name, input, f"{counts} windows do not fit")
    samples = _samples(x, len(kernel), random_samples)
    starts = [
        _first_positions(samples[..., place], size, count, k)
        for place, size, count, k in zip(
            order, x.shape[2:], counts, kernel, strict=True
        )
    ]
    values, places = _largest(x, starts, kernel)
    if input.ndim != x.ndim:
        values, places = values[0], places[0]
    return (values, places) if return_indices else values


def _samples(x: jax.Array, n: int, given: jax.Array | None) -> jax.Array:
    """One number in [0, 1) for each example, channel and dimension."""
    shape = (*x.shape[:2], n)
    if given is None:
        return draw_unit(x, shape)
    samples = jnp.asarray(given).astype(x.dtype)
    if samples.shape != shape:
        raise ValueError(f"_random_samples must be {shape}, got {samples.shape}")
    return samples


def _ratios(name: str, value: Any, n: int) -> tuple[float, ...]:
    ratios = (value,) * n if isinstance(value, int | float) else tuple(value)
    if len(ratios) != n or not all(0 < ratio < 1 for ratio in ratios):
        raise ValueError(
            f"{name} needs output_ratio between 0 and 1, one number or {n}, "
            f"got {value!r}"
        )
    return ratios


def _first_positions(
    samples: jax.Array, size: int, count: int, kernel: int
) -> jax.Array:
    """⌊(i + u) alpha⌋ - ⌊u alpha⌋, and the last window at the end."""
    if count == 1:
        return jnp.full((*samples.shape, 1), size - kernel)
    # In the input's type, as in ATen/native/FractionalMaxPooling.h: a rounding there
    # decides where a window begins.
    alpha = jnp.asarray(size - kernel, samples.dtype) / (count - 1)
    places = (jnp.arange(count, dtype=samples.dtype) + samples[..., None]) * alpha
    first = places.astype(int) - (samples * alpha).astype(int)[..., None]
    return first.at[..., -1].set(size - kernel)


def _largest(
    x: jax.Array, starts: list[jax.Array], kernel: tuple[int, ...]
) -> tuple[jax.Array, jax.Array]:
    """The largest element of each window, and its place in the flattened dimensions."""
    n = len(kernel)
    sizes = x.shape[2:]
    places: Any = 0
    for i, (start, k) in enumerate(zip(starts, kernel, strict=True)):
        inner = math.prod(sizes[i + 1 :])
        # (N, C, windows…, elements…)
        shape = [*start.shape[:2], *[1] * (2 * n)]
        shape[2 + i], shape[2 + n + i] = start.shape[2], k
        along = (start[..., None] + jnp.arange(k)).reshape(shape)
        places = places + along * inner
    windows = places.reshape(*places.shape[: 2 + n], -1)
    flat = x.reshape(*x.shape[:2], -1)
    # In bounds by construction: no window begins beyond size - kernel.
    elements = jnp.take_along_axis(
        flat, windows.reshape(*x.shape[:2], -1), -1, mode="promise_in_bounds"
    ).reshape(windows.shape)
    winner = elements.argmax(-1, keepdims=True)
    pair = (jnp.take_along_axis(t, winner, -1)[..., 0] for t in (elements, windows))
    values, indices = pair
    return values, indices


def fractional_max_pool2d(
    input: jax.Array,
    kernel_size: Size,
    output_size: Size | None = None,
    output_ratio: Ratio = None,
    return_indices: bool = False,
    _random_samples: Any = None,
) -> Any:
    """y = max of x over windows of (N, C, H, W) or (C, H, W) at places that are drawn.

    Args:
        input: x.
        kernel_size: of a window; sizes are one number, or two.
        output_size: number of windows; or
        output_ratio: what the input's sizes are multiplied by.
        return_indices: whether the result is a pair, of values and their places.
        _random_samples: numbers from U(0, 1) in the place of those drawn, (N, C, 2).

    Raises:
        ValueError: not one of `output_size` and `output_ratio`, a ratio outside (0, 1),
            an input for which windows are too many.

    PyTorch: `torch.nn.functional.fractional_max_pool2d`.

    Example:
        >>> fractional_max_pool2d(jnp.ones((3, 9, 8)), 2, output_ratio=0.5).shape
        (3, 4, 4)
    """
    name = "fractional_max_pool2d"
    windows = fractional_windows(name, 2, kernel_size, output_size, output_ratio)
    return fractional_max_pool(
        name, input, *windows, return_indices, _random_samples, ORDERS[2]
    )


def fractional_max_pool3d(
    input: jax.Array,
    kernel_size: Size,
    output_size: Size | None = None,
    output_ratio: Ratio = None,
    return_indices: bool = False,
    _random_samples: Any = None,
) -> Any:
    """`fractional_max_pool2d` for (N, C, D, H, W) or (C, D, H, W).

    PyTorch: `torch.nn.functional.fractional_max_pool3d`.

    Example:
        >>> fractional_max_pool3d(jnp.ones((2, 5, 6, 7)), 2, output_size=3).shape
        (2, 3, 3, 3)
    """
    name = "fractional_max_pool3d"
    windows = fractional_windows(name, 3, kernel_size, output_size, output_ratio)
    return fractional_max_pool(
        name, input, *windows, return_indices, _random_samples, ORDERS[3]
    )
