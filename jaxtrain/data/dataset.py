"""A data set: its images and labels, and parts of it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from jaxtrain.rng import Generator

Bytes: TypeAlias = npt.NDArray[np.uint8]

SYNTHETIC = "synthetic"


class DataError(Exception):
    """Data could not be had or is not what it should be.

    The message is written for the user: what was wrong, the value, what would be right.
    """


@dataclass(frozen=True, eq=False)
class Split:
    """Images and their labels; the arrays are read-only where `load` made them.

    Attributes:
        images: uint8, shape (n, 28, 28).
        labels: uint8, shape (n,).

    Raises:
        DataError: another element type or shape, or not one label for each image.
    """

    images: Bytes
    labels: Bytes

    def __post_init__(self) -> None:
        _check_array("images", self.images, ndim=3)
        _check_array("labels", self.labels, ndim=1)
        if len(self.images) != len(self.labels):
            raise DataError(
                f"{len(self.images)} images but {len(self.labels)} labels; "
                "there must be one label for each image"
            )

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, eq=False)
class Dataset:
    """A training and a test split.

    Attributes:
        name: "Fashion-MNIST" or "synthetic".
        train: the training split.
        test: the test split.
        classes: the names of the classes; label i means classes[i].
        source: where the data came from, for a header line.
        sha256: name of each IDX file -> SHA-256 of its decompressed bytes.
        folder: holds the four decompressed IDX files, if there is such a folder.
        validation: training images that are kept for tests on the way, if any.
    """

    name: str
    train: Split
    test: Split
    classes: tuple[str, ...]
    source: str
    sha256: dict[str, str]
    folder: Path | None
    validation: Split | None = None

    @property
    def watched(self) -> Split:
        """What is tested after every epoch: validation images, where some are kept."""
        return self.test if self.validation is None else self.validation

    @property
    def synthetic(self) -> bool:
        """Whether this is the stand-in drawn by code."""
        return self.name == SYNTHETIC


def _check_array(name: str, array: Bytes, ndim: int) -> None:
    if array.dtype != np.uint8 or array.ndim != ndim:
        raise DataError(
            f"{name} are {array.dtype} of shape {array.shape}; "
            f"they must be uint8 with {ndim} dimension{'s' if ndim > 1 else ''}"
        )


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
    train, validation = (
        _rows(dataset.train, rows) for rows in np.split(order, [-count])
    )
    return replace(dataset, train=train, validation=validation, folder=None)


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
