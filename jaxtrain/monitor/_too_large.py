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

    def __init__(self, chance: float | None):
        self._beginning = Beginning(chance)

    def see(self, event: Event) -> Finding | None:
        self._beginning.see(event)
        if isinstance(event, Sampled):
            return self._outweighed(event)
        if isinstance(event, Steps):
            return self._worse()
        return None

    def _worse(self) -> Finding | None:
        begun = self._beginning
        if not begun.judged or not begun.left >= WORSE:
            return None
        return Finding(
            f"the loss is {begun.level:.3g} after {begun.curve.steps} steps; a network "
            f"that knows nothing has {begun.reference:.3g}",
            f"a learning rate ({begun.lr:g}) or initial weights that are too large",
            "try a tenth of the rate; see whether the very first loss is about that of "
            "knowing nothing",
        )

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
