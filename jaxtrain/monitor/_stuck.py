"""The loss stays where it began: nothing is learnt, or all too slowly."""

from statistics import median

from jaxtrain.events import Event, Steps
from jaxtrain.monitor._beginning import UNMOVED, WORSE, Beginning
from jaxtrain.monitor._rule import Finding


class LossStuck:
    """The loss has not fallen, though the weights move."""

    kind = "loss_stuck"

    def __init__(self, chance: float | None):
        self._beginning = Beginning(chance)

    def see(self, event: Event) -> Finding | None:
        begun = self._beginning
        begun.see(event)
        if not isinstance(event, Steps) or not begun.judged:
            return None
        if not UNMOVED < begun.left < WORSE or _slow(begun):
            return None
        return Finding(
            f"the loss is {begun.level:.4g} after {begun.curve.steps} steps; a network "
            f"that knows nothing has {begun.reference:.4g}",
            "labels that do not belong to their inputs, inputs that tell nothing, or a "
            "learning rate that is far off",
            "look at some inputs with their labels; see whether 100 of them can be "
            "learnt by heart; compare learning rates",
        )


class LearningRateTooSmall:
    """The weights hardly move, and the loss hardly falls."""

    kind = "lr_too_small"

    LEFT = 0.9
    """Of the loss of no knowledge: a run that is further gets somewhere. A thousandth
    of Adam's default rate has 0.98 left when it is judged, of SGD's 1."""

    def __init__(self, chance: float | None):
        self._beginning = Beginning(chance)

    def see(self, event: Event) -> Finding | None:
        begun = self._beginning
        begun.see(event)
        if not isinstance(event, Steps) or not begun.judged:
            return None
        if not begun.left > self.LEFT or not _slow(begun):
            return None
        ratio = median(begun.ratios)
        return Finding(
            f"an update moves no weight by more than {ratio:.1g} of its norm, and the "
            f"loss is still {begun.level:.4g} after {begun.curve.steps} steps",
            f"a learning rate ({begun.lr:g}) that is too small",
            "try ten times the rate, and again, until the loss falls clearly",
        )


SMALLEST_UPDATE = 7e-5
"""Of the weight's norm, at most, in one step. The tutorial's SGD with lr 1e-3 has a
median of 1.4e-4 to 2.5e-4, a thousandth of Adam's default rate 3e-5: this lies midway,
a factor of 2 from either. A tutorial with lr 5e-4 is called slow, then."""


def _slow(begun: Beginning) -> bool:
    return bool(begun.ratios) and median(begun.ratios) < SMALLEST_UPDATE
