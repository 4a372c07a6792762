"""Charts: their common look, numbers and texts that can be drawn, and their files.

matplotlib, from the extra `plots`, is imported when the first is drawn, and without its
global state: neither a display nor the caller's own figures are touched.
"""

import io
import re
import warnings
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from jaxtrain import files
from jaxtrain.errors import ConfigError, check_package

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


# Told apart by those who see red and green alike (Okabe and Ito, 2008).
COLORS: Mapping[str, tuple[str, str]] = {
    "ink": ("#1d2129", "#e6e8ec"),
    "dim": ("#5b6472", "#9aa3b1"),
    "page": ("#fbfbf9", "#14171c"),
    "rule": ("#dcdfe4", "#343a44"),
    "card": ("#ffffff", "#1b1f26"),
    "good": ("#00684a", "#5fd3a6"),
    "bad": ("#b3261e", "#ff8a80"),
    "blue": ("#0072b2", "#67b7ea"),
    "pale": ("#a9cbe3", "#35586f"),
    "orange": ("#e69f00", "#f0b440"),
    "purple": ("#8a5a94", "#d3a4dd"),
}
"""On a light page and on a dark one, by the names that a page's style gives them."""
_LIGHT = {name: light for name, (light, _) in COLORS.items()}
INK, DIM, RULE, PALE = (_LIGHT[name] for name in ("ink", "dim", "rule", "pale"))
BLUE, ORANGE, PURPLE = (_LIGHT[name] for name in ("blue", "orange", "purple"))
GREEN, RED = _LIGHT["good"], _LIGHT["bad"]
SERIES = (BLUE, ORANGE, "#009e73", "#d55e00", PURPLE, "#56b4e9", DIM, "#b8a100")

WIDTH = 5.8
"""Inches: text is then as large as it is on the page."""
MOST_POINTS = 4000
GREATEST = 1e300
"""Beyond it, and on a log axis beyond its inverse, matplotlib's arithmetic fails."""
SVG = "http://www.w3.org/2000/svg"
FORMATS = ("eps", "jpg", "pdf", "png", "svg", "webp")


def check_picture(flag: str, path: Path | None = None) -> None:
    """Refuse before the work what could not be drawn after it.

    Args:
        flag: the option that asks for a picture.
        path: the file it is to be, whose suffix tells the format.

    Raises:
        ConfigError: matplotlib is not installed, or writes no such files.
    """
    check_package("matplotlib", flag, "plots")
    if path is not None and path.suffix[1:] not in FORMATS:
        names = ", ".join(FORMATS)
        raise ConfigError(f"{flag} {path} must end in a format's name: {names}")


def figure(
    height: float = 3.1,
    width: float = WIDTH,
    layout: Literal["constrained"] | None = "constrained",
) -> "Figure":
    """An empty figure; its sizes are in inches.

    Raises:
        ConfigError: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError:
        check_package("matplotlib", "a picture", "plots")
        raise
    return Figure(figsize=(width, height), layout=layout, facecolor=_LIGHT["card"])


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


def legend_above(ax: "Axes") -> None:
    """A legend in a line above the chart, where it hides nothing."""
    ax.legend(
        frameon=False,
        fontsize=8,
        labelcolor=DIM,
        ncols=len(ax.get_legend_handles_labels()[0]),
        loc="lower left",
        bbox_to_anchor=(0.0, 1.0),
        borderaxespad=0.0,
        columnspacing=1.4,
    )


def log_axis(ax: "Axes") -> None:
    """A log axis of whole powers of ten, for what has been drawn."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    ax.set_yscale("log")
    low, high = np.log10(ax.get_ylim())
    ax.set_ylim(10.0 ** np.floor(low), 10.0 ** max(np.ceil(high), np.floor(low) + 1))
    ax.yaxis.set_major_locator(LogLocator(numticks=7))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0e}"))
    ax.yaxis.set_minor_formatter(NullFormatter())


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


