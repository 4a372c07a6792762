"""A loss that jumps, and comes down again."""

from typing import NamedTuple

from jaxtrain.events import Event, Steps
from jaxtrain.monitor._curve import BLOCK, Curve, spread
from jaxtrain.monitor._rule import Finding


class _Jump(NamedTuple):
    usual: float
    peak: float
    block: int
    """Number of the block that jumped."""


class LossSpiking:
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

    def see(self, event: Event) -> Finding | None:
        if not isinstance(event, Steps):
            return None
        first = len(self._curve.blocks)
        self._curve.add(event.losses)
        for number in range(first, len(self._curve.blocks)):
            jump = self._jump
            if jump is not None and self._is_down(jump, number):
                return _found(jump)
            if jump is None or number - jump.block > self.WIDTH:
                self._jump = self._jumped(number)
        return None

    def _is_down(self, jump: _Jump, number: int) -> bool:
        return self._curve.blocks[number] < (jump.usual + jump.peak) / 2

    def _jumped(self, number: int) -> _Jump | None:
        if number < self.AROUND:
            return None
        blocks = self._curve.blocks
        scale = self._scale if self._scale is not None else blocks[0]
        usual, deviation = spread(blocks[number - self.AROUND : number])
        height = max(self.DEVIATIONS * deviation, self.HEIGHT * scale)
        above = blocks[number] > usual + height
        return _Jump(usual, blocks[number], number) if above else None


def _found(jump: _Jump) -> Finding:
    return Finding(
        f"the mean loss of {BLOCK} batches jumped from {jump.usual:.3g} to "
        f"{jump.peak:.3g}, and came down again",
        "a learning rate at the edge of what is stable, or some bad data",
        "lower the learning rate or clip the gradient; look at the inputs and labels "
        "of these batches",
    )
