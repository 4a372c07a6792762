import math
from collections.abc import Sequence

import numpy as np

BETA = 0.9
"""Share of the average that each step keeps: it looks back some ten steps."""


def smooth(losses: Sequence[float] | np.ndarray, beta: float = BETA) -> np.ndarray:
    """Exponential moving average, corrected for its start at zero.

    a_i = βa_(i-1) + (1 - β) l_i, smoothed_i = a_i / (1 - β^(i+1)), in float64

    Args:
        losses: (steps,).
        beta: β, at least 0 and less than 1.

    Raises:
        ValueError: `beta` lies outside that.

    Example:
        >>> smooth([3.0, 1.0], beta=0.5).tolist()
        [3.0, 1.6666666666666667]
    """
    if not 0 <= beta < 1:
        raise ValueError(f"beta must be at least 0 and less than 1, but got {beta}")
    average, smoothed = 0.0, []
    for step, loss in enumerate(losses, 1):
        average = beta * average + (1 - beta) * float(loss)
        smoothed.append(average / (1 - beta**step))
    return np.array(smoothed)


def steepest(lrs: np.ndarray, smoothed: np.ndarray) -> float | None:
    """The rate at which a smoothed loss falls fastest, per factor of the rate.

    argmin of d smoothed / d log(lr), by central differences, up to the least loss: what
    comes down again after a rise is no rate to train at.

    Args:
        lrs: (steps,) growing rates.
        smoothed: (steps,) losses.

    Returns:
        The rate, or None where the loss never falls.

    Example:
        >>> lrs = np.array([0.001, 0.01, 0.1, 1.0, 10.0])
        >>> steepest(lrs, np.array([2.3, 2.2, 1.2, 0.9, 5.0]))
        0.1
    """
    end = int(np.argmin(smoothed)) + 1 if len(smoothed) else 0
    if end < 2:
        return None
    slopes = np.gradient(smoothed[:end], np.log(lrs[:end]))
    at = int(np.argmin(slopes))
    return float(lrs[at]) if math.isfinite(slopes[at]) and slopes[at] < 0 else None
