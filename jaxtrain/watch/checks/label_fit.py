"""Whether labels belong to their images."""

from typing import NamedTuple

import numpy as np

from jaxtrain.watch.checks.finding import Finding, skipped
from jaxtrain.watch.checks.setup import draw

LOOKED_AT = 5000
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
    kept = means[there]
    nearness = _flat(inputs) @ kept.T - (kept**2).sum(axis=1) / 2
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


class Fit(NamedTuple):
    """Shares of inputs that the nearest class mean names as the labels do."""

    train: float
    """Of training inputs that the means do not come from."""
    test: float | None
    guessing: float
    """Share of the commonest class: what naming it always would give."""
    margin: float
    """How far `train` and `test` may lie apart."""


def measure(
    train: tuple[np.ndarray, np.ndarray],
    test: tuple[np.ndarray, np.ndarray] | None,
    classes: int,
) -> Fit | None:
    """How well labels fit inputs; None where there is too little to tell."""
    sample = draw(*train, 2 * LOOKED_AT)
    half = len(sample.targets) // 2
    if half < TOO_FEW:
        return None
    means = class_means(sample.inputs[:half], sample.targets[:half], classes)
    held_out = sample.inputs[half:], sample.targets[half:]
    guessing = float(np.bincount(sample.targets).max() / len(sample.targets))
    tested = None if test is None else draw(*_known(test, means), LOOKED_AT)
    if tested is None or len(tested.targets) < TOO_FEW:
        return Fit(accuracy(means, *held_out), None, guessing, 0.0)
    # Of a difference of shares: the square root of two binomial variances, each at most
    # 1/4n. Four of them leave one healthy data set in 16,000.
    error = np.sqrt(0.25 / half + 0.25 / len(tested.targets))
    margin = max(LEAST_GAP, 4 * float(error))
    return Fit(accuracy(means, *held_out), accuracy(means, *tested), guessing, margin)


def _known(
    part: tuple[np.ndarray, np.ndarray], means: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """What is of a class with a mean: one that is missing is another check's fault."""
    rows = np.isfinite(means).all(axis=1)[part[1]]
    return part[0][rows], part[1][rows]


def train_labels_fit(fit: Fit | None) -> Finding:
    """Whether training labels say something of their images."""
    name = "labels fit images"
    if fit is None:
        return skipped(name, f"fewer than {2 * TOO_FEW} images are too few to tell")
    seen = (
        f"the nearest class mean is right for {fit.train:.1%} of training images that "
        f"it has not seen; the commonest class makes up {fit.guessing:.1%}"
    )
    if fit.train < fit.guessing + LEAST_GAIN:
        return Finding(
            name,
            False,
            f"{seen}: labels look shuffled; are images and labels in the same order?",
        )
    if fit.test is not None and fit.train < fit.test - fit.margin:
        return Finding(
            name,
            False,
            f"{seen}, but for {fit.test:.1%} of test images: as if "
            f"{random_share(fit.train, fit.test, fit.guessing):.0%} of the training "
            "labels were random; look at some images with their labels",
        )
    return Finding(name, True, seen)


def test_labels_fit(fit: Fit | None) -> Finding:
    """Whether test labels fit their images as well as training labels do."""
    name = "test labels fit too"
    if fit is None or fit.test is None:
        return skipped(name, "too few images to tell")
    seen = (
        f"the nearest class mean is right for {fit.test:.1%} of test images, and for "
        f"{fit.train:.1%} of training images that it has not seen"
    )
    if fit.test >= fit.train - fit.margin:
        return Finding(name, True, seen)
    return Finding(
        name,
        False,
        f"{seen}: as if {random_share(fit.test, fit.train, fit.guessing):.0%} of the "
        "test labels were random; were they shuffled, or do the test images come from "
        "elsewhere?",
    )


def random_share(seen: float, clean: float, guessing: float) -> float:
    """Share r of labels that are random: seen = (1 - r) clean + r guessing.

    Example:
        >>> round(random_share(0.5, 0.67, 0.1), 2)
        0.3
    """
    # Where `clean` is itself no better than guessing, the share is 1 and not beyond.
    return (clean - seen) / max(clean - guessing, clean - seen)
