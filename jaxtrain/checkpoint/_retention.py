"""Which checkpoints stay."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple


class Scored(NamedTuple):
    """A checkpoint's step and score."""

    step: int
    score: float | None


def best_first(found: Iterable[Scored]) -> list[Scored]:
    """Those that have a score, the lowest first and the earlier of equals.

    A score that is not a number is none.

    Example:
        >>> found = [Scored(1, 0.5), Scored(2, 0.4), Scored(3, None), Scored(4, 0.4)]
        >>> [one.step for one in best_first(found)]
        [2, 4, 1]
    """
    # NaN must be out before sorting: it compares with nothing.
    numbers = [
        (one.score, one.step)
        for one in found
        if one.score is not None and not math.isnan(one.score)
    ]
    return [Scored(step, score) for score, step in sorted(numbers)]


def kept(found: Iterable[Scored], keep: int) -> set[int]:
    """The steps that stay: the newest `keep`, and the best.

    Example:
        >>> sorted(kept([Scored(1, 0.3), Scored(2, 0.4), Scored(3, 0.5)], keep=1))
        [1, 3]
    """
    found = list(found)
    newest = sorted(one.step for one in found)[-keep:]
    return {*newest, *(one.step for one in best_first(found)[:1])}
