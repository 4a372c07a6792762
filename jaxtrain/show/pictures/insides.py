"""What single steps looked like from inside, layer by layer."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from jaxtrain.show.charts import drawable, dress, figure, plain
from jaxtrain.store.run_folder import RunRecord

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


MOST_LETTERS = 24
MOST_MARKS = 100
"""Samples that are marked one by one."""
MOST_LABELS = 14
"""Lines that are named in a legend."""


def gradient_norms(record: RunRecord) -> "Figure":
    """Euclidean norm of each parameter's gradient, on a log scale."""
    values = [sample.gradient_norms for sample in record.samples]
    return _layers(record, values, "norm of the gradient", log=True)


def update_ratios(record: RunRecord) -> "Figure":
    """Norm of each parameter's update over the parameter's own, on a log scale."""
    values = [sample.update_ratios for sample in record.samples]
    return _layers(record, values, "update over parameter", log=True)


def dead_units(record: RunRecord) -> "Figure":
    """Share of each ReLU's units that are zero for the whole batch, in percent."""
    values = [
        {name: 100 * share for name, share in sample.dead.items()}
        for sample in record.samples
    ]
    return _layers(record, values, "dead units, %", log=False)


def _layers(
    record: RunRecord, samples: Sequence[Mapping[str, float]], label: str, log: bool
) -> "Figure":
    """One line for each name, from the input's end (dark) to the output's (light)."""
    fig = figure()
    ax = fig.subplots()
    names = list(dict.fromkeys(name for sample in samples for name in sample))
    labels = shorten(names)
    for index, name in enumerate(names):
        values = drawable([sample.get(name, np.nan) for sample in samples])
        if log:
            values = np.where(values > 0, values, np.nan)
        depth = index / max(len(names) - 1, 1)
        _line(ax, record.sample_steps, values, labels[index], depth)
    dress(ax, "step", label)
    if log and any(np.isfinite(line.get_ydata()).any() for line in ax.lines):
        ax.set_yscale("log")
    if not log:
        ax.set_ylim(-3, 103)
    _name_some(ax)
    return fig


def shorten(names: Sequence[str]) -> list[str]:
    """Names without the modules that are around them all.

    Example:
        >>> shorten(["stack.0.weight", "stack.0.bias", "stack.2.weight"])
        ['0.weight', '0.bias', '2.weight']
    """
    if len(names) < 2:
        return [*names]
    parts = [name.split(".") for name in names]
    around = 0
    while len({tuple(part[: around + 1]) for part in parts}) == 1 and all(
        len(part) > around + 1 for part in parts
    ):
        around += 1
    return [".".join(part[around:]) for part in parts]


def _line(
    ax: "Axes", steps: np.ndarray, values: np.ndarray, label: str, depth: float
) -> None:
    from matplotlib import colormaps

    # The lightest end of the scale is not seen on white.
    color = colormaps["viridis"](0.88 * depth)
    style = "--" if label.rpartition(".")[2].startswith("bias") else "-"
    # A single value between zeros, which a log scale cannot show, has no line.
    mark = "." if len(steps) <= MOST_MARKS else ""
    ax.plot(
        steps,
        values,
        style,
        color=color,
        lw=1.2,
        marker=mark,
        ms=3,
        label=plain(label, MOST_LETTERS),
    )


def _name_some(ax: "Axes") -> None:
    """Of many lines, name some that lie evenly among them."""
    handles, labels = ax.get_legend_handles_labels()
    if not handles:
        return
    count = min(len(handles), MOST_LABELS)
    index = np.linspace(0, len(handles) - 1, count).round().astype(int)
    ax.legend(
        [handles[i] for i in index],
        [labels[i] for i in index],
        frameon=False,
        fontsize=7,
        loc="center left",
        bbox_to_anchor=(1.0, 0.5),
    )
