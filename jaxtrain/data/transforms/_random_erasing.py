"""Erasing a rectangle at a random place."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from jaxtrain.data.transforms._arguments import interval, probability, values
from jaxtrain.data.transforms._chain import Drawn, Transform, uniform_integers

ATTEMPTS = 10
"""How often torchvision draws a rectangle before it leaves an image untouched."""


@dataclass(frozen=True)
class RandomErasing(Transform):
    """`random_erasing` with its arguments."""

    p: float
    scale: tuple[float, float]
    ratio: tuple[float, float]
    value: tuple[float, ...]
    uniforms: ClassVar[int] = 3 + 2 * ATTEMPTS

    def parameters(self, uniform: np.ndarray, height: int, width: int) -> Drawn:
        pending = uniform[..., 0] < self.p
        h = w = np.zeros(pending.shape, np.int32)
        for column in range(3, self.uniforms, 2):
            if not pending.any():
                break
            sides = self._rectangle(uniform[..., column : column + 2], height * width)
            fits = pending & (sides[0] < height) & (sides[1] < width)
            h, w = np.where(fits, sides[0], h), np.where(fits, sides[1], w)
            pending &= ~fits
        return {
            "i": uniform_integers(uniform[..., 1], height - h + 1),
            "j": uniform_integers(uniform[..., 2], width - w + 1),
            "h": h,
            "w": w,
        }

    def _rectangle(
        self, uniform: np.ndarray, pixels: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Height and width, int32 (…), of two uniform numbers each (…, 2)."""
        area = pixels * _interpolate(self.scale, uniform[..., 0])
        log_ratio = math.log(self.ratio[0]), math.log(self.ratio[1])
        ratio = np.exp(_interpolate(log_ratio, uniform[..., 1]))
        h, w = np.sqrt(area * ratio), np.sqrt(area / ratio)
        return np.rint(h).astype(np.int32), np.rint(w).astype(np.int32)

    def apply_one(self, image: jax.Array, drawn: Mapping[str, Any]) -> jax.Array:
        channels, height, width = image.shape
        if len(self.value) not in (1, channels):
            raise ValueError(
                f"value must be one number or {channels}, the number of channels, "
                f"got {self.value}"
            )
        value = jnp.asarray(self.value, image.dtype)[:, None, None]
        rows = _interval_mask(height, drawn["i"], drawn["h"])
        columns = _interval_mask(width, drawn["j"], drawn["w"])
        return jnp.where(rows[:, None] & columns, value, image)


def _interpolate(bounds: tuple[float, float], uniform: np.ndarray) -> np.ndarray:
    return bounds[0] + (bounds[1] - bounds[0]) * uniform


def _interval_mask(length: int, start: jax.Array, extent: jax.Array) -> jax.Array:
    place = jnp.arange(length, dtype=jnp.int32)
    return (place >= start) & (place < start + extent)


def random_erasing(
    p: float = 0.5,
    scale: tuple[float, float] = (0.02, 0.33),
    ratio: tuple[float, float] = (0.3, 3.3),
    value: Any = 0,
) -> RandomErasing:
    """Overwrite a random rectangle of each image, with probability `p`.

    The rectangle's share s of the image is uniform within `scale`, the logarithm of its
    aspect ratio r (height over width) uniform within that of `ratio`:
    h = round(√(s H W r)), w = round(√(s H W / r)). Where it is not smaller than the
    image it is drawn again, ten times in all; then the image is left as it is.

    Drawn: `i`, `j` (top, left) and `h`, `w`, int32, in pixels; an untouched image has
    h = w = 0.

    Args:
        p: probability that an image is erased, 0 … 1.
        scale: smallest and largest share of the image, 0 … 1.
        ratio: smallest and largest aspect ratio, above 0.
        value: what is written: a number, or one for each channel, rounded to the type
            of the images (torchvision rounds it to PyTorch's default type first).

    Raises:
        TypeError: an argument is of the wrong type; so is torchvision's "random" value,
            which is not on offer.
        ValueError: an argument is impossible. When applied: `value` does not fit the
            images' channels.

    PyTorch: `torchvision.transforms.RandomErasing`.

    Example:
        >>> erasing = random_erasing(value=7)
        >>> drawn = {"i": [0], "j": [1], "h": [1], "w": [2]}
        >>> drawn = {name: np.array(number) for name, number in drawn.items()}
        >>> erasing.apply(jnp.zeros((1, 1, 2, 3), int), drawn).tolist()
        [[[[0, 7, 7], [0, 0, 0]]]]
    """
    scale, ratio = interval("scale", scale), interval("ratio", ratio)
    if scale[0] < 0 or scale[1] > 1:
        raise ValueError(f"scale must be between 0 and 1, got {scale}")
    if ratio[0] <= 0:
        raise ValueError(f"ratio must be above 0, got {ratio}")
    return RandomErasing(probability("p", p), scale, ratio, values("value", value))
