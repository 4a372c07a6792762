"""A loss that is no longer finite, or goes back up for good."""

import math

from jaxtrain.events import Event, Steps
from jaxtrain.monitor._curve import BLOCK, Curve
from jaxtrain.monitor._rule import Finding

ADVICE = "lower the learning rate, warm it up, or clip the gradient"


class LossDiverging:
    """The loss is NaN or infinite, or most of what was learnt is lost again.

    Args:
        chance: the loss of a network of no knowledge, if it is known.
    """

    kind = "loss_diverging"

    WINDOW = 100
    """Steps whose mean counts: a spike is none."""

    LOST = 0.5
    """Of the way that the loss had come down. Healthy runs lose 0.12 of it in batches
    of 4, and 0.05 in larger ones."""

    WORSE = 1.5
    """Times the loss of the beginning: no healthy run exceeds it at all."""

    CLEAR = 0.1
    """Of the beginning's loss: less than that is no way to be lost."""

    def __init__(self, chance: float | None):
        self._chance = chance
        self._curve = Curve()
        self._lowest = math.inf

    def see(self, event: Event) -> Finding | None:
        if not isinstance(event, Steps):
            return None
        for number, loss in enumerate(event.losses):
            if not math.isfinite(loss):
                return _not_finite(loss, event.first + number)
        self._curve.add(event.losses)
        if len(self._curve.blocks) * BLOCK < self.WINDOW:
            return None
        return self._judged(self._curve.level(self.WINDOW // BLOCK))

    def _judged(self, level: float) -> Finding | None:
        start = self._curve.blocks[0]
        self._lowest = min(self._lowest, level)
        way = start - self._lowest
        lost = way > self.CLEAR * abs(start) and level > start - (1 - self.LOST) * way
        worse = level > self.WORSE * max(start, self._chance or start) > 0
        if not lost and not worse:
            return None
        between = f", had come down to {self._lowest:.3g}," if lost else ""
        return Finding(
            f"the loss began at {start:.3g}{between} and is {level:.3g} now",
            "steps that are too large for where the weights are",
            ADVICE,
        )


def _not_finite(loss: float, step: int) -> Finding:
    return Finding(
        f"the loss of step {step} is {loss}",
        "too large a learning rate, if it grew before; else a logarithm or a quotient "
        "of 0 in the loss, or data that is not finite",
        ADVICE + "; see whether all inputs are finite",
        step,
    )
