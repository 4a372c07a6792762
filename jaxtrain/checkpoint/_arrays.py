"""Arrays as the bytes of a safetensors file, and back bit for bit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from jaxtrain.checkpoint._damaged import Damaged
from jaxtrain.checkpoint._json import parse, unique

_CODES = {
    "bool": "BOOL",
    "int8": "I8",
    "int16": "I16",
    "int32": "I32",
    "int64": "I64",
    "uint8": "U8",
    "uint16": "U16",
    "uint32": "U32",
    "uint64": "U64",
    "float16": "F16",
    "bfloat16": "BF16",
    "float32": "F32",
    "float64": "F64",
}
_NAMES = {code: name for name, code in _CODES.items()}
_FIELDS = {"dtype", "shape", "data_offsets"}
_LARGEST_HEADER = 2**24
"""Bytes; some 100,000 arrays. A hostile header must not cost gigabytes to parse."""


def encode(arrays: Mapping[str, np.ndarray]) -> bytes:
    """The bytes of a safetensors file.

    Raises:
        TypeError: a value is no plain NumPy array; the message names it.
        ValueError: it is of a type that is not stored (objects, strings, complex
            numbers, big-endian numbers), or the name is not possible.

    Example:
        >>> decode(encode({"step": np.array(3), "w": np.zeros((0, 2), np.float16)}))
        {'step': array(3), 'w': array([], shape=(0, 2), dtype=float16)}
    """
    import safetensors.numpy

    for name, array in arrays.items():
        _check(name, array)
    # By name, so that equal content is equal bytes. The library reads memory as if it
    # were contiguous; `ascontiguousarray` would give a 0-d array a dimension.
    whole = {name: np.asarray(arrays[name], order="C") for name in sorted(arrays)}
    return safetensors.numpy.save(whole)


def decode(data: bytes) -> dict[str, np.ndarray]:
    """The arrays, by name in order, from bytes that may be anything.

    Raises:
        Damaged: the bytes are not those that `encode` gives.
    """
    import safetensors

    _check_header(data)
    try:
        found = safetensors.deserialize(data)
        return {name: _array(fields) for name, fields in sorted(found)}
    except Damaged:
        raise
    except Exception as error:
        reason = str(error).partition("\n")[0]
        raise Damaged(f"is no safetensors file ({reason})") from None


def _check(name: object, array: object) -> None:
    if not isinstance(name, str) or name == "__metadata__":
        raise ValueError(f"an array cannot be named {name!r}")
    try:
        name.encode()
    except UnicodeEncodeError:
        raise ValueError(f"an array cannot be named {name!r}") from None
    if type(array) is not np.ndarray:
        kind = type(array).__name__
        raise TypeError(f"{name!r} is of type {kind}; it must be a NumPy array")
    if not (array.dtype.name in _CODES and array.dtype == _dtype(array.dtype.name)):
        raise ValueError(
            f"{name!r} is of type {array.dtype}, which is not stored; it must be one "
            f"of {', '.join(_CODES)}, in little-endian order"
        )
    if not _is_plain(array):
        raise ValueError(f"{name!r} holds truth values other than 0 and 1")


def _dtype(name: str) -> np.dtype[Any]:
    if name == "bfloat16":
        import ml_dtypes

        return np.dtype(ml_dtypes.bfloat16)
    return np.dtype(name).newbyteorder("<")


def _is_plain(array: np.ndarray) -> bool:
    """Whether truth values are 0 and 1: NumPy is undefined on any other byte."""
    return array.dtype != np.bool_ or bool((array.view(np.uint8) < 2).all())


def _check_header(data: bytes) -> None:
    # The library lets the last of two arrays of one name win, and notes that anyone
    # may have left; both could hide what another reader sees.
    length = int.from_bytes(data[:8], "little")
    if len(data) < 8 or length > min(len(data) - 8, _LARGEST_HEADER):
        raise Damaged("is no safetensors file (its header does not fit)")
    try:
        header = parse(data[8 : 8 + length].decode(), unique)
    except UnicodeDecodeError:
        raise Damaged("is no safetensors file (its header is no text)") from None
    if not isinstance(header, dict) or "__metadata__" in header:
        raise Damaged("has another header than arrays have here")
    if not all(isinstance(f, dict) and set(f) == _FIELDS for f in header.values()):
        raise Damaged("has another header than arrays have here")


def _array(fields: Mapping[str, Any]) -> np.ndarray:
    if fields["dtype"] not in _NAMES:
        raise Damaged(f"holds numbers of type {fields['dtype']}, which is not stored")
    dtype = _dtype(_NAMES[fields["dtype"]])
    array = np.frombuffer(fields["data"], dtype).reshape(fields["shape"])
    if not _is_plain(array):
        raise Damaged("holds truth values other than 0 and 1")
    return array
