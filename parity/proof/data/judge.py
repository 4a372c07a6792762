"""What both sides saw, compared: the same types, the same bits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from parity.proof.data.sides import Raised

OURS: Mapping[str, tuple[str, ...]] = {
    "RuntimeError": ("ValueError", "TypeError"),
    "AssertionError": ("ValueError",),
    "KeyError": ("ValueError",),
}
"""PyTorch's exception -> ours: what is wrong with an argument is one of these here."""


def departures(theirs: Sequence[Any], ours: Sequence[Any]) -> int:
    """How many of the things seen are not the same.

    Example:
        >>> departures([1, [np.float32(2)], "a"], [1, [np.float64(2)], "a"])
        1
    """
    wrong = sum(not same(*pair) for pair in zip(theirs, ours, strict=False))
    return wrong + abs(len(theirs) - len(ours))


def same(theirs: Any, ours: Any) -> bool:
    """Whether both are of the same types, and every bit is the same.

    A number that stands alone is an array without dimensions to PyTorch, and NumPy's
    number to us.

    Example:
        >>> same([(1, "a")], [(1, "a")]), same([1], (1,)), same(0.0, -0.0)
        (True, False, False)
    """
    if isinstance(theirs, Raised):
        wanted = OURS.get(theirs.kind, (theirs.kind,))
        return isinstance(ours, Raised) and ours.kind in wanted
    if isinstance(theirs, np.ndarray):
        return isinstance(ours, np.ndarray | np.generic) and _bits(theirs) == _bits(
            ours
        )
    if type(theirs) is not type(ours):
        return False
    if isinstance(theirs, Mapping):
        return list(theirs) == list(ours) and all(
            same(theirs[key], ours[key]) for key in theirs
        )
    if isinstance(theirs, list | tuple):
        return len(theirs) == len(ours) and all(map(same, theirs, ours))
    if isinstance(theirs, int | float | np.generic):
        return _bits(theirs) == _bits(ours)
    return bool(theirs == ours)


def _bits(value: Any) -> Any:
    array = np.asarray(value)
    return array.dtype, array.shape, array.tobytes()
