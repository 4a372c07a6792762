"""Image files of any size and mode, as Fashion-MNIST's makers would have them.

Pillow is of the extra `images`.
"""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from jaxtrain.errors import ConfigError
from jaxtrain.files import read_bytes

if TYPE_CHECKING:
    from PIL import Image


FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM")
"""Pillow's decoders that compute by themselves: its one for EPS starts a program."""
MOST_BYTES = 2**28
MOST_PIXELS = 2**26
"""Some 67 million, as few cameras take; 256 MiB as Pillow holds them."""
_DEEP = ("I", "I;16", "I;16L", "I;16B", "I;16N")
"""Modes of Pillow with 16 bits a pixel; the first holds them in 32."""


def read_image(path: Path) -> Image.Image:
    """The first picture of a file, upright, in mode RGBA.

    Raises:
        ConfigError: the file is missing, no file, too large, damaged, or no image of
            a known format; or Pillow is not installed.
    """
    try:
        from PIL import Image
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"images need {error.name}, which is not installed: "
            "pip install 'jaxtrain[images]'"
        ) from None
    data = read_bytes(path, MOST_BYTES)
    with warnings.catch_warnings():
        # What is odd about a file's metadata, and Pillow's own limit above ours.
        warnings.simplefilter("ignore")
        try:
            image = Image.open(io.BytesIO(data), formats=FORMATS)
        except Exception as error:
            raise ConfigError(_no_image(path, error)) from error
        with image:
            _check_size(path, *image.size)
            try:
                return _upright(image)
            except ConfigError as error:
                raise ConfigError(f"{path}: {error}") from None
            except Exception as error:
                # Decoders raise whatever their parsers meet.
                reason = str(error).partition("\n")[0] or type(error).__name__
                raise ConfigError(f"{path} is damaged: {reason}") from error


def _no_image(path: Path, error: Exception) -> str:
    from PIL import Image

    if isinstance(error, Image.DecompressionBombError):
        return f"{path} is too large: at most {MOST_PIXELS:,} pixels are read"
    kinds = ", ".join(FORMATS)
    return f"{path} is no image that can be read; it must be one of {kinds}"


def _check_size(path: Path, width: int, height: int) -> None:
    if width * height > MOST_PIXELS:
        raise ConfigError(
            f"{path} has {width:,} x {height:,} pixels; at most {MOST_PIXELS:,} are "
            "read"
        )
    if width * height == 0:
        raise ConfigError(f"{path} has no pixels")


def _upright(image: Image.Image) -> Image.Image:
    """Decoded, and turned as the camera's note says."""
    from PIL import ImageOps

    image.load()
    upright = ImageOps.exif_transpose(image)
    return _eight_bits(upright).convert("RGBA")


