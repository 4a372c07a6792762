"""A history as a picture: its losses over the steps, its tests after the epochs."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import numpy as np

from jaxtrain.run.history import History
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
    png,
    running_mean,
    thin,
    whole_numbers,
)
from jaxtrain.show.html import as_html

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot(history: History) -> Figure:
    """Draw the losses of all steps and tests, and the figures of the tests.

    Raises:
        ConfigError: matplotlib is not installed.
    """
    names = sorted({name for epoch in history.epochs for name in epoch.figures})
    fig = figure(height=3.1 + 2.0 * bool(names))
    axes = fig.subplots(1 + bool(names), squeeze=False)[:, 0]
    steps, values = np.arange(len(history.losses)), drawable(history.losses)
    size = max(len(steps) // 50, 1)
    axes[0].plot(*thin(steps, values), color=PALE, lw=0.8, label="each step")
    if size > 1:
        mean, label = running_mean(values, size), f"mean of the last {size:,}"
        axes[0].plot(*thin(steps, mean), color=BLUE, lw=1.6, label=label)
    numbers = np.array([epoch.epoch for epoch in history.epochs])
    tests = drawable([epoch.avg_loss for epoch in history.epochs])
    if np.isfinite(tests).any():
        # Where an epoch ended is known to the last: they are of one length.
        ends = numbers * (len(steps) / numbers[-1]) - 1
        axes[0].plot(ends, tests, "o-", color=ORANGE, lw=1.2, ms=4, label="validation")
    dress(axes[0], "step", "loss")
    log_if_wide(axes[0], np.concatenate([values, tests]))
    legend(axes[0])
    for index, name in enumerate(names):
        column = drawable([epoch.figures.get(name, np.nan) for epoch in history.epochs])
        color = SERIES[index % len(SERIES)]
        axes[1].plot(numbers, column, "o-", color=color, lw=1.6, ms=4, label=name)
    if names:
        dress(axes[1], "epoch", names[0] if len(names) == 1 else "figures")
        whole_numbers(axes[1])
        legend(axes[1])
    return fig


def picture(history: History) -> bytes | None:
    """The picture as PNG; None where there is nothing to draw, or no matplotlib."""
    from importlib.util import find_spec

    if not history.losses or find_spec("matplotlib") is None:
        return None
    return png(plot(history))


def html(history: History) -> str:
    """The picture and what it came to, as a notebook shows it."""
    image = picture(history)
    text = f"<p>{as_html(describe(history))}</p>"
    if image is None:
        return text
    data = base64.b64encode(image).decode("ascii")
    return f'{text}<img alt="losses" src="data:image/png;base64,{data}">'


def describe(history: History) -> str:
    """What a history came to, in a line.

    Example:
        >>> describe(History({}, {}, losses=[2.0, 1.0]))
        '2 steps, 0 epochs, last loss 1'
    """
    last = f", last loss {history.losses[-1]:.4g}" if history.losses else ""
    return f"{len(history.losses):,} steps, {len(history.epochs):,} epochs{last}"
