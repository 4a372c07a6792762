"""A layer of which nothing is left."""

import math

from jaxtrain.events import Event, Sampled
from jaxtrain.monitor._rule import Finding


class DeadLayer:
    """All units of an activation are 0 for a whole batch: nothing passes it."""

    kind = "dead_layer"

    SHARE = 0.999
    """All of them but for rounding. Healthy runs reach 0.79 (Adam on the absolute
    error), training on shuffled labels 0.98."""

    def see(self, event: Event) -> Finding | None:
        if not isinstance(event, Sampled):
            return None
        dead = [name for name, share in event.dead.items() if share > self.SHARE]
        if not dead:
            return None
        zeros = [name for name, ratio in event.update_ratios.items() if _none(ratio)]
        weights = [name for name in zeros if name.endswith("weight")]
        return Finding(
            f"all units of {_listed(dead)} are 0 for the whole batch, so no gradient "
            "passes",
            _because(weights),
            "initialise the weights at random, as the layers do by themselves"
            if weights
            else "lower the learning rate; look at the initial biases; a LeakyReLU "
            "does not die",
        )


def _none(ratio: float) -> bool:
    # Something divided by a norm of 0.
    return not math.isfinite(ratio)


def _because(zero_weights: list[str]) -> str:
    if zero_weights:
        return f"weights that are all 0: {_listed(zero_weights)}"
    return (
        "weights pushed far off by too large a step, biases far below 0, or inputs "
        "that are not scaled"
    )


def _listed(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if names[3:] else "")
