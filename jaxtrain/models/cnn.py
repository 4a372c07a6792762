"""A convolutional network of two blocks."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jax.typing import DTypeLike

from jaxtrain import nn, rng

CHANNELS = (32, 64)
HIDDEN = 128


class CNN(nnx.Module):
    """Two blocks of 3x3 convolution, BatchNorm, ReLU, 2x2 pooling; then two Linears.

    Args:
        in_channels: C of images (N, C, H, W).
        size: H = W, a multiple of 4.
        out_features: number of outputs.
        dropout: probability of zeroing what enters either Linear; no dropout layer is
            there when it is 0.
        generator: where the initial values come from, layer by layer in this order;
            `rng.default_generator` if not given.
        dtype: of the parameters; see `nn.Linear`.

    Raises:
        ValueError: `size` is no multiple of 4, or `dropout` lies outside [0, 1].

    Example:
        >>> CNN(generator=rng.Generator(0))(jnp.zeros((2, 1, 28, 28))).shape
        (2, 10)
    """

    def __init__(
        self,
        in_channels: int = 1,
        size: int = 28,
        out_features: int = 10,
        dropout: float = 0.0,
        *,
        generator: rng.Generator | None = None,
        dtype: DTypeLike = jnp.float32,
    ):
        if size < 4 or size % 4:
            raise ValueError(f"size must be a multiple of 4, but got {size}")
        new: dict[str, Any] = {"generator": generator, "dtype": dtype}
        blocks: list[nnx.Module] = []
        for inputs, outputs in zip((in_channels, *CHANNELS), CHANNELS, strict=False):
            blocks += [
                nn.Conv2d(inputs, outputs, 3, padding=1, **new),
                nn.BatchNorm2d(outputs, dtype=dtype),
                nn.ReLU(),
                nn.MaxPool2d(2),
            ]
        masks = [nn.Dropout(dropout)] if dropout else []
        self.features = nn.Sequential(*blocks)
        self.classifier = nn.Sequential(
            nn.Flatten(),
            *masks,
            # Each block halves height and width.
            nn.Linear(CHANNELS[-1] * (size // 4) ** 2, HIDDEN, **new),
            nn.ReLU(),
            *(nn.Dropout(dropout) for _ in masks),
            nn.Linear(HIDDEN, out_features, **new),
        )

    def __call__(self, input: jax.Array) -> jax.Array:
        return self.classifier(self.features(input))
