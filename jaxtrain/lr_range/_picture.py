"""A range test as a picture."""

import io
from pathlib import Path

import numpy as np

from jaxtrain.atomic import write_bytes
from jaxtrain.lr_range._range_test import RangeTest


def plot(test: RangeTest, title: str, path: str) -> None:
    """Draw the losses over the rates; the suffix of `path` tells the format.

    Args:
        test: what to draw.
        title: above the picture.
        path: file to write, whole or not at all.

    Raises:
        ImportError: matplotlib is not installed.
        ValueError: matplotlib knows no format of that suffix.
        OSError: the file cannot be written.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.5), layout="constrained")
    ax = figure.subplots()
    ax.plot(test.lrs, test.losses, color="tab:blue", alpha=0.3, label="each batch")
    ax.plot(test.lrs, test.smoothed, color="tab:blue", label="smoothed")
    if test.suggestion is not None:
        label = f"steepest fall: {test.suggestion:.2g}"
        ax.axvline(test.suggestion, color="tab:red", linestyle="--", label=label)
    ax.set_xscale("log")
    ax.set_ylim(*_limits(test.smoothed))
    ax.set_xlabel("learning rate")
    ax.set_ylabel("loss")
    ax.set_title(title, fontsize=9, wrap=True)
    ax.grid(alpha=0.3)
    ax.legend(frameon=False)
    image = io.BytesIO()
    figure.savefig(image, format=Path(path).suffix[1:] or "png", dpi=120)
    write_bytes(path, image.getbuffer())


def _limits(smoothed: np.ndarray) -> tuple[float, float]:
    """Of the loss: the blow-up would press everything before it flat."""
    finite = smoothed[np.isfinite(smoothed)]
    first, low = (finite[0], finite.min()) if finite.size else (1.0, 0.0)
    span = max(first - low, 0.1 * abs(first), 1e-12)
    return low - 0.4 * span, first + 0.5 * span
