"""Crops at random places."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import jax
import jax.numpy as jnp
import numpy as np

from jaxtrain.data.transforms._arguments import integer_from, is_sequence, number
from jaxtrain.data.transforms._chain import Drawn, Transform, uniform_integers

PaddingMode = Literal["constant", "edge", "reflect", "symmetric"]
PADDING_MODES: tuple[PaddingMode, ...] = ("constant", "edge", "reflect", "symmetric")
MOST_PADDING = 1024
"""Pixels; far more than an image has, and far from exhausting the memory."""


@dataclass(frozen=True)
class RandomCrop(Transform):
    """`random_crop` with its arguments; padding is (left, top, right, bottom)."""

    size: tuple[int, int] | None
    padding: tuple[int, int, int, int]
    fill: float
    padding_mode: PaddingMode
    uniforms: ClassVar[int] = 2

    def output_size(self, height: int, width: int) -> tuple[int, int]:
        return self.size or (height, width)

    def parameters(self, uniform: np.ndarray, height: int, width: int) -> Drawn:
        self._check_padding(height, width)
        left, top, right, bottom = self.padding
        crop = self.output_size(height, width)
        padded = height + top + bottom, width + left + right
        if crop[0] > padded[0] or crop[1] > padded[1]:
            raise ValueError(
                f"Required crop size {crop} is larger than input image size {padded}"
            )
        return {
            "top": uniform_integers(uniform[..., 0], padded[0] - crop[0] + 1),
            "left": uniform_integers(uniform[..., 1], padded[1] - crop[1] + 1),
        }

    def _check_padding(self, height: int, width: int) -> None:
        # A mirror shows no more than there is; to "reflect", not its edge either.
        spare = {"reflect": 1, "symmetric": 0}.get(self.padding_mode)
        left, top, right, bottom = self.padding
        if spare is not None and (
            max(left, right) > width - spare or max(top, bottom) > height - spare
        ):
            raise ValueError(
                f"padding {self.padding} is too wide for padding_mode "
                f"{self.padding_mode!r} of images {(height, width)}"
            )

    def apply_one(self, image: jax.Array, drawn: Mapping[str, Any]) -> jax.Array:
        channels, height, width = image.shape
        size = self.output_size(height, width)
        corner = [jnp.asarray(n, jnp.int32) for n in (0, drawn["top"], drawn["left"])]
        return jax.lax.dynamic_slice(self._pad(image), corner, (channels, *size))

    def _pad(self, image: jax.Array) -> jax.Array:
        left, top, right, bottom = self.padding
        widths = ((0, 0), (top, bottom), (left, right))
        if self.padding_mode == "constant":
            fill = jnp.asarray(self.fill, image.dtype)
            return jnp.pad(image, widths, constant_values=fill)
        return jnp.pad(image, widths, mode=self.padding_mode)


def random_crop(
    size: Any = None,
    padding: Any = None,
    fill: float = 0,
    padding_mode: PaddingMode = "constant",
) -> RandomCrop:
    """Pad images, then cut out a rectangle at a random place.

    y[r, c] = padded(x)[top + r, left + c], where every place at which the rectangle
    lies within the padded image is as likely.

    Drawn: `top` and `left`, int32, in pixels of the padded image.

    Args:
        size: height and width of the rectangle, in pixels: a pair, or a number for a
            square. Without it, that of the image (torchvision has no such default).
        padding: pixels added: one number, (left and right, top and bottom), or (left,
            top, right, bottom). Without it, none.
        fill: value of the pixels added, where `padding_mode` is "constant".
        padding_mode: "constant"; "edge" repeats the last pixel; "reflect" mirrors
            without the last pixel, "symmetric" with it.

    Raises:
        TypeError: an argument is of the wrong type.
        ValueError: an argument is impossible, or none says that anything be cut. When
            drawing: the rectangle is larger than the padded image, or a mirrored
            padding wider than the image.

    PyTorch: `torchvision.transforms.RandomCrop`, without `pad_if_needed` and without
    negative padding.

    Example:
        >>> crop = random_crop(padding=1, padding_mode="edge")
        >>> images = jnp.array([[[[1, 2], [3, 4]]]])
        >>> drawn = {"top": np.array([0]), "left": np.array([1])}
        >>> crop.apply(images, drawn).tolist()
        [[[[1, 2], [1, 2]]]]
    """
    if padding_mode not in PADDING_MODES:
        raise ValueError(
            f"padding_mode must be one of {', '.join(PADDING_MODES)}, "
            f"got {padding_mode!r}"
        )
    crop = RandomCrop(
        None if size is None else _size(size),
        (0, 0, 0, 0) if padding is None else _padding(padding),
        number("fill", fill),
        padding_mode,
    )
    if crop.size is None and not any(crop.padding):
        raise ValueError(
            f"random_crop needs a size or a padding, as padding=4, "
            f"got size={size!r}, padding={padding!r}"
        )
    return crop


def _size(value: Any) -> tuple[int, int]:
    sizes = value if is_sequence(value) else (value,)
    if len(sizes) not in (1, 2):
        raise ValueError(f"size must be a number or (height, width), got {value!r}")
    height, width = (
        integer_from("size", item, least=1) for item in (sizes[0], sizes[-1])
    )
    return height, width


def _padding(value: Any) -> tuple[int, int, int, int]:
    widths = value if is_sequence(value) else (value,)
    if len(widths) not in (1, 2, 4):
        raise ValueError(f"padding must be 1, 2 or 4 numbers, got {value!r}")
    sides = [integer_from("padding", side, least=0) for side in widths]
    if max(sides) > MOST_PADDING:
        raise ValueError(f"padding must be at most {MOST_PADDING}, got {value!r}")
    left, top, right, bottom = (sides * 4)[:4]
    return left, top, right, bottom
