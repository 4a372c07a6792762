"""Rotations by a random angle."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import jax
import jax.numpy as jnp
import numpy as np

from jaxtrain.data.transforms._arguments import (
    interval,
    is_sequence,
    number,
    source_positions,
    values,
)
from jaxtrain.data.transforms._chain import Drawn, Transform

Interpolation = Literal["nearest", "bilinear"]


@dataclass(frozen=True)
class RandomRotation(Transform):
    """`random_rotation` with its arguments; degrees are (min, max)."""

    degrees: tuple[float, float]
    interpolation: Interpolation
    fill: tuple[float, ...]
    uniforms: ClassVar[int] = 1

    def parameters(self, uniform: np.ndarray, height: int, width: int) -> Drawn:
        del height, width
        low, high = self.degrees
        angle = low + (high - low) * uniform[..., 0]
        # In float64, by the library that torchvision calls: compiled code without x64
        # rounds the angle first.
        return {
            "angle": angle,
            "cos": _map_degrees(math.cos, angle),
            "sin": _map_degrees(math.sin, angle),
        }

    def apply_one(self, image: jax.Array, drawn: Mapping[str, Any]) -> jax.Array:
        channels, height, width = image.shape
        if len(self.fill) not in (1, channels):
            raise ValueError(
                f"fill must be one number or {channels}, the number of channels, "
                f"got {self.fill}"
            )
        precise = image.astype(jnp.promote_types(image.dtype, jnp.float32))
        cos, sin = (jnp.asarray(drawn[name], precise.dtype) for name in ("cos", "sin"))
        rows, columns = source_positions(cos, sin, height, width)
        fill = jnp.asarray(self.fill, precise.dtype)[:, None, None]
        read = READ[self.interpolation]
        return read(precise, rows, columns, fill).astype(image.dtype)


def _map_degrees(function: Callable[[float], float], degrees: np.ndarray) -> np.ndarray:
    radians = np.radians(degrees)
    return np.reshape([function(angle) for angle in radians.flat], degrees.shape)


def _pixels(
    image: jax.Array, rows: jax.Array, columns: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """Pixels (C, H, W) at whole rows and columns, and whether there is one (H, W)."""
    channels, height, width = image.shape
    there = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    index = rows.astype(jnp.int32) * width + columns.astype(jnp.int32)
    flat = image.reshape(channels, -1)
    return jnp.take(flat, index, axis=1, mode="clip"), there


def _nearest(
    image: jax.Array, rows: jax.Array, columns: jax.Array, fill: jax.Array
) -> jax.Array:
    # Ties to even, as PyTorch's `nearbyint`.
    pixels, there = _pixels(image, jnp.round(rows), jnp.round(columns))
    return jnp.where(there, pixels, fill)


def _bilinear(
    image: jax.Array, rows: jax.Array, columns: jax.Array, fill: jax.Array
) -> jax.Array:
    north, west = jnp.floor(rows), jnp.floor(columns)
    south_share, east_share = rows - north, columns - west
    north_share, west_share = 1 - south_share, 1 - east_share
    corners = (
        (north, west, west_share * north_share),
        (north, west + 1, east_share * north_share),
        (north + 1, west, west_share * south_share),
        (north + 1, west + 1, east_share * south_share),
    )
    blend, coverage = jnp.zeros_like(image), jnp.zeros_like(rows)
    for row, column, share in corners:
        pixels, there = _pixels(image, row, column)
        share = jnp.where(there, share, 0)
        blend, coverage = blend + pixels * share, coverage + share
    return blend * coverage + (1 - coverage) * fill


READ = {"nearest": _nearest, "bilinear": _bilinear}


def random_rotation(
    degrees: Any, interpolation: Interpolation = "nearest", fill: Any = 0
) -> RandomRotation:
    """Rotate images about their centre by a random angle, counter-clockwise.

    With x, y measured from the centre, y downwards, the pixel at (x, y) is read at
    (x cos a - y sin a, x sin a + y cos a): the nearest pixel, or a blend of four.

    Drawn: `angle`, uniform, in degrees, with its `cos` and `sin`, float64.

    Args:
        degrees: the range (min, max), or a number for (-degrees, degrees).
        interpolation: "nearest" or "bilinear".
        fill: value outside the image, a number or one for each channel.

    Raises:
        TypeError: an argument is of the wrong type.
        ValueError: an argument is impossible. When applied: `fill` does not fit the
            images' channels.

    PyTorch: `torchvision.transforms.RandomRotation` of a tensor, without `expand` and
    `center`. bfloat16 images are rotated in float32 and rounded once; torchvision
    rounds their coordinates to bfloat16, some tenth of a pixel off.

    Example:
        >>> rotation = random_rotation(90)
        >>> drawn = rotation.parameters(np.array([[1.0]]), 2, 2)
        >>> rotation.apply(jnp.array([[[[1.0, 2.0], [3.0, 4.0]]]]), drawn).tolist()
        [[[[2.0, 4.0], [1.0, 3.0]]]]
    """
    if interpolation not in READ:
        raise ValueError(
            f"interpolation must be one of {', '.join(READ)}, got {interpolation!r}"
        )
    if not is_sequence(degrees):
        if number("degrees", degrees) < 0:
            raise ValueError(
                f"degrees, as a single number, must be 0 or more, got {degrees!r}"
            )
        degrees = -degrees, degrees
    bounds = interval("degrees", degrees)
    return RandomRotation(bounds, interpolation, values("fill", fill))
