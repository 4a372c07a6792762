"""The stand-in: the same on every machine, balanced, learnable, and not trivial."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from jaxtrain.data import DataError, Dataset, Split, load, write_idx
from jaxtrain.data.fashion_mnist.description import CLASSES
from jaxtrain.data.synthetic import synthetic

HASHES = {
    "train-images-idx3-ubyte": (
        "dd708584c90f384116bda8fab0b233e59d5f6b16c6346fe4fabd562e0dfbe4ac"
    ),
    "train-labels-idx1-ubyte": (
        "23878b32eec27dbbc1b9e92824e60181d8860b53beba12ffeb7ad54445f226fe"
    ),
    "t10k-images-idx3-ubyte": (
        "28e33c7ab11458fe5cdc26937104ab11346da050c9325064f46233e5f4feb5a7"
    ),
    "t10k-labels-idx1-ubyte": (
        "14ee8a630cb82941bfeccd794a4ab2ab2d3f06fdb979a71e696d7442f1d179f9"
    ),
}


@pytest.fixture(scope="module")
def data() -> Dataset:
    return load("synthetic")


def test_every_byte_is_as_it_was(data: Dataset) -> None:
    """Changed the drawings on purpose? Then every logged run with them is stale."""
    assert data.sha256 == HASHES


def test_it_says_what_it_is(data: Dataset) -> None:
    assert data.synthetic
    assert data.name == "synthetic"
    assert data.source == "synthetic (drawn by code, not Fashion-MNIST)"
    assert data.classes == CLASSES
    assert data.folder is None


def test_shapes_types_and_balance_are_those_of_the_original(data: Dataset) -> None:
    for split, count in ((data.train, 60_000), (data.test, 10_000)):
        assert split.images.shape == (count, 28, 28)
        assert split.images.dtype == split.labels.dtype == np.uint8
        assert not split.images.flags.writeable
        np.testing.assert_array_equal(np.bincount(split.labels), [count // 10] * 10)


def test_a_smaller_set_is_the_beginning_of_a_larger_one(data: Dataset) -> None:
    small = synthetic(train=1234, test=56)
    for few, many in ((small.train, data.train), (small.test, data.test)):
        np.testing.assert_array_equal(few.images, many.images[: len(few)])
        np.testing.assert_array_equal(few.labels, many.labels[: len(few)])


def test_images_differ_from_each_other_and_between_seeds(data: Dataset) -> None:
    images = np.concatenate([data.train.images[:5000], data.test.images[:5000]])
    assert len({image.tobytes() for image in images}) == len(images)
    other = synthetic(train=100, test=10, seed=1)
    assert (other.train.images != data.train.images[:100]).any(axis=(1, 2)).all()


def test_the_hashes_are_those_of_the_files(tmp_path: Path) -> None:
    small = synthetic(train=30, test=10)
    paths = [
        *write_idx(small.train, tmp_path, "train"),
        *write_idx(small.test, tmp_path, "test"),
    ]
    assert small.sha256 == {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths
    }


def nearest_mean_accuracy(train: Split, test: Split, labels: np.ndarray) -> float:
    images = train.images.reshape(len(train), -1).astype(np.float32)
    means = np.stack([images[labels == label].mean(0) for label in range(10)])
    pixels = test.images.reshape(len(test), -1).astype(np.float32)
    distances = (means**2).sum(1) - 2 * pixels @ means.T
    return float((distances.argmin(1) == test.labels).mean())


def test_a_plain_classifier_learns_much_and_not_all(data: Dataset) -> None:
    accuracy = nearest_mean_accuracy(data.train, data.test, data.train.labels)
    assert 0.5 < accuracy < 0.9


def test_broken_twin_with_shuffled_labels_nothing_is_learnt(data: Dataset) -> None:
    labels = np.random.default_rng(0).permutation(data.train.labels)
    assert nearest_mean_accuracy(data.train, data.test, labels) < 0.3


@pytest.mark.parametrize("given", [{"train": 0}, {"test": -1}, {"seed": -1}])
def test_impossible_sizes_are_named(given: dict[str, int]) -> None:
    name, value = next(iter(given.items()))
    with pytest.raises(DataError, match=f"{name}={value}"):
        synthetic(**given)
