"""Training and test data side by side."""

import numpy as np

from jaxtrain.checks._finding import Finding, skipped

GREATEST_SHARE = 0.01
"""Of test inputs that may be training inputs too; Fashion-MNIST shares none."""
GREATEST_SHIFT = 0.1
"""Share of labels that may have to change for both parts to have the same shares."""


def nothing_shared(train: np.ndarray, test: np.ndarray) -> Finding:
    """Whether test inputs are new: none is a training input, byte for byte."""
    name = "test images are new"
    if test is train:
        return skipped(name, "the training images are tested on purpose")
    seen = {row.tobytes() for row in train}
    shared = np.array([row.tobytes() in seen for row in test.astype(train.dtype)])
    count, size = int(shared.sum()), len(test)
    what = f"{count} of {size} test images are training images too"
    if count <= GREATEST_SHARE * size:
        return Finding(name, True, what)
    return Finding(
        name,
        False,
        f"{what} ({count / size:.1%}), the first is number {shared.argmax()}: the test "
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
