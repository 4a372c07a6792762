"""Gzip, unpacked no further than the size that is wanted."""

from __future__ import annotations

import gzip
import io
import zlib

from jaxtrain.data.dataset import DataError

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
