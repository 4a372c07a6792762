"""Checks of images, labels and the split."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from jaxtrain.watch.checks.finding import Finding, skip

LEAST_RMS, GREATEST_RMS = 0.01, 10.0
"""Of what the network sees. Pixels from 0 to 1 have 0.3 to 0.6, standardised ones 1;
left at 0 to 255 they have 100, and divided by 255 twice 0.002."""
SAMPLE_SIZE = 2000
"""Inputs that are prepared to see what the network sees."""


def finite(inputs: np.ndarray) -> Finding:
    """Whether every input is made of numbers that are finite."""
    name = "inputs are finite"
    if not np.issubdtype(inputs.dtype, np.inexact):
        return Finding(name, True, f"{_describe(inputs)}, which cannot but be finite")
    bad = ~np.isfinite(inputs.reshape(len(inputs), -1)).all(axis=1)
    if not bad.any():
        return Finding(name, True, f"{_describe(inputs)}, all of them finite")
    return Finding(
        name,
        False,
        f"{bad.sum()} of {len(inputs)} inputs hold NaN or infinity, the first is "
        f"number {bad.argmax()}; one of them makes every weight NaN: mend or remove "
        "them",
    )


def _describe(inputs: np.ndarray) -> str:
    shape = " x ".join(map(str, inputs.shape[1:])) or "single numbers"
    return f"{len(inputs)} inputs of {shape}, {inputs.dtype}"


def scale(inputs: np.ndarray, prepare: Callable[[Any], Any]) -> Finding:
    """Whether the values that the network sees are of a size that it can learn from."""
    name = "inputs are scaled"
    sample = np.asarray(prepare(inputs[:SAMPLE_SIZE])).astype(np.float64)
    sample = sample[np.isfinite(sample)]
    if not sample.size:
        return skip(name, "no finite input")
    size = float(np.sqrt(np.mean(sample**2)))
    what = (
        f"the network sees {sample.min():.3g} to {sample.max():.3g}, mean "
        f"{sample.mean():.3g}, standard deviation {sample.std():.3g}"
    )
    return Finding(
        name, LEAST_RMS <= size <= GREATEST_RMS, what + _advice(sample, size)
    )


def _advice(sample: np.ndarray, size: float) -> str:
    if size > GREATEST_RMS and sample.min() >= 0 and 128 < sample.max() <= 256:
        return ": pixels are not scaled, divide by 255"
    if size > GREATEST_RMS:
        return ": far too large, subtract the mean and divide by the deviation"
    if size < LEAST_RMS and not sample.any():
        return ": nothing but zeros"
    if size < LEAST_RMS:
        return ": far too small; are they divided by 255 twice?"
    return ""


def constant(inputs: np.ndarray) -> Finding:
    """Whether every input has values that differ."""
    name = "no blank images"
    flat = inputs.reshape(len(inputs), -1)
    if flat.shape[1] < 2:
        return skip(name, "an input is a single number")
    blank = flat.min(axis=1) == flat.max(axis=1)
    if not blank.any():
        return Finding(name, True, f"none of {len(inputs)} inputs has one value alone")
    return Finding(
        name,
        False,
        f"{blank.sum()} of {len(inputs)} inputs have the same value everywhere, the "
        f"first is number {blank.argmax()}: were these files read?",
    )


def check_inputs(
    inputs: np.ndarray, prepare: Callable[[Any], Any]
) -> Iterator[Finding]:
    yield finite(inputs)
    yield scale(inputs, prepare)
    yield constant(inputs)


ENOUGH = 10
"""Labels expected of a class; with fewer, chance alone may leave it out (e^-10)."""
GREATEST_RATIO = 10
"""Of the commonest class to the rarest."""


def valid(labels: np.ndarray, classes: Sequence[str]) -> Finding:
    """Whether labels are whole numbers from 0 to the number of classes less one."""
    name = "labels are classes"
    count, right = len(classes), f"0 to {len(classes) - 1}"
    if not np.issubdtype(labels.dtype, np.integer):
        return Finding(
            name, False, f"labels are {labels.dtype}: make them whole numbers, {right}"
        )
    wrong = (labels < 0) | (labels >= count)
    if not wrong.any():
        return Finding(name, True, f"{len(labels)} labels, each from {right}")
    first = int(wrong.argmax())
    return Finding(
        name,
        False,
        f"{wrong.sum()} of {len(labels)} labels are not {right}, the first is "
        f"{labels[first]} at number {first}: number the {count} classes from 0",
    )


def present(labels: np.ndarray, classes: Sequence[str], part: str) -> Finding:
    """Whether every class is there, wherever chance would not leave it out."""
    name = f"all classes in {part}"
    counts = np.bincount(labels, minlength=len(classes))
    missing = [f"{i} ({classes[i]})" for i in np.flatnonzero(counts == 0).tolist()]
    if not missing:
        return Finding(name, True, f"{counts.min()} or more labels of each")
    if len(labels) < ENOUGH * len(classes):
        return skip(name, f"{len(labels)} labels are too few to have all classes")
    return Finding(
        name,
        False,
        f"no label is {', '.join(missing)}: the network cannot learn, or be tested on, "
        "what is not there; was the data cut off while sorted by class?",
    )


def balance(labels: np.ndarray, classes: Sequence[str], part: str) -> Finding:
    """Whether no class is far rarer than another."""
    name = f"balance of {part}"
    counts = np.bincount(labels, minlength=len(classes))
    there = np.flatnonzero(counts)
    least, most = (there[f(counts[there])] for f in (np.argmin, np.argmax))
    ratio = counts[most] / counts[least]
    text = ", ".join(map(str, counts))
    if ratio <= GREATEST_RATIO or len(labels) < ENOUGH * len(classes):
        return Finding(name, True, f"labels of each class: {text}")
    return Finding(
        name,
        False,
        f"{counts[least]} labels of class {least} ({classes[least]}), {counts[most]} "
        f"of {most} ({classes[most]}), in all {text}: a network that never names the "
        "rare one looks good; weigh the loss by class or look at each class's accuracy",
    )


GREATEST_SHARE = 0.01
"""Of test inputs that may be training inputs too; Fashion-MNIST shares none."""
GREATEST_SHIFT = 0.1
"""Share of labels that may have to change for both parts to have the same shares."""


def overlap(train: np.ndarray, test: np.ndarray) -> Finding:
    """Whether test inputs are new: none is a training input, byte for byte."""
    name = "test images are new"
    if test is train:
        return skip(name, "the training images are tested on purpose")
    rows = {row.tobytes() for row in train}
    copies = np.array([row.tobytes() in rows for row in test.astype(train.dtype)])
    count, size = int(copies.sum()), len(test)
    what = f"{count} of {size} test images are training images too"
    if count <= GREATEST_SHARE * size:
        return Finding(name, True, what)
    return Finding(
        name,
        False,
        f"{what} ({count / size:.1%}), the first is number {copies.argmax()}: the test "
        "measures memory there; take them out of one part",
    )


def same_shares(train: np.ndarray, test: np.ndarray, classes: int) -> Finding:
    """Whether classes are as common in the test data as in the training data."""
    name = "same classes in both"
    shares = [np.bincount(x, minlength=classes) / len(x) for x in (train, test)]
    apart = shares[1] - shares[0]
    shift = float(np.abs(apart).sum() / 2)
    # Chance alone moves about sqrt(K / 2 pi n); the smaller part decides.
    chance = np.sqrt(classes / (2 * np.pi * min(len(train), len(test))))
    what = f"{shift:.1%} of the labels would have to change to have the same shares"
    if shift <= GREATEST_SHIFT + 2 * chance:
        return Finding(name, True, what)
    worst = int(np.abs(apart).argmax())
    return Finding(
        name,
        False,
        f"{what}; class {worst} is {shares[0][worst]:.1%} of the training labels and "
        f"{shares[1][worst]:.1%} of the test labels: split at random",
    )
