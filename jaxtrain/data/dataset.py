"""What a data set is: two splits of images with labels, and where they came from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

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
