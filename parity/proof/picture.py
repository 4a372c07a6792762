"""The plots of one run as a picture, for where a page is too much."""

from collections.abc import Sequence
from pathlib import Path

from jaxtrain import atomic
from jaxtrain.registry import ConfigError
from parity.proof import curves
from parity.proof.page import STYLE
from parity.proof.plot import HEIGHT, WIDTH
from parity.proof.verdict import Twins, Verdict

COLUMNS = 2


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
    width, height = COLUMNS * WIDTH, -(-len(plots) // COLUMNS) * HEIGHT
    placed = [
        plot.replace("<svg ", f'<svg x="{x}" y="{y}" width="{WIDTH}" ', 1)
        for plot, (x, y) in zip(plots, _places(len(plots)), strict=True)
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}">'
        f"<style>{STYLE} text {{ font-family: system-ui, sans-serif; }} "
        "svg svg { width: auto; }</style>"
        f'<rect width="100%" height="100%" fill="var(--card)"/>'
        f"{chr(10).join(placed)}</svg>\n"
    )


def _places(count: int) -> list[tuple[int, int]]:
    return [(WIDTH * (n % COLUMNS), HEIGHT * (n // COLUMNS)) for n in range(count)]
