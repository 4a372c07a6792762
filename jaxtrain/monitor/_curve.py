"""The batch losses of a run, in blocks."""

from collections.abc import Sequence
from statistics import fmean, median

BLOCK = 10
"""Batches in a block: one unusual batch of 64 images moves its mean little."""


class Curve:
    """Means of consecutive blocks of batch losses.

    Example:
        >>> curve = Curve()
        >>> curve.add([2.0] * 10 + [1.0] * 15)
        [2.0, 1.0]
        >>> curve.steps, curve.level(1), curve.level(2)
        (25, 1.0, 1.5)
    """

    def __init__(self) -> None:
        self.steps = 0
        self.blocks: list[float] = []
        self._open: list[float] = []

    def add(self, losses: Sequence[float]) -> list[float]:
        """Take in more losses; the blocks that they complete."""
        self.steps += len(losses)
        waiting = [*self._open, *losses]
        whole = len(waiting) // BLOCK * BLOCK
        self._open = waiting[whole:]
        new = [fmean(waiting[i : i + BLOCK]) for i in range(0, whole, BLOCK)]
        self.blocks += new
        return new

    def level(self, blocks: int) -> float:
        """Mean of the last so many blocks."""
        return fmean(self.blocks[-blocks:])


def spread(values: Sequence[float]) -> tuple[float, float]:
    """Median, and the standard deviation that the median distance from it tells.

    Of normal numbers half lie within 0.6745 deviations; outliers do not count.

    Example:
        >>> middle, deviation = spread([1.0, 2.0, 3.0, 4.0, 900.0])
        >>> middle, round(deviation, 3)
        (3.0, 1.483)
    """
    middle = median(values)
    return middle, median(abs(v - middle) for v in values) / 0.6745
