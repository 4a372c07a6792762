"""Losses that diverge, spike or stay."""

import math
from statistics import median
from typing import NamedTuple

from jaxtrain.store.events import Event, Steps
from jaxtrain.watch.monitor.beginning import STANDSTILL, WORSE, Beginning
from jaxtrain.watch.monitor.rule import BLOCK, Curve, Symptom, spread

ADVICE = "lower the learning rate, warm it up, or clip the gradient"


class LossDivergence:
    """The loss is NaN or infinite, or most of what was learnt is lost again.

    Args:
        chance: the loss of a network of no knowledge, if it is known.
    """

    kind = "loss_diverging"

    WINDOW = 100
    """Steps whose mean counts: a spike is none."""

    RELAPSE = 0.5
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

    def see(self, event: Event) -> Symptom | None:
        if not isinstance(event, Steps):
            return None
        for number, loss in enumerate(event.losses):
            if not math.isfinite(loss):
                return _not_finite(loss, event.first + number)
        self._curve.add(event.losses)
        if len(self._curve.blocks) * BLOCK < self.WINDOW:
            return None
        return self._judge(self._curve.level(self.WINDOW // BLOCK))

    def _judge(self, level: float) -> Symptom | None:
        start = self._curve.blocks[0]
        self._lowest = min(self._lowest, level)
        way = start - self._lowest
        relapse = (
            way > self.CLEAR * abs(start) and level > start - (1 - self.RELAPSE) * way
        )
        worse = level > self.WORSE * max(start, self._chance or start) > 0
        if not relapse and not worse:
            return None
        between = f", had come down to {self._lowest:.3g}," if relapse else ""
        return Symptom(
            f"the loss began at {start:.3g}{between} and is {level:.3g} now",
            "steps that are too large for where the weights are",
            ADVICE,
        )


def _not_finite(loss: float, step: int) -> Symptom:
    return Symptom(
        f"the loss of step {step} is {loss}",
        "too large a learning rate, if it grew before; else a logarithm or a quotient "
        "of 0 in the loss, or data that is not finite",
        ADVICE + "; see whether all inputs are finite",
        step,
    )


class _Jump(NamedTuple):
    usual: float
    peak: float
    block: int
    """Number of the block that jumped."""


class LossSpike:
    """A few batches have a far higher loss than those before and after them.

    Args:
        chance: the loss of a network of no knowledge; if it is not known, the first
            block of losses stands for it.
    """

    kind = "loss_spiking"

    AROUND = 30
    """Blocks before, from which the usual loss and its spread are told."""

    DEVIATIONS = 10.0
    """Above the usual loss. Healthy runs stay within 6.2 in batches of 4, and within
    4.4 in larger ones."""

    HEIGHT = 0.2
    """Of the loss of no knowledge: near a loss of 0 a jump is of no harm. In batches of
    16 healthy runs stay within 0.1."""

    WIDTH = 10
    """Blocks within which it comes down again: else it diverges."""

    def __init__(self, chance: float | None):
        self._scale, self._curve = chance, Curve()
        self._jump: _Jump | None = None

    def see(self, event: Event) -> Symptom | None:
        if not isinstance(event, Steps):
            return None
        first = len(self._curve.blocks)
        self._curve.add(event.losses)
        for number in range(first, len(self._curve.blocks)):
            jump = self._jump
            if jump is not None and self._is_down(jump, number):
                return _finding(jump)
            if jump is None or number - jump.block > self.WIDTH:
                self._jump = self._find_jump(number)
        return None

    def _is_down(self, jump: _Jump, number: int) -> bool:
        return self._curve.blocks[number] < (jump.usual + jump.peak) / 2

    def _find_jump(self, number: int) -> _Jump | None:
        if number < self.AROUND:
            return None
        blocks = self._curve.blocks
        scale = self._scale if self._scale is not None else blocks[0]
        usual, deviation = spread(blocks[number - self.AROUND : number])
        height = max(self.DEVIATIONS * deviation, self.HEIGHT * scale)
        above = blocks[number] > usual + height
        return _Jump(usual, blocks[number], number) if above else None


def _finding(jump: _Jump) -> Symptom:
    return Symptom(
        f"the mean loss of {BLOCK} batches jumped from {jump.usual:.3g} to "
        f"{jump.peak:.3g}, and came down again",
        "a learning rate at the edge of what is stable, or some bad data",
        "lower the learning rate or clip the gradient; look at the inputs and labels "
        "of these batches",
    )


class LossPlateau:
    """The loss has not fallen, though the weights move."""

    kind = "loss_stuck"

    def __init__(self, chance: float | None):
        self._beginning = Beginning(chance)

    def see(self, event: Event) -> Symptom | None:
        start = self._beginning
        start.see(event)
        if not isinstance(event, Steps) or not start.can_judge:
            return None
        if not STANDSTILL < start.share < WORSE or _slow(start):
            return None
        return Symptom(
            f"the loss is {start.level:.4g} after {start.curve.steps} steps; a network "
            f"that knows nothing has {start.reference:.4g}",
            "labels that do not belong to their inputs, inputs that tell nothing, or a "
            "learning rate that is far off",
            "look at some inputs with their labels; see whether 100 of them can be "
            "learnt by heart; compare learning rates",
        )


class LearningRateTooSmall:
    """The weights hardly move, and the loss hardly falls."""

    kind = "lr_too_small"

    REST = 0.9
    """Of the loss of no knowledge: a run that is further gets somewhere. A thousandth
    of Adam's default rate has 0.98 left when it is judged, of SGD's 1."""

    def __init__(self, chance: float | None):
        self._beginning = Beginning(chance)

    def see(self, event: Event) -> Symptom | None:
        start = self._beginning
        start.see(event)
        if not isinstance(event, Steps) or not start.can_judge:
            return None
        if not start.share > self.REST or not _slow(start):
            return None
        ratio = median(start.ratios)
        return Symptom(
            f"an update moves no weight by more than {ratio:.1g} of its norm, and the "
            f"loss is still {start.level:.4g} after {start.curve.steps} steps",
            f"a learning rate ({start.lr:g}) that is too small",
            "try ten times the rate, and again, until the loss falls clearly",
        )


SMALLEST_UPDATE = 7e-5
"""Of the weight's norm, at most, in one step. The tutorial's SGD with lr 1e-3 has a
median of 1.4e-4 to 2.5e-4, a thousandth of Adam's default rate 3e-5: this lies midway,
a factor of 2 from either. A tutorial with lr 5e-4 is called slow, then."""


def _slow(start: Beginning) -> bool:
    return bool(start.ratios) and median(start.ratios) < SMALLEST_UPDATE