def thin(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """At most `MOST_POINTS`: of neighbours, the lowest and the highest remain.

    Example:
        >>> numbers = np.arange(8000.0)
        >>> x, y = thin(numbers, numbers)
        >>> len(x), float(y[0]), float(y[-1])
        (4000, 0.0, 7999.0)
    """
    if len(x) <= MOST_POINTS:
        return x, y
    parts = np.array_split(np.arange(len(x)), MOST_POINTS // 2)
    ends = (np.nan_to_num(y, nan=-np.inf), np.nan_to_num(y, nan=np.inf))
    pairs = [
        sorted((part[ends[1][part].argmin()], part[ends[0][part].argmax()]))
        for part in parts
    ]
    index = np.array(pairs).ravel()
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


def png(fig: "Figure") -> bytes:
    """A figure as a PNG file, on white."""
    return _file(fig, "png", {})


def svg(drawn: "Figure", title: str) -> str:
    """A figure as a part of a page, in the page's font and colours (`variables`).

    The same figure gives the same text: it holds no date and no random name.
    """
    text = _file(drawn, "svg", dict.fromkeys(("Date", "Creator", "Format", "Type")))
    (size,) = re.findall(r'<svg[^>]* (viewBox="[^"]*")', text.decode())
    _, _, content = text.decode().partition("<svg")[2].partition(">")
    # Names of groups, which nothing refers to and two charts would share.
    content = re.sub(r' id="[A-Za-z.\d]+_\d+"', "", content)
    content = re.sub(r" font-family: [^;\"]*;?", "", content)
    content = content.replace("xlink:href", "href")
    # A path is a line, and not a line for each of its points.
    content = re.sub(r" ?\n(?=[LMCQz])", " ", content)
    for name, (light, _) in COLORS.items():
        content = content.replace(light, f"var(--{name}, {light})")
    label = escape(title)
    return (
        f'<svg xmlns="{SVG}" {size} role="img" aria-label="{label}">'
        f"<title>{label}</title>{content.rstrip()}"
    )


def variables(dark: bool = True) -> str:
    """The colours as a style sheet that follows a reader's scheme, or is light."""
    names = [
        "".join(f"--{name}: {both[scheme]}; " for name, both in COLORS.items()).strip()
        for scheme in (0, 1)
    ]
    if not dark:
        return f":root {{ color-scheme: light; {names[0]} }}"
    return (
        f":root {{ color-scheme: light dark; {names[0]} }}\n"
        f"@media (prefers-color-scheme: dark) {{ :root {{ {names[1]} }} }}"
    )


def save(drawn: "Figure", title: str, path: Path, flag: str) -> None:
    """Write a figure, whole or not at all; the suffix of `path` tells the format.

    Raises:
        ConfigError: `check_picture` refuses it, or it cannot be written; the message
            begins with `flag`.
    """
    check_picture(flag, path)
    kind = path.suffix[1:]
    data = _alone(svg(drawn, title)) if kind == "svg" else _file(drawn, kind, {})
    try:
        files.write_bytes(path, data)
    except OSError as error:
        raise ConfigError(f"{flag} {path}: {error.strerror or error}") from error


def _alone(chart: str) -> bytes:
    """A chart as a file of its own, which brings the page's font and colours."""
    look = f"{variables()}\ntext {{ font-family: system-ui, sans-serif; }}"
    return chart.replace("<title>", f"<style>{look}</style><title>", 1).encode()


def _file(drawn: "Figure", kind: str, metadata: Mapping[str, Any]) -> bytes:
    from matplotlib import rc_context

    image = io.BytesIO()
    # Text stays text; names are drawn from their content and not at random.
    look = {"svg.fonttype": "none", "svg.hashsalt": "jaxtrain"}
    with rc_context(look), warnings.catch_warnings():
        # A letter that the font lacks is drawn as a box.
        warnings.filterwarnings("ignore", message="Glyph", category=UserWarning)
        drawn.savefig(image, format=kind, dpi=144, metadata={**metadata} or None)
    return image.getvalue()