def _eight_bits(image: Image.Image) -> Image.Image:
    from PIL import Image

    if image.mode == "F":
        raise ConfigError(
            "it holds floating-point numbers, whose white is not known: save it with "
            "8 or 16 bits"
        )
    if image.mode not in _DEEP:
        return image
    # Pillow's own conversion cuts off at 255.
    values = np.asarray(image).astype(np.int64)
    if values.min() < 0 or values.max() > 65535:
        raise ConfigError(
            "it holds 32-bit numbers, whose white is not known: save it with 8 or 16 "
            "bits"
        )
    return Image.fromarray(((values + 128) // 257).astype(np.uint8))


AUTO, LIGHT, DARK = "auto", "light-on-dark", "dark-on-light"
POLARITIES = (AUTO, LIGHT, DARK)

SIDE = 28
THUMBNAIL = 73
"""Longest edge of what the data set was made from."""
SEARCH_SIZE = 512
"""Longest edge of what the garment is looked for in."""
NEAR = 0.05 * 255 * 3**0.5
"""Distance between colours that are taken as one: 5 % of that of black and white."""

Grey = npt.NDArray[np.uint8]


class Photo(NamedTuple):
    """An image as the network takes it."""

    pixels: Grey
    """(28, 28)."""
    polarity: str
    """Of the file: `light-on-dark`, or `dark-on-light` and so negated."""
    as_it_was: bool
    """Whether its pixels are the file's own, but for a negation."""

    @property
    def description(self) -> str:
        """The polarity taken, in words.

        Example:
            >>> Photo(np.zeros((28, 28), np.uint8), "dark-on-light", False).description
            'dark on light: negated'
        """
        words = self.polarity.replace("-", " ")
        if self.polarity == DARK:
            return f"{words}: negated"
        return f"{words}: as it is" if self.as_it_was else words


def bring(image: Image.Image, polarity: str = AUTO) -> Photo:
    """Bring an image to 28x28 grey pixels, a light garment on black.

    A grey image of 28x28, or one enlarged by repeating its pixels, stays as it is, but
    for being negated where it is dark on light. Transparent pixels are white, as the
    shop's photographs were, or black where `polarity` says that the ground is dark.

    Args:
        image: of mode RGBA.
        polarity: `auto` goes by the border: dark on light if most of it is light.

    Raises:
        ConfigError: the image has one colour all over.

    Example:
        >>> from PIL import Image
        >>> photo = Image.new("RGBA", (200, 300), "white")
        >>> photo.paste("black", (50, 50, 150, 250))
        >>> brought = bring(photo)
        >>> brought.description, brought.pixels[14, [0, 6, 7, 14, 20, 21, 27]].tolist()
        ('dark on light: negated', [0, 0, 255, 255, 255, 0, 0])
    """
    own = _own_pixels(image)
    opaque = _at_most(
        _composite(image, "black" if polarity == LIGHT else "white"), SEARCH_SIZE
    )
    grey = np.asarray(opaque.convert("L")) if own is None else own
    if polarity == AUTO:
        polarity = DARK if np.median(_border(grey)) > 127 else LIGHT
    if own is not None:
        return Photo(255 - own if polarity == DARK else own, polarity, True)
    level = int(np.median(grey[_CORNERS]))
    garment = opaque.crop(_box(np.asarray(opaque)))
    small = np.asarray(_at_most(garment, THUMBNAIL).convert("L"))
    light = _on_black(small, level, polarity)
    return Photo(_centre(_sharpen(_subsample(light))), polarity, False)


_CORNERS = ([0, 0, -1, -1], [0, -1, 0, -1])


def _composite(image: Image.Image, ground: str) -> Image.Image:
    from PIL import Image

    below = Image.new("RGBA", image.size, ground)
    return Image.alpha_composite(below, image).convert("RGB")


def _own_pixels(image: Image.Image) -> Grey | None:
    """(28, 28) where the image is those and nothing else, each of them repeated."""
    times, rest = divmod(image.width, SIDE)
    if image.width != image.height or rest:
        return None
    colours = np.asarray(image)
    few = colours[::times, ::times]
    is_grey = (few[..., :3] == few[..., :1]).all() and (few[..., 3] == 255).all()
    if is_grey and (few.repeat(times, 0).repeat(times, 1) == colours).all():
        return few[..., 0]
    return None


def _at_most(image: Image.Image, longest: int) -> Image.Image:
    """Averaged down until no edge is longer."""
    from PIL import Image

    if max(image.size) <= longest:
        return image
    width, height = (max(1, round(n * longest / max(image.size))) for n in image.size)
    return image.resize((width, height), Image.Resampling.BOX)


def _border(grey: Grey) -> Grey:
    return np.concatenate([grey[0], grey[-1], grey[1:-1, 0], grey[1:-1, -1]])


def _box(colours: npt.NDArray[np.uint8]) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of all that has not the ground's colour."""
    values = colours.astype(np.float64)
    # Of four corners one may well be the garment's.
    ground = np.median(values[_CORNERS], axis=0)
    differs = np.square(values - ground).sum(2) > NEAR**2
    columns, rows = np.flatnonzero(differs.any(0)), np.flatnonzero(differs.any(1))
    if not len(rows):
        raise ConfigError("it has one colour all over: there is no garment to see")
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def _on_black(grey: Grey, level: int, polarity: str) -> npt.NDArray[np.float64]:
    """Levels 0 to 255, the ground's at 0: photographs seldom are on pure white."""
    values = grey.astype(np.float64)
    if polarity == DARK:
        values, level = 255 - values, 255 - level
    return np.clip((values - level) * 255 / max(255 - level, 1), 0, 255)


def _subsample(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The longest edge at 28, by the nearest rows and columns."""
    longest = max(values.shape)
    rows, columns = (
        ((np.arange(size) + 0.5) * whole / size).astype(int)
        for whole in values.shape
        for size in [max(1, round(whole * SIDE / longest))]
    )
    return values[np.ix_(rows, columns)]


def _kernel() -> npt.NDArray[np.float64]:
    """ImageMagick's for sharpening with radius 1, sigma 1; it adds up to 1."""
    line = np.exp(-np.square([-1.0, 0.0, 1.0]) / 2)
    blur = np.outer(line, line)
    kernel = -blur
    kernel[1, 1] = 2 * blur.sum()
    return kernel / kernel.sum()


def _sharpen(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    height, width = values.shape
    padded = np.pad(values, 1, mode="edge")
    around = np.lib.stride_tricks.sliding_window_view(padded, (3, 3))
    assert around.shape[:2] == (height, width)
    return np.clip(np.einsum("hwij,ij->hw", around, _kernel()), 0, 255)


def _centre(values: npt.NDArray[np.float64]) -> Grey:
    height, width = values.shape
    top, left = (SIDE - height) // 2, (SIDE - width) // 2
    canvas = np.zeros((SIDE, SIDE), np.uint8)
    canvas[top : top + height, left : left + width] = np.rint(values)
    return canvas
