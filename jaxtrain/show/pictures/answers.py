"""What the trained network answers."""

from typing import TYPE_CHECKING, Any

import numpy as np

from jaxtrain.show.charts import (
    BLUE,
    DIM,
    GREEN,
    INK,
    RED,
    dress,
    figure,
    plain,
)
from jaxtrain.store.run_folder import Predictions, RunRecord

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


COLUMNS = 5
ROW, TITLE = 1.45, 0.28
"""Heights of a row of pictures and of what is said above it, in inches."""
LETTERS = 15
"""Of a class name beside a small picture."""


def _answers(record: RunRecord) -> Predictions:
    if record.predictions is None:
        raise ValueError(f"{record.path} holds no predictions")
    return record.predictions


def confusion_matrix(predictions: Predictions) -> np.ndarray:
    """How many images of each class (rows) were named as each (columns)."""
    count = len(predictions.classes)
    matrix = np.zeros((count, count), int)
    np.add.at(matrix, (predictions.labels, predictions.predicted), 1)
    return matrix


def confusion(record: RunRecord) -> "Figure":
    """The confusion matrix; colours are shares of the images of a class.

    Raises:
        ValueError: the run holds no predictions; so for every picture of answers.
    """
    answers = _answers(record)
    matrix = confusion_matrix(answers)
    shares = matrix / np.maximum(matrix.sum(1, keepdims=True), 1)
    fig = figure(height=_height(answers))
    ax = fig.subplots()
    ax.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    names = [plain(name, LETTERS) for name in answers.classes]
    ax.set_xticks(range(len(names)), names, rotation=45, ha="right")
    ax.set_yticks(range(len(names)), names)
    for (row, column), number in np.ndenumerate(matrix):
        if number:
            color = "white" if shares[row, column] > 0.5 else INK
            style: dict[str, Any] = {
                "ha": "center",
                "va": "center",
                "fontsize": 7,
                "color": color,
            }
            ax.text(column, row, f"{number}", style)
    dress(ax, "named", "is")
    ax.grid(visible=False)
    return fig


def class_accuracy(record: RunRecord) -> "Figure":
    """Share of each class's images that are named right, in percent."""
    answers = _answers(record)
    matrix = confusion_matrix(answers)
    totals = matrix.sum(1)
    shares = 100 * matrix.diagonal() / np.maximum(totals, 1)
    fig = figure(height=_height(answers))
    ax = fig.subplots()
    places = np.arange(len(shares))
    ax.barh(places, shares, color=BLUE, height=0.62)
    for place, (share, total) in enumerate(zip(shares, totals, strict=True)):
        text = f"{share:.1f}" if total else "no images"
        ax.text(share + 1, place, text, va="center", fontsize=8, color=DIM)
    ax.set_yticks(places, [plain(name, LETTERS) for name in answers.classes])
    ax.invert_yaxis()
    dress(ax, "named right, %", "")
    ax.grid(axis="y", visible=False)
    ax.set_xlim(0, 110)
    return fig


def _height(answers: Predictions) -> float:
    """Of a picture with a row for each class."""
    return 1.4 + 0.34 * len(answers.classes)


def sample_predictions(record: RunRecord) -> "Figure":
    """The first test images: what each was named, and what it is if that is wrong."""
    answers = _answers(record)
    return _images(answers, answers.sample_images, answers.sample_indices)


def worst_mistakes(record: RunRecord) -> "Figure":
    """The wrongly named images with the largest loss, and the probabilities given."""
    answers = _answers(record)
    return _images(answers, answers.mistake_images, answers.mistake_indices)


def _images(answers: Predictions, images: np.ndarray, indices: np.ndarray) -> "Figure":
    rows = -(-len(images) // COLUMNS) or 1
    # Placed by hand: a layout that is solved for takes seconds with so many axes.
    fig = figure(height=ROW * rows, layout=None)
    places = {
        **{"left": 0.01, "right": 0.99, "bottom": 0.0, "top": 1 - TITLE / ROW / rows},
        **{"wspace": 0.04, "hspace": TITLE / (ROW - TITLE)},
    }
    grid = fig.subplots(rows, COLUMNS, squeeze=False, gridspec_kw=places)
    axes = grid.ravel()
    for ax in axes:
        ax.set_axis_off()
    for ax, image, index in zip(axes, images, indices, strict=False):
        ax.imshow(image, cmap="gray_r", vmin=0, vmax=255)
        _caption(ax, answers, int(index))
    return fig


def _caption(ax: "Axes", answers: Predictions, index: int) -> None:
    guess, label = int(answers.predicted[index]), int(answers.labels[index])
    right = guess == label
    lines = [_with_share(answers, index, guess)]
    if not right:
        lines.append(f"is {_with_share(answers, index, label)}")
    color = GREEN if right else RED
    ax.set_title("\n".join(lines), fontsize=7, color=color, pad=3)


def _with_share(answers: Predictions, index: int, label: int) -> str:
    name = plain(answers.classes[label], LETTERS)
    return f"{name} {answers.probabilities[index, label]:.0%}"
