"""Pooling in windows that are drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from jaxtrain.nn.functional._fractional_pool import (
    ORDERS,
    fractional_max_pool,
    fractional_windows,
)
from jaxtrain.nn.module import Module


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
        name = type(self).__name__
        self.kernel_size, self.output_size, self.output_ratio = fractional_windows(
            name, self.n, kernel_size, output_size, output_ratio
        )
        self.return_indices = return_indices
        # A buffer, which a `state_dict` holds: numbers in the place of those drawn.
        samples = None if _random_samples is None else jnp.asarray(_random_samples)
        self._random_samples: Any = None if samples is None else nnx.Variable(samples)

    def __call__(self, input: jax.Array) -> Any:
        samples = self._random_samples
        return fractional_max_pool(
            f"{type(self).__name__}({self.kernel_size})",
            input,
            self.kernel_size,
            self.output_size,
            self.output_ratio,
            self.return_indices,
            None if samples is None else samples[...],
            self.order,
        )


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
    order = ORDERS[2]


class FractionalMaxPool3d(_FractionalMaxPool):
    """`FractionalMaxPool2d` for (N, C, D, H, W) or (C, D, H, W): one number, or three.

    PyTorch: `torch.nn.FractionalMaxPool3d`.

    Example:
        >>> FractionalMaxPool3d(2, output_size=3)(jnp.ones((2, 5, 6, 7))).shape
        (2, 3, 3, 3)
    """

    n = 3
    order = ORDERS[3]
