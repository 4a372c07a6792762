"""What all pictures share: their look, and numbers and texts that can be drawn."""

import io
import warnings
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from jaxtrain.errors import ConfigError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


INK, DIM, RULE, PALE = "#1d2129", "#5b6472", "#dcdfe4", "#a9cbe3"
# Told apart by those who see red and green alike (Okabe and Ito, 2008).
BLUE, ORANGE, GREEN, RED, PURPLE, SKY = (
    "#0072b2",
    "#e69f00",
    "#00684a",
    "#b3261e",
    "#8a5a94",
    "#56b4e9",
)
SERIES = (BLUE, ORANGE, "#009e73", "#d55e00", PURPLE, SKY, DIM, "#b8a100")

WIDTH = 5.8
"""Inches: text is then as large as it is on the page."""
MOST_POINTS = 4000
GREATEST = 1e300
"""Beyond it, matplotlib's own arithmetic overflows."""


def figure(
    height: float = 3.1, layout: Literal["constrained"] | None = "constrained"
) -> "Figure":
    """An empty figure of the page's width; its height is in inches.

    Raises:
        ConfigError: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"pictures need {error.name}, which is not installed: "
            "pip install 'jaxtrain[plots]'"
        ) from None
    return Figure(figsize=(WIDTH, height), layout=layout, facecolor="white")


def dress(ax: "Axes", x_label: str, y_label: str) -> None:
    """Give axes the common look."""
    ax.set_xlabel(x_label, color=DIM, fontsize=9)
    ax.set_ylabel(y_label, color=DIM, fontsize=9)
    ax.tick_params(which="both", colors=DIM, labelsize=8, length=0)
    ax.grid(color=RULE, linewidth=0.7)
    ax.set_axisbelow(True)
    ax.margins(x=0.01)
    for side in ax.spines.values():
        side.set_visible(False)


def whole_numbers(ax: "Axes") -> None:
    """Have the x axis count."""
    from matplotlib.ticker import MaxNLocator

    ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))


def legend(ax: "Axes") -> None:
    """A legend, if there is anything to tell apart."""
    if len(ax.get_legend_handles_labels()[0]) > 1:
        ax.legend(frameon=False, fontsize=8, labelcolor=INK)


def log_if_wide(ax: "Axes", values: np.ndarray) -> None:
    """A log axis for positive values of very different size."""
    finite = values[np.isfinite(values)]
    if finite.size and finite.min() > 0 and finite.max() > 100 * finite.min():
        ax.set_yscale("log")


def plain(text: str, most: int = 60) -> str:
    r"""A text that matplotlib draws as it is: no formula, nothing that has no glyph.

    Example:
        >>> plain("a$b$"), plain("_x"), plain("two\nlines"), plain("abcdef", most=4)
        ('a\\$b\\$', ' _x', 'two?lines', 'abc…')
    """
    text = "".join(letter if letter.isprintable() else "?" for letter in text)
    if len(text) > most:
        text = text[: most - 1] + "…"
    # A label that begins with an underscore is left out of a legend.
    return ("" if text[:1] != "_" else " ") + text.replace("$", r"\$")


def drawable(values: Any) -> np.ndarray:
    """Values with NaN, which is not drawn, for what matplotlib cannot place."""
    array = np.asarray(values, float)
    with np.errstate(invalid="ignore"):
        return np.where(np.abs(array) < GREATEST, array, np.nan)


def thinned(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """At most `MOST_POINTS`: of neighbours, the lowest and the highest remain.

    Example:
        >>> numbers = np.arange(8000.0)
        >>> x, y = thinned(numbers, numbers)
        >>> len(x), float(y[0]), float(y[-1])
        (4000, 0.0, 7999.0)
    """
    if len(x) <= MOST_POINTS:
        return x, y
    parts = np.array_split(np.arange(len(x)), MOST_POINTS // 2)
    ends = (np.nan_to_num(y, nan=-np.inf), np.nan_to_num(y, nan=np.inf))
    chosen = [
        sorted((part[ends[1][part].argmin()], part[ends[0][part].argmax()]))
        for part in parts
    ]
    index = np.array(chosen).ravel()
    return x[index], y[index]


def running_mean(values: np.ndarray, window: int) -> np.ndarray:
    """Mean of the last `window` values at each place, of those that are finite.

    Example:
        >>> running_mean(np.array([4.0, 2.0, np.nan, 3.0]), 2).tolist()
        [4.0, 3.0, 2.0, 3.0]
    """
    finite = np.isfinite(values)
    sums = np.cumsum(np.where(finite, values, 0.0))
    counts = np.cumsum(finite)
    for array in (sums, counts):
        array[window:] = array[window:] - array[:-window].copy()
    with np.errstate(invalid="ignore"):
        return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


def png(drawn: "Figure", dpi: int = 144) -> bytes:
    """A figure as a PNG file."""
    image = io.BytesIO()
    with warnings.catch_warnings():
        # A letter that the font lacks is drawn as a box.
        warnings.filterwarnings("ignore", message="Glyph", category=UserWarning)
        drawn.savefig(image, format="png", dpi=dpi)
    return image.getvalue()
