"""IDX files, compressed or not, read with care and written."""

from __future__ import annotations

import gzip
import io
import math
import struct
import zlib
from pathlib import Path
from typing import Literal

import numpy as np

from jaxtrain import files
from jaxtrain.data.dataset import Bytes, DataError, Split

MAGIC = b"\x1f\x8b"


def gunzip(data: bytes, limit: int, where: str = "gzip data") -> bytes:
    """Unpack `data`, and stop as soon as more than `limit` bytes come out.

    Raises:
        DataError: damaged or truncated, or a bomb: it unpacks to more than `limit`.

    >>> gunzip(gzip.compress(b"abc"), limit=3)
    b'abc'
    """
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            content = file.read(limit + 1)
    except EOFError:
        raise DataError(
            f"{where} is truncated: the compressed data ends early, "
            f"after {len(data):,} bytes"
        ) from None
    except (OSError, zlib.error) as error:
        raise DataError(f"{where} is damaged: gzip says {error}") from None
    if len(content) > limit:
        raise DataError(
            f"{where} unpacks to more than the {limit:,} bytes it should hold"
        )
    return content


UNSIGNED_BYTE = 0x08
MAX_RANK = 4


def decode(data: bytes, where: str = "IDX data") -> Bytes:
    """The array in the IDX bytes `data`: a read-only view, nothing is copied.

    Args:
        data: a whole decompressed IDX file of unsigned bytes.
        where: the name under which errors speak of the data.

    Raises:
        DataError: empty, a web page, another magic number or element type, or more or
            fewer elements than the header announces.

    >>> decode(bytes([0, 0, 8, 1, 0, 0, 0, 2, 7, 9]))
    array([7, 9], dtype=uint8)
    """
    shape = _shape(data, where)
    length, present = math.prod(shape), len(data) - _header_size(len(shape))
    sizes = " x ".join(map(str, shape))
    if length == 0:
        raise DataError(f"{where} holds nothing: its header announces {sizes} bytes")
    if present < length:
        raise DataError(
            f"{where} is truncated: its header announces {sizes} = {length:,} bytes "
            f"and {present:,} follow"
        )
    if present > length:
        raise DataError(
            f"{where} has {present - length:,} bytes more than the {sizes} that its "
            "header announces"
        )
    return np.frombuffer(data, np.uint8, length, _header_size(len(shape))).reshape(
        shape
    )


def encode(array: Bytes) -> bytes:
    """The IDX bytes of a uint8 `array`; the inverse of `decode`.

    Raises:
        DataError: an array of another element type.

    >>> encode(np.array([7, 9], np.uint8)).hex(" ")
    '00 00 08 01 00 00 00 02 07 09'
    """
    if array.dtype != np.uint8:
        raise DataError(f"IDX files here hold uint8, not {array.dtype}")
    header = bytes([0, 0, UNSIGNED_BYTE, array.ndim])
    return header + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def write_idx(
    split: Split, folder: str | Path, part: Literal["train", "test"]
) -> tuple[Path, Path]:
    """Write `split` into `folder` under the names that MNIST made standard.

    Args:
        split: images and labels.
        folder: made if it is missing; for torchvision, `<root>/FashionMNIST/raw`.
        part: "train" or "test"; the latter's files are called t10k-…

    Returns:
        The paths of the image and the label file.

    Raises:
        OSError: the folder cannot be written.
    """
    images, labels = (Path(folder, name) for name in names(part))
    images.parent.mkdir(parents=True, exist_ok=True)
    files.write_bytes(images, encode(split.images))
    files.write_bytes(labels, encode(split.labels))
    return images, labels


def names(part: Literal["train", "test"]) -> tuple[str, str]:
    """The standard names of a part's image and label file.

    >>> names("test")
    ('t10k-images-idx3-ubyte', 't10k-labels-idx1-ubyte')
    """
    stem = {"train": "train", "test": "t10k"}[part]
    return f"{stem}-images-idx3-ubyte", f"{stem}-labels-idx1-ubyte"


def _shape(data: bytes, where: str) -> tuple[int, ...]:
    _check_start(data, where)
    rank = data[3]
    if len(data) < _header_size(rank):
        raise DataError(
            f"{where} is truncated: its header is {_header_size(rank)} bytes long and "
            f"the file {len(data)}"
        )
    return struct.unpack_from(f">{rank}I", data, 4)


def _check_start(data: bytes, where: str) -> None:
    if not data:
        raise DataError(f"{where} is empty (0 bytes); it must be an IDX file")
    if data[:256].lstrip().startswith(b"<"):
        start = data.lstrip()[:30].decode("ascii", "replace").split("\n")[0]
        raise DataError(
            f"{where} is a web page or an XML message (it starts with {start!r}), "
            "not an IDX file; fetch it again"
        )
    if len(data) < 4 or data[:2] != b"\0\0":
        raise DataError(
            f"{where} starts with 0x{data[:4].hex()}; an IDX file of unsigned bytes "
            "starts with 0x000008"
        )
    if data[2] != UNSIGNED_BYTE or not 1 <= data[3] <= MAX_RANK:
        raise DataError(
            f"{where} has IDX element type 0x{data[2]:02x} and {data[3]} dimensions; "
            f"expected are type 0x08 (unsigned bytes) and 1 to {MAX_RANK} dimensions"
        )


def _header_size(rank: int) -> int:
    return 4 + 4 * rank
