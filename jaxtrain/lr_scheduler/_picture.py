"""A schedule as a line of text, or as a plot."""

import io
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxtrain.atomic import write_bytes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BLOCKS = "▁▂▃▄▅▆▇█"
PLAIN = "_.-=+*%#"
WIDTH = 60


def sparkline(values: Sequence[float], levels: str = BLOCKS, width: int = WIDTH) -> str:
    """A line of characters whose heights run from the lowest value to the highest.

    Of the values that share a column the one furthest from the middle is shown, so that
    no peak is lost; `?` stands for what is not finite.

    Args:
        values: at least one.
        levels: the characters, from low to high.
        width: columns at most.

    Example:
        >>> sparkline([0.0, 1.0, 2.0, 3.0, 0.0], levels="_-^")
        '_-^^_'
    """
    finite = [value for value in values if math.isfinite(value)]
    low, high = min(finite, default=0.0), max(finite, default=0.0)
    width = min(width, len(values))
    edges = np.arange(1, width) * len(values) // width
    columns = np.split(np.asarray(values), edges)
    return "".join(
        _level(_extreme(c, (low + high) / 2), low, high, levels) for c in columns
    )


def _extreme(column: np.ndarray, middle: float) -> float:
    low, high = float(column.min()), float(column.max())
    return low if middle - low > high - middle else high


def _level(value: float, low: float, high: float, levels: str) -> str:
    if not math.isfinite(value):
        return "?"
    share = (value - low) / (high - low) if high > low else 0.5
    return levels[min(int(share * len(levels)), len(levels) - 1)]


def summary(values: Sequence[float]) -> str:
    """The first, highest and last value, and at which steps they are.

    Example:
        >>> summary([0.5, 2.0, 0.1])
        '0.5 at step 0, highest 2 at step 1, 0.1 at step 2'
    """
    top, last = int(np.argmax(values)), len(values) - 1
    return (
        f"{values[0]:g} at step 0, highest {values[top]:g} at step {top}, "
        f"{values[last]:g} at step {last}"
    )


def plot(tables: Mapping[str, np.ndarray], title: str, path: str) -> None:
    """Draw each quantity over the steps; the suffix of `path` tells the format.

    Args:
        tables: name -> values, (steps, groups).
        title: above the picture.
        path: file to write, whole or not at all.

    Raises:
        ImportError: matplotlib is not installed.
        ValueError: matplotlib knows no format of that suffix.
        OSError: the file cannot be written.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 1 + 2.6 * len(tables)), layout="constrained")
    axes = figure.subplots(len(tables), sharex=True, squeeze=False)[:, 0]
    for ax, (name, values) in zip(axes, tables.items(), strict=True):
        _curves(ax, name, values)
    axes[-1].set_xlabel("step")
    figure.suptitle(title, fontsize=9, wrap=True)
    image = io.BytesIO()
    figure.savefig(image, format=Path(path).suffix[1:] or "png", dpi=120)
    write_bytes(path, image.getbuffer())


def _curves(ax: "Axes", name: str, values: np.ndarray) -> None:
    # Beyond that, matplotlib's own arithmetic overflows.
    shown: Any = np.where(np.abs(values) < 1e300, values, np.nan)
    for index, column in enumerate(shown.T):
        label = f"group {index}" if values.shape[1] > 1 else None
        # A schedule stands still between two steps.
        ax.plot(column, label=label, drawstyle="steps-post", linewidth=1.2)
    if values.shape[1] > 1:
        ax.legend(frameon=False, fontsize=8)
    ax.set_ylabel(name)
    ax.grid(alpha=0.3)
    ax.margins(x=0.01)
