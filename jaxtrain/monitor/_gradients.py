"""Gradients that fade on their way through the layers, or swell."""

import math
from statistics import median

from jaxtrain.events import Event, Sampled
from jaxtrain.monitor._rule import Finding
from jaxtrain.monitor._samples import total


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

    def see(self, event: Event) -> Finding | None:
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
        return Finding(
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

    GROWN = 300.0
    """Times the median before. Healthy runs stay within 4."""

    SAMPLES = 5
    """Before a median is one."""

    def __init__(self, chance: float | None):
        self._chance = chance
        self._norms: list[float] = []

    def see(self, event: Event) -> Finding | None:
        if not isinstance(event, Sampled):
            return None
        norm = total(event.gradient_norms)
        usual = median(self._norms) if len(self._norms) >= self.SAMPLES else math.inf
        self._norms.append(norm)
        if self._chance is not None and norm > self.LARGEST:
            seen = f"{norm:.2g}; {self._chance:.2g} would be usual"
        elif norm > self.GROWN * usual or not math.isfinite(norm):
            seen = f"{norm:.2g}, after {usual:.2g}"
        else:
            return None
        worst = max(event.gradient_norms, key=event.gradient_norms.__getitem__)
        return Finding(
            f"the norm of the gradient is {seen}; most of it is that of {worst}",
            "inputs that are not scaled to 0 to 1 or so, initial weights that are too "
            "large, or too large a learning rate",
            "scale the inputs; clip the gradient; lower the learning rate",
        )
