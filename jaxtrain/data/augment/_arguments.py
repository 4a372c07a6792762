"""Arguments of transforms, checked at construction; each message holds the value."""

import math
from collections.abc import Sequence
from numbers import Real
from typing import Any


def number(name: str, value: Any) -> float:
    """A finite number; a bool is none.

    Raises:
        TypeError: it is not a number.
        ValueError: it is infinite or NaN.

    Example:
        >>> number("fill", 1)
        1.0
    """
    if not isinstance(value, Real) or isinstance(value, bool):
        raise TypeError(f"{name} must be a number, got {value!r}")
    if not math.isfinite(value):
        raise ValueError(f"{name} must be finite, got {value!r}")
    return float(value)


def probability(name: str, value: Any) -> float:
    """A number of [0, 1], or `ValueError`.

    Example:
        >>> probability("p", 0.25)
        0.25
    """
    if not 0 <= number(name, value) <= 1:
        raise ValueError(f"{name} must be between 0 and 1, got {value!r}")
    return float(value)


def interval(name: str, value: Any) -> tuple[float, float]:
    """A pair (min, max), or `ValueError`.

    Example:
        >>> interval("scale", [0.02, 0.33])
        (0.02, 0.33)
    """
    if not is_sequence(value):
        raise TypeError(f"{name} must be a pair (min, max), got {value!r}")
    if len(value) != 2:
        raise ValueError(f"{name} must be a pair (min, max), got {value!r}")
    low, high = (number(name, bound) for bound in value)
    if low > high or math.isinf(high - low):
        raise ValueError(f"{name} must be a pair (min, max), got {value!r}")
    return low, high


def values(name: str, value: Any) -> tuple[float, ...]:
    """One number for all channels, or one for each.

    Example:
        >>> values("fill", 0), values("fill", (0.1, 0.2, 0.3))
        ((0.0,), (0.1, 0.2, 0.3))
    """
    if not is_sequence(value):
        return (number(name, value),)
    if not value:
        raise ValueError(f"{name} must be a number or one per channel, got {value!r}")
    return tuple(number(name, item) for item in value)


def whole(name: str, value: Any, least: int) -> int:
    """An integer from `least` on.

    Example:
        >>> whole("size", 28, least=1)
        28
    """
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{name} must be an integer, got {value!r}")
    if value < least:
        raise ValueError(f"{name} must be {least} or more, got {value!r}")
    return value


def is_sequence(value: Any) -> bool:
    """Whether it is a list, a tuple or the like, and no word.

    Example:
        >>> is_sequence((1, 2)), is_sequence("12")
        (True, False)
    """
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)
