"""Pictures of a run: each function takes a `RunRecord` and returns a matplotlib figure.

matplotlib, from the extra `plots`, is imported when the first is drawn, and without its
global state: neither a display nor the caller's own figures are touched.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from jaxtrain.show.pictures import answers, curves, insides
from jaxtrain.store.run_folder import RunRecord

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Picture(NamedTuple):
    """One picture of a run."""

    title: str
    caption: str
    draw: "Callable[[RunRecord], Figure]"
    can: Callable[[RunRecord], bool]
    """Whether a run holds what it shows."""


class Comparison(NamedTuple):
    """One picture of several runs."""

    title: str
    caption: str
    draw: "Callable[[Sequence[RunRecord]], Figure]"


def _has_steps(record: RunRecord) -> bool:
    return len(record.steps) > 0


def _has_epochs(record: RunRecord) -> bool:
    return len(record.epochs) > 0


def _has_samples(record: RunRecord) -> bool:
    return len(record.samples) > 0


def _has_rectifiers(record: RunRecord) -> bool:
    return any(sample.dead for sample in record.samples)


def _has_answers(record: RunRecord) -> bool:
    return record.predictions is not None


def _has_mistakes(record: RunRecord) -> bool:
    return (
        record.predictions is not None and len(record.predictions.mistake_indices) > 0
    )


PICTURES = {
    "losses": Picture(
        "Loss",
        "Of each batch before its update, and of the tests after the epochs.",
        curves.losses,
        _has_steps,
    ),
    "accuracy": Picture("Accuracy", "After each epoch.", curves.accuracy, _has_epochs),
    "rates": Picture("Learning rate", "At each step.", curves.rates, _has_steps),
    "gradient_norms": Picture(
        "Gradients",
        "Euclidean norm of each parameter's gradient; biases are dashed, and zeros "
        "have no place on a log scale.",
        insides.gradient_norms,
        _has_samples,
    ),
    "update_ratios": Picture(
        "Updates",
        "How far a step moves each parameter, as a part of its size. About a "
        "thousandth is usual.",
        insides.update_ratios,
        _has_samples,
    ),
    "dead_units": Picture(
        "Dead units",
        "Units of each ReLU that are zero for a whole batch.",
        insides.dead_units,
        _has_rectifiers,
    ),
    "confusion": Picture(
        "Confusion",
        "Test images of each class (rows) by what they were named (columns).",
        answers.confusion,
        _has_answers,
    ),
    "class_accuracy": Picture(
        "Accuracy by class", "Of the test images.", answers.class_accuracy, _has_answers
    ),
    "sample_predictions": Picture(
        "First test images",
        "What each was named and with which probability; red where that is wrong.",
        answers.sample_predictions,
        _has_answers,
    ),
    "worst_mistakes": Picture(
        "Worst mistakes",
        "The test images with the largest loss: what each was named, what it is, and "
        "the probabilities of both.",
        answers.worst_mistakes,
        _has_mistakes,
    ),
}
"""Of one run, by the names of their functions."""

COMPARISONS = {
    "loss_curves": Comparison(
        "Losses",
        "Training loss, each point the mean of a fiftieth of the run's steps.",
        curves.loss_curves,
    ),
    "accuracies": Comparison("Accuracy", "After each epoch.", curves.accuracies),
    "rate_curves": Comparison("Learning rates", "At each step.", curves.rate_curves),
}
"""Of several runs."""
