"""Charts of two runs side by side, and the tutorial's published figures."""

import csv
import statistics
from collections.abc import Callable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from jaxtrain.errors import ConfigError
from jaxtrain.run.history import History
from jaxtrain.show import charts
from parity.difference import difference
from parity.proof.verdict import Twins, Verdict

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BATCH, EPOCH = 64, 938
"""The tutorial's: images in a batch, steps in an epoch."""
TUTORIAL = "tutorial"
"""The run that has published figures beside it."""
MOST = 600
"""Points in a line: about one for each pixel."""
HEIGHT, TITLE = 2.9, 0.3
"""Of a chart and of the line above it, in inches."""
COLUMNS = 2

Points = tuple[Sequence[float], Sequence[float]]
Look = dict[str, Any]

THEIRS: Look = {"color": charts.ORANGE, "linewidth": 3.4}
OURS: Look = {"color": charts.BLUE, "linewidth": 1.2}
BOUND: Look = {"color": charts.RED, "linewidth": 1.2, "linestyle": (0, (4.5, 3.0))}
DOTS: Look = {"color": charts.PURPLE, "linestyle": "none", "marker": "o"}
BAND: Look = {"color": charts.ORANGE, "alpha": 0.35}


class Chart(NamedTuple):
    """What is drawn, what is said of it, and how it is drawn."""

    title: str
    caption: str
    draw: "Callable[[Axes], None]"


def of(pair: Twins) -> list[Chart]:
    """The charts of two runs."""
    if pair.others:
        return [_losses(pair), _envelope(pair)]
    result = [_losses(pair), _differences(pair)]
    if len(pair.reference.epochs) > 0:
        result.append(_accuracies(pair))
    return [*result, _rates(pair)]


def svg(chart: Chart) -> str:
    """A chart as a part of a page."""
    drawn = charts.figure(HEIGHT)
    chart.draw(drawn.subplots())
    return charts.svg(drawn, chart.title)


