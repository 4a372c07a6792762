"""Pooling in windows that are drawn."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from jaxtrain.nn.masks import draw_unit
from jaxtrain.nn.module import Module
from jaxtrain.nn.shapes import at_least, ensure_batch, misfit, per_dim


class _FractionalMaxPool(Module):
    n: int
    order: tuple[int, ...]
    """Which of the drawn numbers places the windows of each dimension."""

    def __init__(
        self,
        kernel_size: int | Sequence[int],
        output_size: int | Sequence[int] | None = None,
        output_ratio: float | Sequence[float] | None = None,
        return_indices: bool = False,
        _random_samples: Any = None,
    ):
        name, n = type(self).__name__, self.n
        if (output_size is None) == (output_ratio is None):
            raise ValueError(
                f"{name} needs one of output_size and output_ratio, got "
                f"{output_size!r} and {output_ratio!r}"
            )
        self.kernel_size = per_dim(name, "kernel_size", kernel_size, n)
        at_least(name, 1, kernel_size=self.kernel_size)
        self.output_size: tuple[int, ...] | None = None
        self.output_ratio: tuple[float, ...] = ()
        if output_size is None:
            self.output_ratio = _ratios(name, output_ratio, n)
        else:
            self.output_size = per_dim(name, "output_size", output_size, n)
        self.return_indices = return_indices
        # A buffer, which a `state_dict` holds: numbers in the place of those drawn.
        samples = None if _random_samples is None else jnp.asarray(_random_samples)
        self._random_samples: Any = None if samples is None else nnx.Variable(samples)

    def __call__(self, input: jax.Array) -> Any:
        name = f"{type(self).__name__}({self.kernel_size})"
        x = ensure_batch(name, jnp.asarray(input), self.n)
        counts = self._counts(x.shape[2:])
        sizes = zip(x.shape[2:], self.kernel_size, counts, strict=True)
        if any(count < 1 or count + k - 1 > size for size, k, count in sizes):
            raise misfit(name, input, f"{counts} windows do not fit")
        samples = self._samples(x)
        values, places = _largest(x, self._starts(x, samples, counts), self.kernel_size)
        if input.ndim != x.ndim:
            values, places = values[0], places[0]
        return (values, places) if self.return_indices else values

    def _counts(self, sizes: tuple[int, ...]) -> tuple[int, ...]:
        if self.output_size is not None:
            return self.output_size
        pairs = zip(sizes, self.output_ratio, strict=True)
        return tuple(int(size * ratio) for size, ratio in pairs)

    def _samples(self, x: jax.Array) -> jax.Array:
        """One number in [0, 1) for each example, channel and dimension."""
        shape = (*x.shape[:2], self.n)
        if self._random_samples is None:
            return draw_unit(x, shape)
        samples = self._random_samples[...].astype(x.dtype)
        if samples.shape != shape:
            raise ValueError(f"_random_samples must be {shape}, got {samples.shape}")
        return samples

    def _starts(
        self, x: jax.Array, samples: jax.Array, counts: tuple[int, ...]
    ) -> list[jax.Array]:
        """First positions of the windows of each dimension, each (N, C, windows)."""
        return [
            _first_positions(samples[..., place], size, count, kernel)
            for place, size, count, kernel in zip(
                self.order, x.shape[2:], counts, self.kernel_size, strict=True
            )
        ]


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


class FractionalMaxPool2d(_FractionalMaxPool):
    """y = max of x over windows of (N, C, H, W) or (C, H, W) at places that are drawn.

    Windows begin at ⌊(i + u) a⌋ - ⌊u a⌋, a = (size - kernel) / (windows - 1), with a u
    from U(0, 1) for each channel, the last one at the end. Numbers come from
    `dropout_source`, in evaluation too.

    Args:
        kernel_size: of a window; sizes are one number, or two.
        output_size: number of windows; or
        output_ratio: what the input's sizes are multiplied by.
        return_indices: whether the result is a pair, of values and their places.

    Raises:
        ValueError: not one of `output_size` and `output_ratio`, a ratio outside (0, 1),
            an input for which windows are too many.

    PyTorch: `torch.nn.FractionalMaxPool2d`.
    Reference: Graham 2014, https://arxiv.org/abs/1412.6071

    Example:
        >>> FractionalMaxPool2d(2, output_ratio=0.5)(jnp.ones((3, 9, 8))).shape
        (3, 4, 4)
    """

    n = 2
    # PyTorch's two numbers place the width first, its three the depth first.
    order = (1, 0)


class FractionalMaxPool3d(_FractionalMaxPool):
    """`FractionalMaxPool2d` for (N, C, D, H, W) or (C, D, H, W): one number, or three.

    PyTorch: `torch.nn.FractionalMaxPool3d`.

    Example:
        >>> FractionalMaxPool3d(2, output_size=3)(jnp.ones((2, 5, 6, 7))).shape
        (2, 3, 3, 3)
    """

    n = 3
    order = (0, 1, 2)
