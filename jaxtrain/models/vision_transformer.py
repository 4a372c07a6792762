"""A transformer over the patches of an image."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jax.typing import DTypeLike

from jaxtrain import nn, rng
from jaxtrain.nn import init

FEATURES, HEADS, FEEDFORWARD, LAYERS = 64, 4, 128, 2
PATCH = 4


class VisionTransformer(nnx.Module):
    """Patches of 4x4 pixels, two pre-norm encoder layers, the mean over all patches.

    Each patch becomes 64 features, to which a trained vector for its place is added.

    Args:
        in_channels: C of images (N, C, H, W).
        size: H = W, a multiple of 4.
        out_features: number of outputs.
        dropout: of the encoder layers; see `nn.TransformerEncoderLayer`.
        generator: where the initial values come from, layer by layer in this order;
            `rng.default_generator` if not given.
        dtype: of the parameters; see `nn.Linear`.

    Raises:
        ValueError: `size` is no multiple of 4, or `dropout` lies outside [0, 1].

    Reference: Dosovitskiy et al. 2020, https://arxiv.org/abs/2010.11929

    Example:
        >>> model = VisionTransformer(generator=rng.Generator(0))
        >>> model(jnp.zeros((2, 1, 28, 28))).shape
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
        if size < PATCH or size % PATCH:
            raise ValueError(f"size must be a multiple of {PATCH}, but got {size}")
        new: dict[str, Any] = {"generator": generator, "dtype": dtype}
        self.patches = nn.Conv2d(in_channels, FEATURES, PATCH, PATCH, **new)
        self.position = _places((size // PATCH) ** 2, **new)
        self.encoder = nn.Sequential(
            *(
                nn.TransformerEncoderLayer(
                    FEATURES,
                    HEADS,
                    FEEDFORWARD,
                    dropout,
                    activation="gelu",
                    batch_first=True,
                    norm_first=True,
                    **new,
                )
                for _ in range(LAYERS)
            )
        )
        # Pre-norm layers add up and do not normalise the sum: that is left to this one.
        self.norm = nn.LayerNorm(FEATURES, dtype=dtype)
        self.classifier = nn.Linear(FEATURES, out_features, **new)

    def __call__(self, input: jax.Array) -> jax.Array:
        x = self.patches(input)  # (N, features, H/4, W/4)
        x = x.reshape(*x.shape[:2], -1).swapaxes(1, 2)  # (N, patches, features)
        x = self.norm(self.encoder(x + self.position[...]))
        return self.classifier(x.mean(axis=1))


def _places(count: int, generator: rng.Generator | None, dtype: DTypeLike) -> nnx.Param:
    # Drawn as every layer's weights are: see `nn.Linear`.
    wide = jnp.promote_types(dtype, jnp.float32)
    # A spread of 0.02, as in the paper's own code.
    values = init.trunc_normal(
        (count, FEATURES), std=0.02, generator=generator, dtype=wide
    )
    return nnx.Param(jnp.asarray(values, dtype))
