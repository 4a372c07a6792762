"""Plots of two runs side by side, and the tutorial's published figures."""

import csv
import statistics
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

import numpy as np

from jaxtrain.errors import ConfigError
from jaxtrain.files import write_text
from parity.difference import difference
from parity.proof.report import curves
from parity.proof.report.page import STYLE
from parity.proof.report.plot import HEIGHT, LEFT, MOST, WIDTH, Line, chart, thinned
from parity.proof.verdict import Twins, Verdict

BATCH, EPOCH = 64, 938
"""The tutorial's: images in a batch, steps in an epoch."""
PUBLISHED = "tutorial"
"""The run that has published figures beside it."""


def plots(pair: Twins) -> list[tuple[str, str]]:
    """(caption, SVG) of each picture."""
    if pair.others:
        return [_losses(pair), _envelope(pair)]
    found = [_losses(pair), _differences(pair)]
    if len(pair.reference.epochs) > 0:
        found.append(_accuracies(pair))
    return [*found, _rates(pair)]


def _losses(pair: Twins) -> tuple[str, str]:
    lines = [
        _line("PyTorch", "theirs", pair.reference.losses),
        _line("JAX", "ours", pair.candidate.losses),
    ]
    if pair.name == PUBLISHED:
        lines.append(published_losses(len(pair.reference.losses)))
    caption = "Training loss." + _thinning(pair, "the mean of neighbouring steps")
    if pair.name == PUBLISHED:
        caption += (
            " The tutorial's page shows a loss at every hundredth step; its seed is "
            "unknown, so it is another run of the same recipe."
        )
    return caption, chart("Training loss", "step", lines)


def _differences(pair: Twins) -> tuple[str, str]:
    apart = difference(pair.reference.losses, pair.candidate.losses).tolist()
    steps = range(len(apart))
    bound = [pair.bound, pair.bound]
    lines = [
        Line("bound", "bound", [0, max(len(apart) - 1, 1)], bound),
        Line("|Δloss|", "ours", *thinned(steps, apart, max)),
    ]
    equal = sum(value == 0 for value in apart)
    caption = (
        f"|Δloss|, JAX from PyTorch, on a log scale: largest {max(apart):.2g}, allowed "
        f"{pair.bound:g}; {equal:,} of {len(apart):,} steps are equal to the last bit, "
        "which a log scale cannot show." + _thinning(pair, "their largest")
    )
    return caption, chart("Difference of the losses", "step", lines, log=True)


def _envelope(pair: Twins) -> tuple[str, str]:
    """Ours among PyTorch's own runs, each up to its largest |Δloss| so far."""
    # With PyTorch, which a page without such runs does not need.
    from parity.proof.runs.noise import ONSET, ROUNDINGS, allowance, running_maximum

    own = np.array([running_maximum(pair.reference, run) for run in pair.others])
    ours = running_maximum(pair.reference, pair.candidate)
    steps = range(len(ours))
    x, least = thinned(steps, own.min(axis=0).tolist(), max)
    _, largest = thinned(steps, own.max(axis=0).tolist(), max)
    bound = allowance(pair.reference, pair.others).tolist()
    lines = [
        Line("PyTorch's own runs", "noise", x, largest, low=least),
        Line("bound", "bound", *thinned(steps, bound, min)),
        Line("JAX", "ours", *thinned(steps, ours.tolist(), max)),
    ]
    caption = (
        "Largest |Δloss| so far, from PyTorch's run, on a log scale. Band: from the "
        f"least to the largest of {len(own)} runs of PyTorch's that are rounded "
        f"otherwise. Bound: {pair.bound:g} times the largest, {ONSET} steps ahead, or "
        f"{ROUNDINGS} roundings of the loss where that is more. At the end: PyTorch's "
        f"{own[:, -1].min():.2g} to {own[:, -1].max():.2g}, JAX {ours[-1]:.2g}."
    )
    return caption, chart("Difference beside PyTorch's noise", "step", lines, log=True)


