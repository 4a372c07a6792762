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
    thin,
    whole_numbers,
)
from jaxtrain.store.run_folder import RunRecord

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def window(record: RunRecord) -> int:
    """Steps that a running mean takes together: a fiftieth of them all."""
    return max(len(record.steps) // 50, 1)


def split_name(record: RunRecord) -> str:
    """Which images the accuracy is of."""
    return "validation" if record.config.get("data", {}).get("validation") else "test"


def losses(record: RunRecord) -> "Figure":
    """Loss of each step, its running mean, and the epochs' losses.

    Raises:
        ConfigError: matplotlib is not installed; so for every picture.
    """
    fig = figure()
    ax = fig.subplots()
    values, size = drawable(record.losses), window(record)
    ax.plot(*thin(record.steps, values), color=PALE, lw=0.8, label="each step")
    if size > 1:
        mean = running_mean(values, size)
        label = f"mean of the last {size:,}"
        ax.plot(*thin(record.steps, mean), color=BLUE, lw=1.6, label=label)
    ends = record.epoch_steps - 1
    avg_losses = drawable([epoch.avg_loss for epoch in record.epochs])
    if np.isfinite(avg_losses + ends).any():
        label = f"{split_name(record)} loss"
        ax.plot(ends, avg_losses, "o-", color=ORANGE, lw=1.2, ms=4, label=label)
    dress(ax, "step", "loss")
    log_if_wide(ax, np.concatenate([values, avg_losses]))
    legend(ax)
    return fig


def accuracy(record: RunRecord) -> "Figure":
    """Images named right after each epoch, in percent."""
    fig = figure()
    ax = fig.subplots()
    numbers = [epoch.epoch for epoch in record.epochs]
    values = drawable([epoch.accuracy for epoch in record.epochs])
    ax.plot(numbers, values, "o-", color=BLUE, lw=1.6, ms=4)
    dress(ax, "epoch", f"{split_name(record)} accuracy, %")
    whole_numbers(ax)
    return fig


def rates(record: RunRecord) -> "Figure":
    """Learning rate of each step, by groups, and the momentum where it moves."""
    moves = len(record.momenta) > 0
    fig = figure()
    axes = fig.subplots(1 + moves, sharex=True, squeeze=False)[:, 0]
    for index, column in enumerate(drawable(record.lrs).T):
        label = f"group {index}"
        color = SERIES[index % len(SERIES)]
        points = thin(record.steps, column)
        # A rate stands still between two steps.
        axes[0].plot(*points, color=color, lw=1.6, label=label, drawstyle="steps-post")
    dress(axes[0], "" if moves else "step", "learning rate")
    legend(axes[0])
    if moves:
        points = thin(record.steps, drawable(record.momenta))
        axes[1].plot(*points, color=ORANGE, lw=1.6, drawstyle="steps-post")
        dress(axes[1], "step", "momentum")
    return fig


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
    fig, ax = _overlay(
        records, [thin(r.steps, m) for r, m in zip(records, means, strict=True)]
    )
    dress(ax, "step", "training loss, running mean")
    log_if_wide(ax, np.concatenate(means))
    return fig


def accuracies(records: Sequence[RunRecord]) -> "Figure":
    """Accuracy after each epoch, in percent."""
    points = [
        (
            np.array([epoch.epoch for epoch in record.epochs]),
            drawable([epoch.accuracy for epoch in record.epochs]),
        )
        for record in records
    ]
    fig, ax = _overlay(records, points, marker="o")
    kinds = " or ".join(dict.fromkeys(split_name(record) for record in records))
    dress(ax, "epoch", f"{kinds} accuracy, %")
    whole_numbers(ax)
    return fig


def rate_curves(records: Sequence[RunRecord]) -> "Figure":
    """Learning rates of each step; of groups, the first."""
    firsts = [drawable(record.lrs)[:, :1].ravel() for record in records]
    points = [
        thin(record.steps[: len(first)], first)
        for record, first in zip(records, firsts, strict=True)
    ]
    fig, ax = _overlay(records, points, drawstyle="steps-post")
    dress(ax, "step", "learning rate")
    return fig


def _overlay(
    records: Sequence[RunRecord], points: Sequence[Points], **look: Any
) -> "tuple[Figure, Axes]":
    """One line for each run that has any points.

    The first is the broadest, so that equal lines are seen to lie on each other.
    """
    fig = figure()
    ax = fig.subplots()
    widths = np.linspace(3.2, 1.4, len(records))
    for index, (name, (x, y)) in enumerate(zip(names(records), points, strict=True)):
        if np.isfinite(y).any():
            look |= style(index) | {"lw": widths[index], "ms": 2.5 + widths[index]}
            ax.plot(x, y, label=plain(name), **look)
    legend(ax)
    return fig, ax
