"""A residual network of eight layers."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jax.typing import DTypeLike

from jaxtrain import nn, rng

CHANNELS = (16, 32, 64)


class BasicBlock(nnx.Module):
    """relu(bn2(conv2(relu(bn1(conv1(x))))) + shortcut(x)), 3x3 convolutions.

    The shortcut is the identity, or a 1x1 convolution and BatchNorm where the shape
    changes.

    Reference: He et al. 2015, https://arxiv.org/abs/1512.03385
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        stride: int,
        *,
        generator: rng.Generator | None,
        dtype: DTypeLike,
    ):
        # BatchNorm would take a bias away again, with the mean.
        new: dict[str, Any] = {"bias": False, "generator": generator, "dtype": dtype}
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, **new)
        self.bn1 = nn.BatchNorm2d(outputs, dtype=dtype)
        self.relu = nn.ReLU()
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, **new)
        self.bn2 = nn.BatchNorm2d(outputs, dtype=dtype)
        self.shortcut: nnx.Module = nn.Identity()
        # Option B in section 4.1 of the paper: a
        # projection only where the shape changes.
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, **new),
                nn.BatchNorm2d(outputs, dtype=dtype),
            )

    def __call__(self, input: jax.Array) -> jax.Array:
        x = self.relu(self.bn1(self.conv1(input)))
        return self.relu(self.bn2(self.conv2(x)) + self.shortcut(input))


class ResNetSmall(nnx.Module):
    """A residual network of eight layers: a convolution, three blocks, a Linear.

    The blocks have 16, 32 and 64 channels; the second and third halve height and width.

    Args:
        in_channels: C of images (N, C, H, W).
        out_features: number of outputs.
        dropout: probability of zeroing a pooled feature; no dropout layer is there when
            it is 0.
        generator: where the initial values come from, layer by layer in this order;
            `rng.default_generator` if not given.
        dtype: of the parameters; see `nn.Linear`.

    Raises:
        ValueError: `dropout` lies outside [0, 1].

    Example:
        >>> ResNetSmall(generator=rng.Generator(0))(jnp.zeros((2, 1, 28, 28))).shape
        (2, 10)
    """

    def __init__(
        self,
        in_channels: int = 1,
        out_features: int = 10,
        dropout: float = 0.0,
        *,
        generator: rng.Generator | None = None,
        dtype: DTypeLike = jnp.float32,
    ):
        new: dict[str, Any] = {"generator": generator, "dtype": dtype}
        first = CHANNELS[0]
        self.stem = nn.Sequential(
            nn.Conv2d(in_channels, first, 3, padding=1, bias=False, **new),
            nn.BatchNorm2d(first, dtype=dtype),
            nn.ReLU(),
        )
        self.blocks = nn.Sequential(
            BasicBlock(first, first, 1, **new),
            *(BasicBlock(*sizes, 2, **new) for sizes in pairwise(CHANNELS)),
        )
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(
            nn.Flatten(),
            *([nn.Dropout(dropout)] if dropout else []),
            nn.Linear(CHANNELS[-1], out_features, **new),
        )

    def __call__(self, input: jax.Array) -> jax.Array:
        return self.classifier(self.pool(self.blocks(self.stem(input))))
