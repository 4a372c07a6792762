"""Whether labels belong to their images."""

from typing import NamedTuple

import numpy as np

from jaxtrain.watch.checks.finding import Finding, skip
from jaxtrain.watch.checks.setup import draw

SAMPLE_SIZE = 5000
"""Inputs to learn from and, others, to test on: 0.7 points of standard error."""


def class_means(inputs: np.ndarray, labels: np.ndarray, classes: int) -> np.ndarray:
    """The mean input of each class, (classes, features); NaN for one that is not there.

    Example:
        >>> class_means(np.array([[0.0], [2.0], [5.0]]), np.array([0, 0, 1]), 2)
        array([[1.],
               [5.]])
    """
    flat = _flat(inputs)
    counts = np.bincount(labels, minlength=classes)
    one_hot = (labels[:, None] == np.arange(classes)).astype(flat.dtype)
    with np.errstate(invalid="ignore", divide="ignore"):
        return (one_hot.T @ flat) / counts[:, None]


def accuracy(means: np.ndarray, inputs: np.ndarray, labels: np.ndarray) -> float:
    """Share of inputs whose label is that of the nearest mean, 0 to 1.

    argmin |x - m|² = argmax x·m - |m|²/2

    Example:
        >>> means = np.array([[1.0], [5.0]])
        >>> accuracy(means, np.array([[0.0], [9.0]]), np.array([0, 0]))
        0.5
    """
    there = np.flatnonzero(np.isfinite(means).all(axis=1))
    rows = means[there]
    nearness = _flat(inputs) @ rows.T - (rows**2).sum(axis=1) / 2
    return float((there[nearness.argmax(axis=1)] == labels).mean())


def _flat(inputs: np.ndarray) -> np.ndarray:
    return inputs.reshape(len(inputs), -1).astype(np.float64)


LEAST_GAIN = 0.15
"""Over the share of the commonest class; Fashion-MNIST has 0.58, shuffled labels 0."""
LEAST_GAP = 0.06
"""Between two parts of one data set: their inputs differ a little too. Fashion-MNIST
has up to 0.025, and with a tenth of the labels random 0.06."""
TOO_FEW = 200
"""Inputs in either half: beneath, five standard errors are more than `LEAST_GAIN`."""


class LabelFit(NamedTuple):
    """Shares of inputs that the nearest class mean names as the labels do."""

    train: float
    """Of training inputs that the means do not come from."""
    test: float | None
    guess: float
    """Share of the commonest class: what naming it always would give."""
    margin: float
    """How far `train` and `test` may lie apart."""


def measure(
    train: tuple[np.ndarray, np.ndarray],
    test: tuple[np.ndarray, np.ndarray] | None,
    classes: int,
) -> LabelFit | None:
    """How well labels fit inputs; None where there is too little to tell."""
    sample = draw(*train, 2 * SAMPLE_SIZE)
    half = len(sample.targets) // 2
    if half < TOO_FEW:
        return None
    means = class_means(sample.inputs[:half], sample.targets[:half], classes)
    held_out = sample.inputs[half:], sample.targets[half:]
    guess = float(np.bincount(sample.targets).max() / len(sample.targets))
    test_part = None if test is None else draw(*_with_means(test, means), SAMPLE_SIZE)
    if test_part is None or len(test_part.targets) < TOO_FEW:
        return LabelFit(accuracy(means, *held_out), None, guess, 0.0)
    # Of a difference of shares: the square root of two binomial variances, each at most
    # 1/4n. Four of them leave one healthy data set in 16,000.
    error = np.sqrt(0.25 / half + 0.25 / len(test_part.targets))
    margin = max(LEAST_GAP, 4 * float(error))
    return LabelFit(
        accuracy(means, *held_out), accuracy(means, *test_part), guess, margin
    )


def _with_means(
    part: tuple[np.ndarray, np.ndarray], means: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """What is of a class with a mean: one that is missing is another check's fault."""
    rows = np.isfinite(means).all(axis=1)[part[1]]
    return part[0][rows], part[1][rows]


def train_labels_fit(fit: LabelFit | None) -> Finding:
    """Whether training labels say something of their images."""
    name = "labels fit images"
    if fit is None:
        return skip(name, f"fewer than {2 * TOO_FEW} images are too few to tell")
    text = (
        f"the nearest class mean is right for {fit.train:.1%} of training images that "
        f"it has not seen; the commonest class makes up {fit.guess:.1%}"
    )
    if fit.train < fit.guess + LEAST_GAIN:
        return Finding(
            name,
            False,
            f"{text}: labels look shuffled; are images and labels in the same order?",
        )
    if fit.test is not None and fit.train < fit.test - fit.margin:
        return Finding(
            name,
            False,
            f"{text}, but for {fit.test:.1%} of test images: as if "
            f"{random_share(fit.train, fit.test, fit.guess):.0%} of the training "
            "labels were random; look at some images with their labels",
        )
    return Finding(name, True, text)


def test_labels_fit(fit: LabelFit | None) -> Finding:
    """Whether test labels fit their images as well as training labels do."""
    name = "test labels fit too"
    if fit is None or fit.test is None:
        return skip(name, "too few images to tell")
    text = (
        f"the nearest class mean is right for {fit.test:.1%} of test images, and for "
        f"{fit.train:.1%} of training images that it has not seen"
    )
    if fit.test >= fit.train - fit.margin:
        return Finding(name, True, text)
    return Finding(
        name,
        False,
        f"{text}: as if {random_share(fit.test, fit.train, fit.guess):.0%} of the "
        "test labels were random; were they shuffled, or do the test images come from "
        "elsewhere?",
    )


def random_share(score: float, clean: float, guess: float) -> float:
    """Share r of labels that are random: score = (1 - r) clean + r guess.

    Example:
        >>> round(random_share(0.5, 0.67, 0.1), 2)
        0.3
    """
    # Where `clean` is itself no better than guessing, the share is 1 and not beyond.
    return (clean - score) / max(clean - guess, clean - score)
