"""Images as the network sees them, beside what it makes of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from jaxtrain.pictures import png
from jaxtrain.pictures._style import BLUE, DIM, INK, PALE, figure, plain
from jaxtrain.predict._answers import Answer

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_DRAWN = 50
ROW = 1.75
"""Height of an image with its bars, in inches."""
LETTERS = 70


def picture(answers: Sequence[Answer]) -> bytes:
    """A PNG file with a row for each of the first `MOST_DRAWN` answers.

    Raises:
        ConfigError: matplotlib is not installed.
    """
    return png(drawing(answers))


def drawing(answers: Sequence[Answer]) -> Figure:
    """The same as a figure."""
    drawn = answers[:MOST_DRAWN]
    # Placed by hand: a layout that is solved for takes seconds with so many axes.
    whole = figure(height=ROW * len(drawn), layout=None)
    room = ROW * len(drawn)
    places = {
        **{"left": 0.02, "right": 0.96, "wspace": 0.55, "hspace": 0.32},
        **{"bottom": 0.12 / room, "top": 1 - 0.3 / room, "width_ratios": [1, 2.2]},
    }
    grid = whole.subplots(len(drawn), 2, squeeze=False, gridspec_kw=places)
    for (left, right), answer in zip(grid, drawn, strict=True):
        _image(left, answer)
        _bars(right, answer)
    return whole


def _image(ax: Axes, answer: Answer) -> None:
    ax.set_axis_off()
    ax.imshow(answer.brought.pixels, cmap="gray", vmin=0, vmax=255)
    title = f"{plain(answer.file, LETTERS)} ({answer.brought.told})"
    ax.set_title(title, loc="left", fontsize=7, color=INK, pad=4)


def _bars(ax: Axes, answer: Answer) -> None:
    values = answer.probabilities
    colours = [BLUE if i == answer.ranked[0] else PALE for i in range(len(values))]
    places = range(len(values))
    ax.barh(places, values, color=colours, height=0.7)
    ax.set_yticks(places, [plain(name, 15) for name in answer.classes])
    for place, value in enumerate(values):
        if value >= 0.005:
            ax.text(value + 0.01, place, f"{value:.0%}", {"va": "center", "size": 6})
    ax.tick_params(colors=DIM, labelsize=6, length=0)
    ax.invert_yaxis()
    ax.set_xlim(0, 1.1)
    ax.set_xticks([])
    for side in ax.spines.values():
        side.set_visible(False)
