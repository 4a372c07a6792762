"""Words of the engine as integers, masks and permutations."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

# Intermediate arrays of 8 bytes a value take 256 KiB, however many values there are.
_LENGTH = 2**15


def pieces(count: int) -> Iterator[slice]:
    """Slices that cover 0 ... count - 1 in order, each of 2**15 values or fewer.

    Example:
        >>> [part.stop for part in pieces(70000)]
        [32768, 65536, 70000]
    """
    for start in range(0, count, _LENGTH):
        yield slice(start, min(start + _LENGTH, count))


INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1
# PyTorch puts up with a skew of some 5 %, which remainders of 32-bit words have here.
_WIDE = 2**28
_NAMES = ("bool", "uint8", "int8", "int16", "int32", "int64", "float32", "float64")
DTYPES = frozenset(map(np.dtype, _NAMES))
_FULL_64_BITS = frozenset(map(np.dtype, ("int64", "float32", "float64")))


class Draw(NamedTuple):
    """One integer: `base` plus the remainder of a word by `span` (2**64: the word)."""

    base: int
    span: int
    wide: bool


def full_range(dtype: np.dtype) -> Draw:
    """The draw of `random_()`: every value >= 0 of an integer dtype; of a float dtype
    the integers 0 ... 2**24 or 2**53.

    Example:
        >>> full_range(np.dtype("uint8"))
        Draw(base=0, span=256, wide=False)
    """
    return Draw(0, _largest(dtype) + 1, dtype.itemsize == 8)


def between(low: int, high: int | None, dtype: np.dtype) -> Draw:
    """The draw of `random_(low, high)`; without `high` up to the dtype's largest value.

    Raises:
        ValueError: the range is empty, or leaves the dtype or int64.

    Example:
        >>> between(-5, 5, np.dtype("float32"))
        Draw(base=-5, span=10, wide=False)
    """
    _check_int64(low, high)
    if high is not None and low >= high:
        raise ValueError(f"random_ needs low < high, got low={low} and high={high}")
    # PyTorch has a kernel of its own for all of int64: that many values are no uint64.
    if high is None and low == INT64_MIN:
        return _all_bits(dtype)
    ends = _float_ends if dtype.kind == "f" else _integer_ends
    first, last = ends(low, high, dtype)
    span = last - first + 1
    return Draw(first, span, span >= _WIDE)


def integers(words: NDArray, draw: Draw, dtype: np.dtype) -> NDArray:
    """Words (uint32 or uint64, as `draw.wide` says) into values of `dtype`.

    Example:
        >>> integers(np.uint32([0, 7, 12]), Draw(-5, 10, False), np.dtype("int8"))
        array([-5,  2, -3], dtype=int8)
    """
    # uint64 wraps round as C++'s does, and PyTorch casts by way of int64 too.
    values = words.astype(np.uint64)
    if draw.span < 2**64:
        values %= np.uint64(draw.span)
    values += np.uint64(draw.base % 2**64)
    return values.view(np.int64).astype(dtype)


def _check_int64(*bounds: int | None) -> None:
    for bound in bounds:
        if bound is not None and not INT64_MIN <= bound <= INT64_MAX:
            raise ValueError(f"random_ takes bounds of 64 bits, got {bound}")


def _all_bits(dtype: np.dtype) -> Draw:
    if dtype not in _FULL_64_BITS:
        raise ValueError(f"low={INT64_MIN} is out of bounds for {dtype}")
    return Draw(0, 2**64, True)


def _integer_ends(low: int, high: int | None, dtype: np.dtype) -> tuple[int, int]:
    last = _largest(dtype) if high is None else high - 1
    if not _smallest(dtype) <= low <= last <= _largest(dtype):
        raise ValueError(f"[{low}, {high}) is out of bounds for {dtype}")
    return low, last


def _float_ends(low: int, high: int | None, dtype: np.dtype) -> tuple[int, int]:
    last = _largest(dtype) if high is None else _last_float(high, dtype)
    # A single value up to the largest one: PyTorch gives it to integer dtypes alone.
    if high is None and low >= last:
        raise ValueError(f"low={low} is out of bounds for {dtype}")
    first = _first_float(low, dtype)
    if first > last:
        raise ValueError(f"no {dtype} lies in [{low}, {high})")
    return first, last


def _smallest(dtype: np.dtype) -> int:
    return 0 if dtype.kind == "b" else int(np.iinfo(dtype).min)


def _largest(dtype: np.dtype) -> int:
    if dtype.kind == "b":
        return 1
    if dtype.kind == "f":
        return 2 ** _digits(dtype)
    return int(np.iinfo(dtype).max)


def _digits(dtype: np.dtype) -> int:
    return int(np.finfo(dtype).nmant) + 1


def _through(value: int, dtype: np.dtype) -> int:
    """An int64 rounded to the float dtype and taken back.

    What becomes of 2**63 is the processor's choice, in PyTorch as in NumPy.
    """
    with np.errstate(invalid="ignore"):
        return int(np.int64(value).astype(dtype).astype(np.int64))


def _gap(value: int, dtype: np.dtype) -> int:
    """The distance of neighbouring floats about `value`, 0 if it is below 1."""
    shift = abs(value).bit_length() - _digits(dtype)
    return 2**shift if shift >= 0 else 0


# `update_from` and `update_to` of ATen/native/DistributionTemplates.h: bounds move in
# to the next float, so that no value is rounded out of the range.
def _first_float(low: int, dtype: np.dtype) -> int:
    bound = _through(low + 1, dtype)
    return bound + _gap(low + 1, dtype) if bound < low else low


def _last_float(high: int, dtype: np.dtype) -> int:
    bound = _through(high - 1, dtype)
    return (bound - _gap(high - 1, dtype) if bound >= high else high) - 1


INSIDE_OUT_FROM = (2**32 - 1) // 20
"""From so many values on, remainders of 32-bit words were too uneven for PyTorch."""


def swap_places(
    n: int, words32: Callable[[int], NDArray[np.uint32]]
) -> NDArray[np.int64]:
    """Swap place i with place i + word % (n - i), for i = 0 ... n - 2.

    Example:
        >>> swap_places(4, lambda count: np.full(count, 5, np.uint32))
        array([1, 3, 0, 2])
    """
    permutation = np.arange(n, dtype=np.int64)
    # Each swap needs the one before, so it is a loop: through a
    # memoryview, whose elements are Python's integers, it takes
    # half of the time that it takes through the array.
    view = permutation.data
    for part in pieces(n - 1):
        places = np.arange(part.start, part.stop, dtype=np.int64)
        others = words32(places.size) % (n - places) + places
        for i, other in enumerate(others.tolist(), part.start):
            view[i], view[other] = view[other], view[i]
    return permutation


def inside_out(
    n: int, words64: Callable[[int], NDArray[np.uint64]]
) -> NDArray[np.int64]:
    """Move what is in place word % (i + 1) to place i and put i there, for each i.

    Example:
        >>> inside_out(4, lambda count: np.full(count, 5, np.uint64))
        array([0, 3, 2, 1])
    """
    permutation = np.arange(n, dtype=np.int64)
    view = permutation.data
    for part in pieces(n):
        counts = np.arange(part.start + 1, part.stop + 1, dtype=np.uint64)
        others = words64(counts.size) % counts
        for i, other in enumerate(others.tolist(), part.start):
            view[i], view[other] = view[other], i
    return permutation
