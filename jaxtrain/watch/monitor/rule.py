"""What a rule is, and what rules are fed: samples and the curve of the loss."""

import math
from collections.abc import Mapping, Sequence
from statistics import fmean, median
from typing import NamedTuple, Protocol

from jaxtrain.store.events import Event, Sampled


class Symptom(NamedTuple):
    """Something that is off, in three lines."""

    sign: str
    """What is seen, with its numbers."""
    cause: str
    """What it usually means."""
    advice: str
    """What to try."""
    step: int | None = None
    """Where in the epoch it was seen, if not where the event ends."""


class Rule(Protocol):
    """Looks at the events of one run, one after another."""

    kind: str

    def see(self, event: Event) -> Symptom | None:
        """What the event shows to be off; a rule is not asked again after that."""
        ...


def of_weights(values: Mapping[str, float]) -> list[float]:
    """The finite ones of weights: biases begin near 0, so that their ratios say little.

    Example:
        >>> of_weights({"0.weight": 1.0, "0.bias": 9.0, "2.weight": float("nan")})
        [1.0]
    """
    return [
        value
        for name, value in values.items()
        if name.endswith("weight") and math.isfinite(value)
    ]


def took_a_step(sample: Sampled) -> bool:
    """Whether the step moved anything: one that only accumulates gradients does not."""
    return any(ratio != 0 for ratio in sample.update_ratios.values())


def total(norms: Mapping[str, float]) -> float:
    """The norm of all gradients taken as one vector.

    Example:
        >>> total({"weight": 3.0, "bias": 4.0})
        5.0
    """
    return math.hypot(*norms.values())


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
        pending = [*self._open, *losses]
        whole = len(pending) // BLOCK * BLOCK
        self._open = pending[whole:]
        new = [fmean(pending[i : i + BLOCK]) for i in range(0, whole, BLOCK)]
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