def save(path: Path, verdicts: Sequence[Verdict]) -> None:
    """Write the charts of the last whole run that was judged, as one picture.

    Raises:
        ConfigError: there was none, or the file cannot be written.
    """
    pairs = [verdict.twins for verdict in verdicts if verdict.twins is not None]
    if not pairs:
        raise ConfigError(
            f"--picture {path}: nothing was drawn; fashion, pairs and noise have runs"
        )
    plots = of(pairs[-1])
    rows = -(-len(plots) // COLUMNS)
    drawn = charts.figure(rows * (HEIGHT + TITLE), COLUMNS * charts.WIDTH)
    for ax, chart in zip(drawn.subplots(rows, COLUMNS).flat, plots, strict=True):
        chart.draw(ax)
        # Above the legend.
        ax.set_title(chart.title, **_HEAD)
    charts.save(drawn, ", ".join(chart.title for chart in plots), path, "--picture")


_HEAD: Look = {
    **{"loc": "left", "pad": 20, "fontsize": 9},
    **{"fontweight": "bold", "color": charts.INK},
}


def _losses(pair: Twins) -> Chart:
    count, is_tutorial = len(pair.reference.losses), pair.name == TUTORIAL

    def draw(ax: "Axes") -> None:
        for label, look, run in _both(pair):
            points = bin_points(range(count), run.losses, statistics.fmean)
            _line(ax, label, points, look)
        if is_tutorial:
            _line(ax, "published", tutorial_losses(count), {**DOTS, "markersize": 4})
        _finish(ax, "step")

    words = ["Each point is the mean of neighbouring steps."] if count > MOST else []
    if is_tutorial:
        words.append(
            "The tutorial's page shows a loss at every hundredth step; its seed is "
            "unknown, so it is another run of the same recipe."
        )
    return Chart("Training loss", " ".join(words or ["At each step."]), draw)


def _differences(pair: Twins) -> Chart:
    apart = difference(pair.reference.losses, pair.candidate.losses).tolist()
    ends = [0, max(len(apart) - 1, 1)]

    def draw(ax: "Axes") -> None:
        _line(ax, "bound", (ends, [pair.bound, pair.bound]), BOUND, log=True)
        points = bin_points(range(len(apart)), apart, max)
        _line(ax, "|Δloss|", points, OURS, log=True)
        _finish(ax, "step", log=True)

    equal = sum(value == 0 for value in apart)
    caption = (
        f"|Δloss|, JAX from PyTorch, on a log scale: largest {max(apart):.2g}, allowed "
        f"{pair.bound:g}; {equal:,} of {len(apart):,} steps are equal to the last bit, "
        "which a log scale cannot show."
    )
    if len(apart) > MOST:
        caption += " Each point is the largest of neighbouring steps."
    return Chart("Difference of the losses", caption, draw)


def _envelope(pair: Twins) -> Chart:
    """Ours among PyTorch's own runs, each up to its largest |Δloss| so far."""
    # With PyTorch, which a page without such runs does not need.
    from parity.proof.runs.noise import ONSET, ROUNDINGS, allowance, running_maximum

    own = np.array([running_maximum(pair.reference, run) for run in pair.others])
    ours = running_maximum(pair.reference, pair.candidate)
    bound = allowance(pair.reference, pair.others)

    def draw(ax: "Axes") -> None:
        steps = range(len(ours))
        least, largest = (
            np.array(bin_points(steps, edge.tolist(), max))
            for edge in (own.min(axis=0), own.max(axis=0))
        )
        some = largest[1] > 0
        band = (edge[1][some] for edge in (least, largest))
        ax.fill_between(largest[0][some], *band, label="PyTorch's own runs", **BAND)
        bounds = bin_points(steps, bound.tolist(), min)
        _line(ax, "bound", bounds, BOUND, log=True)
        _line(ax, "JAX", bin_points(steps, ours.tolist(), max), OURS, log=True)
        _finish(ax, "step", log=True)

    caption = (
        "Largest |Δloss| so far, from PyTorch's run, on a log scale. Band: from the "
        f"least to the largest of {len(own)} runs of PyTorch's that are rounded "
        f"otherwise. Bound: {pair.bound:g} times the largest, {ONSET} steps ahead, or "
        f"{ROUNDINGS} roundings of the loss where that is more. At the end: PyTorch's "
        f"{own[:, -1].min():.2g} to {own[:, -1].max():.2g}, JAX {ours[-1]:.2g}."
    )
    return Chart("Difference beside PyTorch's noise", caption, draw)


def _accuracies(pair: Twins) -> Chart:
    accuracies = [[e.accuracy for e in run.epochs] for _, _, run in _both(pair)]
    is_tutorial = pair.name == TUTORIAL and len(pair.reference.losses) >= EPOCH

    def draw(ax: "Axes") -> None:
        for (label, look, _), values in zip(_both(pair), accuracies, strict=True):
            _line(ax, label, (range(1, len(values) + 1), values), look)
        if is_tutorial:
            points = tutorial_accuracies(len(pair.reference.epochs))
            _line(ax, "published", points, {**DOTS, "markersize": 4})
        _finish(ax, "epoch")

    text = ", ".join(
        f"{theirs:.2f} and {ours:.2f}"
        for theirs, ours in zip(*accuracies, strict=False)
    )
    caption = f"In percent after each epoch, PyTorch and JAX: {text}."
    return Chart("Test accuracy", caption, draw)


def _rates(pair: Twins) -> Chart:
    def draw(ax: "Axes") -> None:
        for label, look, run in _both(pair):
            rates = [rate[0] if isinstance(rate, list) else rate for rate in run.lrs]
            points = bin_points(range(len(rates)), rates, statistics.fmean)
            _line(ax, label, points, look)
        _finish(ax, "step")

    return Chart("Learning rate", "At each step; of several groups, the first.", draw)


def _both(pair: Twins) -> list[tuple[str, Look, History]]:
    return [("PyTorch", THEIRS, pair.reference), ("JAX", OURS, pair.candidate)]


def bin_points(
    x: Sequence[float], y: Sequence[float], of: Callable[[Sequence[float]], float]
) -> Points:
    """At most `MOST` points: neighbours become one, `of` them all at their first place.

    Example:
        >>> points, values = bin_points(range(1200), range(1200), max)
        >>> len(points), values[0]
        (600, 1)
    """
    size = -(-len(x) // MOST) or 1
    starts = range(0, len(x), size)
    return [x[i] for i in starts], [of(y[i : i + size]) for i in starts]


def _line(
    ax: "Axes", label: str, points: Points, look: Look, log: bool = False
) -> None:
    """One curve through what has a place: finite and, on a log axis, positive."""
    x, y = np.asarray(points[0]), charts.drawable(points[1])
    has_place = np.isfinite(y) & ((y > 1 / charts.GREATEST) | (not log))
    # A single point has no line.
    mark = {"marker": "o", "markersize": 1.8 + look.get("linewidth", 0.0)}
    alone = mark if has_place.sum() == 1 else {}
    ax.plot(x[has_place], y[has_place], label=label, **alone | look)


def _finish(ax: "Axes", x_label: str, log: bool = False) -> None:
    charts.dress(ax, x_label, "")
    charts.whole_numbers(ax)
    ax.xaxis.set_major_formatter("{x:,.0f}")
    ax.grid(axis="x", visible=False)
    if log:
        charts.log_axis(ax)
    else:
        ax.ticklabel_format(axis="y", useOffset=False)
    charts.legend_above(ax)


def _rows(name: str) -> list[dict[str, str]]:
    text = files("parity").joinpath(f"reference/{name}").read_text()
    return list(csv.DictReader(text.splitlines()))


def tutorial_losses(steps: int) -> Points:
    """The losses that the tutorial's page prints, within so many steps.

    Example:
        >>> tutorial_losses(200)
        ([0, 100], [2.29873, 2.289123])
    """
    points = [
        (
            (int(row["epoch"]) - 1) * EPOCH + int(row["samples"]) // BATCH - 1,
            float(row["loss"]),
        )
        for row in _rows("tutorial_log.csv")
    ]
    visible = [point for point in points if point[0] < steps]
    return [step for step, _ in visible], [loss for _, loss in visible]


def tutorial_accuracies(epochs: int) -> Points:
    """The accuracies that the tutorial's page prints."""
    values = [float(row["accuracy_percent"]) for row in _rows("tutorial_test.csv")]
    accuracies = values[:epochs]
    return range(1, len(accuracies) + 1), accuracies
