"""Several runs in one picture."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxtrain.pictures._curves import watched, window
from jaxtrain.pictures._style import (
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
from jaxtrain.run_folder import RunRecord

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

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
