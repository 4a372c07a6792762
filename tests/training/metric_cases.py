"""Metrics by their definitions, on batches small enough to count by hand.

All are over all samples seen, not means of the batches' means ("micro" averages). The
definitions are those that torchmetrics documents: accuracy is the share of samples
whose target has the largest score, and with k the share of those whose target is among
the k largest; a confusion matrix counts the true class down and the predicted one
across; perplexity is exp of the mean negative log-likelihood of the tokens that count.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any


@dataclass(frozen=True)
class MetricCase:
    """A metric over batches, and what it comes to after the last of them."""

    name: str
    batches: tuple[tuple[Any, Any], ...]
    """(outputs, targets) as nested lists; classes are the second dimension, but the
    last one for perplexity: (batch, tokens, words)."""
    expected: Any
    """A number, exact where it can be, or rows of a matrix."""
    args: Mapping[str, Any] = field(default_factory=dict)
    tie: bool = False
    """Whether scores tie where it counts: expected is then what comes of taking the
    lower class first, which no definition promises."""
    note: str = ""


def likelihoods(*weights: float) -> list[float]:
    """Scores whose softmax is in proportion to the weights."""
    return [math.log(weight) for weight in weights]


# Class 2, class 0, class 1, class 0 have the largest score; second are 1, 2, 0, 1.
FOUR = [[0.1, 0.3, 0.6], [5.0, -1.0, 2.0], [0.0, 3.0, -7.0], [-1.0, -2.0, -3.0]]
# Two samples: class 1 and class 2 win; second are 2 and 1.
TWO = [[-4.0, 9.0, 0.5], [1.0, 1.5, 1.75]]
ONE = [[0.0, 0.0, 1.0]]
TIED = [[1.0, 1.0, 0.0], [0.0, 2.0, 2.0], [3.0, 3.0, 3.0]]
# (samples, classes, places): the winners are [[1, 0], [0, 1]].
PLACES = [[[0.0, 2.0], [1.0, 1.0]], [[5.0, -3.0], [4.0, -2.0]]]

ACCURACY = (
    MetricCase("accuracy", ((FOUR, [2, 0, 1, 0]),), 1),
    MetricCase("accuracy", ((FOUR, [0, 1, 2, 1]),), 0),
    MetricCase("accuracy", ((FOUR, [2, 0, 0, 1]),), Fraction(1, 2)),
    MetricCase("accuracy", ((ONE, [2]),), 1),
    MetricCase(
        "accuracy",
        ((FOUR, [2, 0, 0, 0]), (TWO, [0, 1])),
        Fraction(3, 6),
        note="the mean of the batches' means would be 3/8",
    ),
    MetricCase(
        "accuracy",
        ((FOUR, [2, 0, 0, 0]), (TWO, [1, 2]), (ONE, [0])),
        Fraction(5, 7),
        note="batches of 4, 2 and 1",
    ),
    MetricCase("accuracy", ((PLACES, [[1, 0], [1, 1]]),), Fraction(3, 4)),
    MetricCase(
        "accuracy",
        (([[-math.inf, 0.0, 1e30]], [2]), ([[1e-30, 0.0, -1e30]], [0])),
        1,
        note="scores of any size",
    ),
    MetricCase("accuracy", ((TIED, [0, 1, 0]),), 1, tie=True),
    MetricCase("accuracy", ((TIED, [1, 2, 2]),), 0, tie=True),
)

TOP_K = (
    MetricCase("top_k_accuracy", ((FOUR, [2, 0, 0, 1]),), Fraction(1, 2), {"k": 1}),
    MetricCase("top_k_accuracy", ((FOUR, [2, 0, 0, 1]),), 1, {"k": 2}),
    MetricCase("top_k_accuracy", ((FOUR, [0, 1, 2, 2]),), 0, {"k": 2}),
    MetricCase("top_k_accuracy", ((FOUR, [0, 2, 2, 1]),), Fraction(1, 2), {"k": 2}),
    MetricCase("top_k_accuracy", ((FOUR, [0, 1, 2, 2]),), 1, {"k": 3}),
    MetricCase(
        "top_k_accuracy",
        ((FOUR, [0, 2, 2, 1]), (TWO, [2, 1]), (ONE, [2])),
        Fraction(5, 7),
        {"k": 2},
        note="the mean of the batches' means would be 5/6",
    ),
    MetricCase(
        "top_k_accuracy",
        (([[6.0, 5.0, 4.0, 3.0, 2.0, 1.0]] * 6, [0, 1, 2, 3, 4, 5]),),
        Fraction(5, 6),
        {"k": 5},
    ),
    MetricCase("top_k_accuracy", ((TIED, [1, 2, 2]),), Fraction(2, 3), {"k": 2}, True),
    MetricCase("top_k_accuracy", ((TIED, [2, 0, 1]),), Fraction(1, 3), {"k": 2}, True),
    MetricCase(
        "top_k_accuracy",
        (([[0.0, 1.0, 1.0, 2.0]], [2]),),
        0,
        {"k": 2},
        True,
        "the tie is for the last place, which PyTorch gives to the higher class",
    ),
)

ABSOLUTE_ERROR = (
    MetricCase(
        "mean_absolute_error", (([2.5, 0.0, 2.0, 8.0], [3.0, -0.5, 2.0, 7.0]),), 0.5
    ),
    MetricCase("mean_absolute_error", (([1.0], [1.0]),), 0),
    MetricCase(
        "mean_absolute_error",
        (([[1.0, -2.0], [0.5, 4.0]], [[0.0, 2.0], [0.5, 1.0]]),),
        2,
    ),
    MetricCase(
        "mean_absolute_error",
        (([0.0, 0.0, 0.0], [1.0, -1.0, 1.0]), ([0.0], [5.0])),
        2,
        note="the mean of the batches' means would be 3",
    ),
    MetricCase(
        "mean_absolute_error",
        (
            ([[1.0, 2.0]], [[0.0, 0.0]]),
            ([[3.0, 4.0], [5.0, 6.0]], [[3.0, 4.0], [5.0, 3.0]]),
        ),
        1,
        note="6 / 6: elements are counted, not samples",
    ),
    MetricCase(
        "mean_absolute_error",
        (([1e4, -1e4], [-1e4, 1e4]), ([0.25], [0.5])),
        Fraction(160001, 12),
    ),
)

HALVES = likelihoods(1, 1, 2)  # 1/4, 1/4, 1/2
EIGHTHS = likelihoods(1, 5, 2)  # 1/8, 5/8, 1/4
SURE = [0.0, -math.inf, -math.inf]
EVEN = [7.0, 7.0, 7.0]

PERPLEXITY = (
    MetricCase("perplexity", (([[HALVES, HALVES]], [[2, 2]]),), 2),
    MetricCase("perplexity", (([[HALVES, EIGHTHS]], [[2, 0]]),), 4),
    MetricCase("perplexity", (([[EVEN, EVEN], [EVEN, EVEN]], [[0, 1], [2, 2]]),), 3),
    MetricCase("perplexity", (([[SURE]], [[0]]),), 1),
    MetricCase("perplexity", (([[SURE]], [[1]]),), math.inf),
    MetricCase(
        "perplexity",
        (([[HALVES, HALVES, EIGHTHS]], [[2, 2, 0]]), ([[EIGHTHS]], [[0]])),
        4,
        note="tokens are counted: (2 · 2 · 8 · 8) to the power 1/4",
    ),
    MetricCase(
        "perplexity",
        (
            ([[HALVES, HALVES], [HALVES, HALVES]], [[2, 2], [2, 2]]),
            ([[EIGHTHS, EIGHTHS]], [[2, 2]]),
        ),
        2 ** (8 / 6),
        note="(2⁴ · 4²) to the power 1/6",
    ),
    MetricCase(
        "perplexity",
        (([[HALVES, EIGHTHS, EIGHTHS]], [[2, 0, -100]]),),
        4,
        {"ignore_index": -100},
    ),
    MetricCase(
        "perplexity",
        (([[HALVES, EIGHTHS], [EVEN, EIGHTHS]], [[2, 0], [1, 1]]),),
        4,
        {"ignore_index": 1},
        note="a class that exists may be ignored",
    ),
    MetricCase(
        "perplexity",
        (([[HALVES, EVEN]], [[2, 0]]), ([[EVEN, EVEN]], [[0, 0]])),
        2,
        {"ignore_index": 0},
        note="a batch that is all ignored counts for nothing",
    ),
    MetricCase(
        "perplexity",
        (([[SURE, HALVES]], [[1, 2]]),),
        2,
        {"ignore_index": 1},
        note="what is ignored is infinite",
    ),
    MetricCase(
        "perplexity",
        (([[[1e4, 0.0, 0.0], [90.0, 90.0, -1e4]]], [[0, 1]]),),
        math.sqrt(2),
        note="exp of the scores overflows",
    ),
)

CONFUSION = (
    MetricCase(
        "confusion_matrix",
        ((FOUR, [2, 0, 0, 1]),),
        [[1, 1, 0], [1, 0, 0], [0, 0, 1]],
        {"num_classes": 3},
    ),
    MetricCase(
        "confusion_matrix",
        ((FOUR, [2, 0, 1, 0]),),
        [[2, 0, 0], [0, 1, 0], [0, 0, 1]],
        {"num_classes": 3},
    ),
    MetricCase(
        "confusion_matrix",
        ((FOUR, [2, 0, 0, 1]), (TWO, [0, 0]), (ONE, [1])),
        [[1, 2, 1], [1, 0, 1], [0, 0, 1]],
        {"num_classes": 3},
        note="the second batch adds (0, 1) and (0, 2), the third (1, 2)",
    ),
    MetricCase(
        "confusion_matrix",
        ((ONE, [0]),),
        [[0, 0, 1], [0, 0, 0], [0, 0, 0]],
        {"num_classes": 3},
        note="classes never seen have their rows",
    ),
    MetricCase(
        "confusion_matrix",
        ((PLACES, [[1, 0], [1, 1]]),),
        [[1, 0], [1, 2]],
        {"num_classes": 2},
    ),
    MetricCase(
        "confusion_matrix",
        ((TIED, [2, 2, 1]),),
        [[0, 0, 0], [1, 0, 0], [1, 1, 0]],
        {"num_classes": 3},
        tie=True,
    ),
)

CASES = (*ACCURACY, *TOP_K, *ABSOLUTE_ERROR, *PERPLEXITY, *CONFUSION)
