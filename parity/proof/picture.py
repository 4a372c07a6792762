"""The plots of one run as a picture, for where a page is too much."""

from collections.abc import Sequence
from pathlib import Path

from jaxtrain import atomic
from jaxtrain.registry import ConfigError
from parity.proof import curves
from parity.proof.page import STYLE
from parity.proof.plot import HEIGHT, LEFT, WIDTH
from parity.proof.verdict import Twins, Verdict

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
    atomic.write_text(path, picture(pairs[-1]))


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
