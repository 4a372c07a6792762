"""The loss before training, against that of a network that knows nothing."""

import math

from jaxtrain.checks._finding import Finding

GREATEST_RATIO, LEAST_RATIO = 2.0, 0.5
"""Of the first loss to that of guessing. PyTorch's default initial weights give 0.99 to
1.01, and 1.4 with the absolute error; pixels from 0 to 255 give 6 to 8."""


def first_loss(first: float, guess: float) -> Finding:
    """Whether the loss before training is near that of outputs that are all zero.

    Args:
        first: mean over some batches, with the initial weights.
        guess: that of outputs of zero, ln K for cross-entropy of K classes.

    Example:
        >>> first_loss(2.31, 2.3026).text
        '2.3100 before training; a guess, all outputs zero, gives 2.3026'
        >>> first_loss(43.0, 2.3026).passed
        False
    """
    name = "first loss"
    what = f"{first:.4f} before training; a guess, all outputs zero, gives {guess:.4f}"
    if not math.isfinite(first):
        return Finding(name, False, f"{what}: the network or the loss overflows")
    if first > GREATEST_RATIO * guess:
        return Finding(
            name,
            False,
            f"{what}: the network is sure of what it cannot know; are inputs scaled, "
            "are initial weights too large, does the loss fit what the network gives?",
        )
    if first < LEAST_RATIO * guess:
        return Finding(
            name,
            False,
            f"{what}: the network knows the answers already; do inputs hold them?",
        )
    return Finding(name, True, what)
