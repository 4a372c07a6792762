"""How a run went: losses, accuracy, learning rate."""

from typing import TYPE_CHECKING

import numpy as np

from jaxtrain.pictures._style import (
    BLUE,
    ORANGE,
    PALE,
    SERIES,
    drawable,
    dress,
    figure,
    legend,
    log_if_wide,
    running_mean,
    thinned,
    whole_numbers,
)
from jaxtrain.run_folder import RunRecord

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def window(record: RunRecord) -> int:
    """Steps that a running mean takes together: a fiftieth of them all."""
    return max(len(record.steps) // 50, 1)


def watched(record: RunRecord) -> str:
    """Which images the accuracy is of."""
    return "validation" if record.config.get("data", {}).get("validation") else "test"


def losses(record: RunRecord) -> "Figure":
    """Loss of each step, its running mean, and the epochs' losses.

    Raises:
        ConfigError: matplotlib is not installed; so for every picture.
    """
    drawn = figure()
    ax = drawn.subplots()
    values, taken = drawable(record.losses), window(record)
    ax.plot(*thinned(record.steps, values), color=PALE, lw=0.8, label="each step")
    if taken > 1:
        mean = running_mean(values, taken)
        label = f"mean of the last {taken:,}"
        ax.plot(*thinned(record.steps, mean), color=BLUE, lw=1.6, label=label)
    ends = record.epoch_steps - 1
    avg_losses = drawable([epoch.avg_loss for epoch in record.epochs])
    if np.isfinite(avg_losses + ends).any():
        label = f"{watched(record)} loss"
        ax.plot(ends, avg_losses, "o-", color=ORANGE, lw=1.2, ms=4, label=label)
    dress(ax, "step", "loss")
    log_if_wide(ax, np.concatenate([values, avg_losses]))
    legend(ax)
    return drawn


def accuracy(record: RunRecord) -> "Figure":
    """Images named right after each epoch, in percent."""
    drawn = figure()
    ax = drawn.subplots()
    numbers = [epoch.epoch for epoch in record.epochs]
    values = drawable([epoch.accuracy for epoch in record.epochs])
    ax.plot(numbers, values, "o-", color=BLUE, lw=1.6, ms=4)
    dress(ax, "epoch", f"{watched(record)} accuracy, %")
    whole_numbers(ax)
    return drawn


def rates(record: RunRecord) -> "Figure":
    """Learning rate of each step, by groups, and the momentum where it moves."""
    moves = len(record.momenta) > 0
    drawn = figure()
    axes = drawn.subplots(1 + moves, sharex=True, squeeze=False)[:, 0]
    for index, column in enumerate(drawable(record.lrs).T):
        label = f"group {index}"
        color = SERIES[index % len(SERIES)]
        points = thinned(record.steps, column)
        # A rate stands still between two steps.
        axes[0].plot(*points, color=color, lw=1.6, label=label, drawstyle="steps-post")
    dress(axes[0], "" if moves else "step", "learning rate")
    legend(axes[0])
    if moves:
        points = thinned(record.steps, drawable(record.momenta))
        axes[1].plot(*points, color=ORANGE, lw=1.6, drawstyle="steps-post")
        dress(axes[1], "step", "momentum")
    return drawn