def _accuracies(pair: Twins) -> tuple[str, str]:
    lines = [
        _epochs("PyTorch", "theirs", [e.accuracy for e in pair.reference.epochs]),
        _epochs("JAX", "ours", [e.accuracy for e in pair.candidate.epochs]),
    ]
    few = len(pair.reference.epochs) == 1
    if few:
        lines = [Line(x.label, x.style, x.x, x.y, dots=True) for x in lines]
    if pair.name == PUBLISHED and len(pair.reference.losses) >= EPOCH:
        lines.append(published_accuracies(len(pair.reference.epochs)))
    listed = ", ".join(
        f"{theirs.accuracy:.2f} and {ours.accuracy:.2f}"
        for theirs, ours in zip(
            pair.reference.epochs, pair.candidate.epochs, strict=False
        )
    )
    caption = f"Test accuracy in percent after each epoch, PyTorch and JAX: {listed}."
    return caption, chart("Test accuracy", "epoch", lines, whole=True)


def _rates(pair: Twins) -> tuple[str, str]:
    lines = [
        _line("PyTorch", "theirs", _first(pair.reference.lrs)),
        _line("JAX", "ours", _first(pair.candidate.lrs)),
    ]
    return "Learning rate at each step.", chart("Learning rate", "step", lines)


def _first(rates: Sequence[float | list[float]]) -> list[float]:
    """The first group's, where there are several."""
    return [rate[0] if isinstance(rate, list) else rate for rate in rates]


def _line(label: str, style: str, values: Sequence[float]) -> Line:
    return Line(label, style, *thinned(range(len(values)), values, statistics.fmean))


def _epochs(label: str, style: str, values: Sequence[float]) -> Line:
    return Line(label, style, range(1, len(values) + 1), values)


def _thinning(pair: Twins, what: str) -> str:
    fits = len(pair.reference.losses) <= MOST
    return "" if fits else f" Each point is {what}."


def _rows(name: str) -> list[dict[str, str]]:
    text = files("parity").joinpath(f"reference/{name}").read_text()
    return list(csv.DictReader(text.splitlines()))


def published_losses(steps: int) -> Line:
    """The losses that the tutorial's page prints, within so many steps.

    Example:
        >>> line = published_losses(200)
        >>> line.x, line.y
        ([0, 100], [2.29873, 2.289123])
    """
    points = [
        (
            (int(row["epoch"]) - 1) * EPOCH + int(row["samples"]) // BATCH - 1,
            float(row["loss"]),
        )
        for row in _rows("tutorial_log.csv")
    ]
    held = [point for point in points if point[0] < steps]
    x, y = [point[0] for point in held], [point[1] for point in held]
    return Line("published", "published", x, y, dots=True)


def published_accuracies(epochs: int) -> Line:
    """The accuracies that the tutorial's page prints."""
    values = [float(row["accuracy_percent"]) for row in _rows("tutorial_test.csv")]
    held = values[:epochs]
    return Line("published", "published", range(1, len(held) + 1), held, dots=True)


COLUMNS = 2
TITLE = 24
"""Height of the line above a plot."""
FLUID = "svg { width: 100%; height: auto; display: block; }"
"""What a page says of its plots, and would move them here."""


def save(path: Path, verdicts: Sequence[Verdict]) -> None:
    """Write the plots of the last whole run that was judged.

    Raises:
        ConfigError: there was none.
        OSError: the file cannot be written.
    """
    pairs = [verdict.twins for verdict in verdicts if verdict.twins is not None]
    if not pairs:
        raise ConfigError(
            f"--picture {path}: nothing was drawn; fashion, pairs and noise have runs"
        )
    write_text(path, picture(pairs[-1]))


def picture(pair: Twins) -> str:
    """One SVG, with the style that a page would give it."""
    plots = [svg for _, svg in curves.plots(pair)]
    width, height = COLUMNS * WIDTH, -(-len(plots) // COLUMNS) * (TITLE + HEIGHT)
    placed = [
        _placed(plot, WIDTH * (n % COLUMNS), (TITLE + HEIGHT) * (n // COLUMNS))
        for n, plot in enumerate(plots)
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}">'
        f"<style>{STYLE.replace(FLUID, '')}"
        "text { font-family: system-ui, sans-serif; }</style>"
        f'<rect width="100%" height="100%" fill="var(--card)"/>'
        f"{chr(10).join(placed)}</svg>\n"
    )


def _placed(plot: str, x: int, y: int) -> str:
    """A plot in its place, its title above it."""
    title = plot.split('aria-label="', 1)[1].partition('"')[0]
    place = f'<svg x="{x}" y="{y + TITLE}" width="{WIDTH}" height="{HEIGHT}" '
    text = f'<text x="{x + LEFT}" y="{y + TITLE - 4}" font-weight="600">{title}</text>'
    return text + plot.replace("<svg ", place, 1)
