"""What a sampled step says of the weights."""

import math
from collections.abc import Mapping

from jaxtrain.events import Sampled


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


def took_a_step(sampled: Sampled) -> bool:
    """Whether the step moved anything: one that only accumulates gradients does not."""
    return any(ratio != 0 for ratio in sampled.update_ratios.values())


def total(norms: Mapping[str, float]) -> float:
    """The norm of all gradients taken as one vector.

    Example:
        >>> total({"weight": 3.0, "bias": 4.0})
        5.0
    """
    return math.hypot(*norms.values())
