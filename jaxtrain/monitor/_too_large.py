"""A step that is larger than what it changes."""

from jaxtrain.events import Event, Sampled, Steps
from jaxtrain.monitor._beginning import WORSE, Beginning
from jaxtrain.monitor._rule import Finding
from jaxtrain.monitor._samples import of_weights


class LearningRateTooLarge:
    """An update outweighs the weights, or training makes the network worse than none.

    Args:
        chance: the loss of a network of no knowledge, if it is known.
    """

    kind = "lr_too_large"

    LARGEST_UPDATE = 2.0
    """Of the weight's norm. Healthy runs reach 0.46 in the first step of Adagrad and
    RMSprop, 0.07 later; a hundred times Adam's default rate gives 4.6."""

    OVERSHOT = 1.1
    """Times the loss of no knowledge, in the mean of ten batches. No healthy run rises
    above its beginning at all; SGD with lr 1 reaches 1.15 to 1.25."""

    def __init__(self, chance: float | None):
        self._chance, self._beginning = chance, Beginning(chance)
        self._first: float | None = None

    def see(self, event: Event) -> Finding | None:
        self._beginning.see(event)
        if isinstance(event, Sampled):
            return self._outweighed(event)
        if isinstance(event, Steps) and event.losses:
            self._first = event.losses[0] if self._first is None else self._first
            return self._worse()
        return None

    def _worse(self) -> Finding | None:
        begun = self._beginning
        stays = begun.judged and begun.left >= WORSE
        if not stays and not self._overshot:
            return None
        return Finding(
            f"the loss rose to {begun.highest:.3g}, and is {begun.level:.3g} after "
            f"{begun.curve.steps} steps; a network that knows nothing has "
            f"{begun.reference:.3g}",
            f"a learning rate ({begun.lr:g}) or initial weights that are too large",
            "try a tenth of the rate; see whether the very first loss is about that of "
            "knowing nothing",
        )

    @property
    def _overshot(self) -> bool:
        """Whether the loss began where it should, and then rose above that."""
        if self._chance is None or self._first is None:
            return False
        limit = self.OVERSHOT * self._chance
        return self._first < limit < self._beginning.highest

    def _outweighed(self, event: Sampled) -> Finding | None:
        ratio = max(of_weights(event.update_ratios), default=0.0)
        if ratio <= self.LARGEST_UPDATE:
            return None
        name = next(n for n, v in event.update_ratios.items() if v == ratio)
        return Finding(
            f"one update of {name} is {ratio:.2g} times as large as {name} itself",
            "a learning rate that is too large by far: what was there is forgotten",
            "try a rate ten to a thousand times smaller: updates of a thousandth of "
            "the weights are usual",
        )
