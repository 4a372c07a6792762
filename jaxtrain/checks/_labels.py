"""The labels: whether they are classes, all of them, and in what shares."""

from collections.abc import Sequence

import numpy as np

from jaxtrain.checks._finding import Finding, skipped

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
        return skipped(name, f"{len(labels)} labels are too few to have all classes")
    return Finding(
        name,
        False,
        f"no label is {', '.join(missing)}: the network cannot learn, or be tested on, "
        "what is not there; was the data cut off while sorted by class?",
    )


def balanced(labels: np.ndarray, classes: Sequence[str], part: str) -> Finding:
    """Whether no class is far rarer than another."""
    name = f"balance of {part}"
    counts = np.bincount(labels, minlength=len(classes))
    there = np.flatnonzero(counts)
    least, most = (there[f(counts[there])] for f in (np.argmin, np.argmax))
    ratio = counts[most] / counts[least]
    shown = ", ".join(map(str, counts))
    if ratio <= GREATEST_RATIO or len(labels) < ENOUGH * len(classes):
        return Finding(name, True, f"labels of each class: {shown}")
    return Finding(
        name,
        False,
        f"{counts[least]} labels of class {least} ({classes[least]}), {counts[most]} "
        f"of {most} ({classes[most]}), in all {shown}: a network that never names the "
        "rare one looks good; weigh the loss by class or look at each class's accuracy",
    )
