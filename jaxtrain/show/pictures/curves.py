"""Losses, accuracies and rates over the steps, of one run or several."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxtrain.show.charts import (
    BLUE,
    ORANGE,
    PALE,
    SERIES,
    drawable,
    dress,
    figure,
    legend,
    log_if_wide,
    plain,
    running_mean,
    thinned,
    whole_numbers,
)
from jaxtrain.store.run_folder import RunRecord

if TYPE_CHECKING:
    from matplotlib.axes import Axes
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


Points = tuple[np.ndarray, np.ndarray]
STYLES = ("-", "--", ":", "-.")


def names(records: Sequence[RunRecord]) -> list[str]:
    """The folders' names; their whole paths where names are equal.

    Example:
        >>> from pathlib import Path
        >>> from types import SimpleNamespace
        >>> names([SimpleNamespace(path=Path(path)) for path in ("a/run", "b/run")])
        ['a/run', 'b/run']
    """
    short = [record.path.name for record in records]
    if len(set(short)) == len(short) and all(short):
        return short
    return [str(record.path) for record in records]


def style(index: int) -> dict[str, Any]:
    """Colour and dashes of the run of that number."""
    dashes = STYLES[index // len(SERIES) % len(STYLES)]
    return {"color": SERIES[index % len(SERIES)], "linestyle": dashes}


def loss_curves(records: Sequence[RunRecord]) -> "Figure":
    """Running means of the losses.

    Raises:
        ConfigError: matplotlib is not installed; so for every picture.
    """
    means = [running_mean(drawable(r.losses), window(r)) for r in records]
    drawn, ax = _overlaid(
        records, [thinned(r.steps, m) for r, m in zip(records, means, strict=True)]
    )
    dress(ax, "step", "training loss, running mean")
    log_if_wide(ax, np.concatenate(means))
    return drawn


def accuracies(records: Sequence[RunRecord]) -> "Figure":
    """Accuracy after each epoch, in percent."""
    points = [
        (
            np.array([epoch.epoch for epoch in record.epochs]),
            drawable([epoch.accuracy for epoch in record.epochs]),
        )
        for record in records
    ]
    drawn, ax = _overlaid(records, points, marker="o")
    kinds = " or ".join(dict.fromkeys(watched(record) for record in records))
    dress(ax, "epoch", f"{kinds} accuracy, %")
    whole_numbers(ax)
    return drawn


def rate_curves(records: Sequence[RunRecord]) -> "Figure":
    """Learning rates of each step; of groups, the first."""
    firsts = [drawable(record.lrs)[:, :1].ravel() for record in records]
    points = [
        thinned(record.steps[: len(first)], first)
        for record, first in zip(records, firsts, strict=True)
    ]
    drawn, ax = _overlaid(records, points, drawstyle="steps-post")
    dress(ax, "step", "learning rate")
    return drawn


def _overlaid(
    records: Sequence[RunRecord], points: Sequence[Points], **look: Any
) -> "tuple[Figure, Axes]":
    """One line for each run that has any points.

    The first is the broadest, so that equal lines are seen to lie on each other.
    """
    drawn = figure()
    ax = drawn.subplots()
    widths = np.linspace(3.2, 1.4, len(records))
    for index, (name, (x, y)) in enumerate(zip(names(records), points, strict=True)):
        if np.isfinite(y).any():
            look |= style(index) | {"lw": widths[index], "ms": 2.5 + widths[index]}
            ax.plot(x, y, label=plain(name), **look)
    legend(ax)
    return drawn, ax
