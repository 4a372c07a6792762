"""An image file, opened with care: anybody may have made it."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from jaxtrain.registry import ConfigError
from jaxtrain.run_folder._read import read_bytes

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
            opened = Image.open(io.BytesIO(data), formats=FORMATS)
        except Exception as error:
            raise ConfigError(_no_image(path, error)) from error
        with opened:
            _check_size(path, *opened.size)
            try:
                return _upright(opened)
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


def _upright(opened: Image.Image) -> Image.Image:
    """Decoded, and turned as the camera's note says."""
    from PIL import ImageOps

    opened.load()
    turned = ImageOps.exif_transpose(opened)
    return _eight_bits(turned).convert("RGBA")


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
