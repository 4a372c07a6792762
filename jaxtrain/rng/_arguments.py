"""What callers hand over, checked as PyTorch does; each message holds the value."""

import math
import operator
from collections.abc import Sequence
from typing import Any, SupportsIndex

import numpy as np
from numpy.typing import DTypeLike

Shape = SupportsIndex | Sequence[SupportsIndex]


def integer(name: str, value: Any) -> int:
    """A Python integer of anything that counts as one; a bool does not.

    Example:
        >>> integer("n", np.int8(3))
        3
    """
    if not isinstance(value, bool | np.bool):
        try:
            return operator.index(value)
        except TypeError:
            pass
    raise TypeError(f"{name} must be an integer, got {value!r}")


def seed(value: Any) -> int:
    """PyTorch's 64-bit seed without sign.

    Example:
        >>> seed(-(2**63)) == 2**63
        True
    """
    number = integer("seed", value)
    if not -(2**63) <= number < 2**64:
        raise ValueError(f"seed must be within -2**63 ... 2**64 - 1, got {number}")
    return number % 2**64


def real(name: str, value: Any) -> float:
    """A float of anything that is a number; a string is none.

    Example:
        >>> real("mean", np.float32(0.5))
        0.5
    """
    if isinstance(value, str | bytes | bytearray):
        raise TypeError(f"{name} must be a number, got {value!r}")
    try:
        return float(value)
    except TypeError:
        raise TypeError(f"{name} must be a number, got {value!r}") from None


def shape(value: Shape) -> tuple[int, ...]:
    """A tuple of sizes, of which none is negative.

    Example:
        >>> shape(3), shape([2, 0])
        ((3,), (2, 0))
    """
    sizes = value if isinstance(value, Sequence) else (value,)
    checked = tuple(integer("a size", size) for size in sizes)
    if any(size < 0 for size in checked):
        raise ValueError(f"no size of a shape may be negative, got {checked}")
    return checked


def float_dtype(value: DTypeLike) -> np.dtype:
    """float32 or float64.

    Example:
        >>> float_dtype("float32")
        dtype('float32')
    """
    dtype = np.dtype(value)
    if dtype not in (np.float32, np.float64):
        raise TypeError(f"dtype must be float32 or float64, got {dtype}")
    return dtype


def interval(low: float, high: float, dtype: np.dtype) -> None:
    """Let bounds pass that `torch.Tensor.uniform_` accepts.

    Example:
        >>> interval(0.0, 1.0, np.dtype("float32"))
    """
    largest = float(np.finfo(dtype).max)
    if not (abs(low) <= largest and abs(high) <= largest):
        raise ValueError(f"bounds ({low}, {high}) are not within {dtype}")
    if low > high:
        raise ValueError(f"uniform needs low <= high, got low={low} > high={high}")
    if not math.isfinite(high - low) or high - low > largest:
        raise ValueError(f"high - low exceeds {dtype}, got low={low} and high={high}")
