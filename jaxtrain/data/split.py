"""Parts of a data set: images kept for validation, or the first few batches alone."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from jaxtrain.data.dataset import DataError, Dataset, Split
from jaxtrain.rng import Generator


def keep_validation(dataset: Dataset, amount: float, seed: int) -> Dataset:
    """Take `amount` training images away at random, and keep them for validation.

    Args:
        dataset: stays as it is.
        amount: a number of images, or a share of them if below 1, rounded down.
        seed: of the draw.

    Raises:
        DataError: no image would be left to train on, or none kept.

    PyTorch: `random_split(dataset, [rest, amount], generator)`, of that seed.

    Example:
        >>> images = np.zeros((5, 28, 28), np.uint8)
        >>> five = Split(images, np.arange(5, dtype=np.uint8))
        >>> whole = Dataset("five", five, five, ("a",) * 5, "here", {}, None)
        >>> kept = keep_validation(whole, 2, seed=0)
        >>> kept.train.labels.tolist(), kept.validation.labels.tolist()
        ([4, 0, 1], [3, 2])
    """
    size = len(dataset.train)
    count = math.floor(size * amount) if amount < 1 else int(amount)
    if not 0 < count < size:
        raise DataError(
            f"--validation {amount:g} keeps {count} of {size} training images; it must "
            f"keep at least 1 and at most {size - 1}"
        )
    order = Generator(seed).randperm(size)
    train, kept = (_rows(dataset.train, rows) for rows in np.split(order, [-count]))
    return replace(dataset, train=train, validation=kept, folder=None)


def first_batches(dataset: Dataset, batches: int, batch_size: int) -> Dataset:
    """The first batches of the training images, to train and to test on.

    A network that cannot learn even those by heart has a fault.

    Raises:
        DataError: there are not so many.
    """
    count, size = batches * batch_size, len(dataset.train)
    if count > size:
        raise DataError(
            f"--overfit-batches {batches} needs {count} training images, but there are "
            f"{size}"
        )
    part = _rows(dataset.train, np.arange(count))
    return replace(dataset, train=part, test=part, folder=None)


def _rows(split: Split, rows: np.ndarray) -> Split:
    return Split(split.images[rows], split.labels[rows])
