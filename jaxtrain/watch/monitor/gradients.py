"""Gradients that vanish or explode, units that are dead, updates too large."""

import math
from statistics import median

from jaxtrain.store.events import Event, Sampled, Steps
from jaxtrain.watch.monitor.beginning import WORSE, Beginning
from jaxtrain.watch.monitor.rule import Symptom, of_weights, total


class VanishingGradients:
    """One weight's gradient is next to nothing beside another's."""

    kind = "vanishing_gradients"

    SAMPLES = 3
    """In a row: a single batch may happen to tell a layer nothing."""

    SMALLEST = 1e-4
    """Of the largest. Healthy MLPs stay above 0.2, the other networks above 0.006;
    twenty narrow layers of ReLU come to 1e-8."""

    def __init__(self) -> None:
        self._row = 0

    def see(self, event: Event) -> Symptom | None:
        if not isinstance(event, Sampled):
            return None
        norms = {n: v for n, v in event.gradient_norms.items() if n.endswith("weight")}
        if not norms or not all(map(math.isfinite, norms.values())):
            return None
        least, most = min(norms, key=norms.__getitem__), max(norms.values())
        small = norms[least] < self.SMALLEST * most or most == 0
        self._row = self._row + 1 if small else 0
        if self._row < self.SAMPLES:
            return None
        return Symptom(
            f"the gradient of {least} is {norms[least]:.1e}, where another weight's is "
            f"{most:.1e}",
            "many layers in a row that each pass on less, or units that are all dead",
            "use normalisation layers or shortcuts, a wider spread of initial weights "
            "(init.kaiming_normal), or fewer layers",
        )


class ExplodingGradients:
    """The gradient is far larger than it should be, or than it was."""

    kind = "exploding_gradients"

    LARGEST = 80.0
    """Where the loss of no knowledge is known, and so of order 1. Healthy runs reach 12
    in batches of 4 and 7 in larger ones; pixels of 0 to 255 begin with 320 to 540."""

    GROWTH = 300.0
    """Times the median before. Healthy runs stay within 4."""

    SAMPLES = 5
    """Before a median is one."""

    def __init__(self, chance: float | None):
        self._chance = chance
        self._norms: list[float] = []

    def see(self, event: Event) -> Symptom | None:
        if not isinstance(event, Sampled):
            return None
        norm = total(event.gradient_norms)
        usual = median(self._norms) if len(self._norms) >= self.SAMPLES else math.inf
        self._norms.append(norm)
        if self._chance is not None and norm > self.LARGEST:
            text = f"{norm:.2g}; {self._chance:.2g} would be usual"
        elif norm > self.GROWTH * usual or not math.isfinite(norm):
            text = f"{norm:.2g}, after {usual:.2g}"
        else:
            return None
        worst = max(event.gradient_norms, key=event.gradient_norms.__getitem__)
        return Symptom(
            f"the norm of the gradient is {text}; most of it is that of {worst}",
            "inputs that are not scaled to 0 to 1 or so, initial weights that are too "
            "large, or too large a learning rate",
            "scale the inputs; clip the gradient; lower the learning rate",
        )


class DeadLayer:
    """All units of an activation are 0 for a whole batch: nothing passes it."""

    kind = "dead_layer"

    SHARE = 0.999
    """All of them but for rounding. Healthy runs reach 0.79 (Adam on the absolute
    error), training on shuffled labels 0.98."""

    def see(self, event: Event) -> Symptom | None:
        if not isinstance(event, Sampled):
            return None
        dead = [name for name, share in event.dead.items() if share > self.SHARE]
        if not dead:
            return None
        zeros = [name for name, ratio in event.update_ratios.items() if _none(ratio)]
        weights = [name for name in zeros if name.endswith("weight")]
        return Symptom(
            f"all units of {_list(dead)} are 0 for the whole batch, so no gradient "
            "passes",
            _cause(weights),
            "initialise the weights at random, as the layers do by themselves"
            if weights
            else "lower the learning rate; look at the initial biases; a LeakyReLU "
            "does not die",
        )


def _none(ratio: float) -> bool:
    # Something divided by a norm of 0.
    return not math.isfinite(ratio)


def _cause(zero_weights: list[str]) -> str:
    if zero_weights:
        return f"weights that are all 0: {_list(zero_weights)}"
    return (
        "weights pushed far off by too large a step, biases far below 0, or inputs "
        "that are not scaled"
    )


def _list(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if names[3:] else "")


class LearningRateTooLarge:
    """An update outweighs the weights, or training makes the network worse than none.

    Args:
        chance: the loss of a network of no knowledge, if it is known.
    """

    kind = "lr_too_large"

    LARGEST_UPDATE = 2.0
    """Of the weight's norm. Healthy runs reach 0.46 in the first step of Adagrad and
    RMSprop, 0.07 later; a hundred times Adam's default rate gives 4.6."""

    OVERSHOOT = 1.1
    """Times the loss of no knowledge, in the mean of ten batches. No healthy run rises
    above its beginning at all; SGD with lr 1 reaches 1.15 to 1.25."""

    def __init__(self, chance: float | None):
        self._chance, self._beginning = chance, Beginning(chance)
        self._first: float | None = None

    def see(self, event: Event) -> Symptom | None:
        self._beginning.see(event)
        if isinstance(event, Sampled):
            return self._outweigh(event)
        if isinstance(event, Steps) and event.losses:
            self._first = event.losses[0] if self._first is None else self._first
            return self._rise()
        return None

    def _rise(self) -> Symptom | None:
        start = self._beginning
        stays = start.can_judge and start.share >= WORSE
        if not stays and not self._overshoot:
            return None
        return Symptom(
            f"the loss rose to {start.highest:.3g}, and is {start.level:.3g} after "
            f"{start.curve.steps} steps; a network that knows nothing has "
            f"{start.reference:.3g}",
            f"a learning rate ({start.lr:g}) or initial weights that are too large",
            "try a tenth of the rate; see whether the very first loss is about that of "
            "knowing nothing",
        )

    @property
    def _overshoot(self) -> bool:
        """Whether the loss began where it should, and then rose above that."""
        if self._chance is None or self._first is None:
            return False
        limit = self.OVERSHOOT * self._chance
        return self._first < limit < self._beginning.highest

    def _outweigh(self, event: Sampled) -> Symptom | None:
        ratio = max(of_weights(event.update_ratios), default=0.0)
        if ratio <= self.LARGEST_UPDATE:
            return None
        name = next(n for n, v in event.update_ratios.items() if v == ratio)
        return Symptom(
            f"one update of {name} is {ratio:.2g} times as large as {name} itself",
            "a learning rate that is too large by far: what was there is forgotten",
            "try a rate ten to a thousand times smaller: updates of a thousandth of "
            "the weights are usual",
        )
