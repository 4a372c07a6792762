"""Fashion-MNIST itself: hashes, counts, and torchvision reading the same files."""

from __future__ import annotations

import hashlib
import shutil
import time
import warnings
from pathlib import Path

import numpy as np
import pytest

from jaxtrain.data import DataError, Dataset, idx, load, write_idx
from jaxtrain.data.fashion_mnist.description import FASHION_MNIST


def files(data: Dataset) -> dict[str, np.ndarray]:
    return {
        **dict(zip(idx.names("train"), vars(data.train).values(), strict=True)),
        **dict(zip(idx.names("test"), vars(data.test).values(), strict=True)),
    }


def test_the_arrays_are_those_of_the_published_hashes(real: Dataset) -> None:
    found = {
        n: hashlib.sha256(idx.encode(a)).hexdigest() for n, a in files(real).items()
    }
    assert found == {file.name: file.sha256 for file in FASHION_MNIST.files}
    assert found == real.sha256


def test_every_class_has_its_share(real: Dataset) -> None:
    np.testing.assert_array_equal(np.bincount(real.train.labels), [6000] * 10)
    np.testing.assert_array_equal(np.bincount(real.test.labels), [1000] * 10)
    assert real.name == "Fashion-MNIST"
    assert not real.synthetic
    assert len(real.classes) == 10


def test_torchvision_reads_the_same_from_the_cache(real: Dataset) -> None:
    torchvision = pytest.importorskip("torchvision")
    if real.folder is None:
        pytest.skip(f"no folder for torchvision: {real.source}")
    root = real.folder.parent.parent
    for split, train in ((real.train, True), (real.test, False)):
        theirs = torchvision.datasets.FashionMNIST(root, train=train, download=False)
        np.testing.assert_array_equal(theirs.data.numpy(), split.images)
        np.testing.assert_array_equal(theirs.targets.numpy(), split.labels)
        assert tuple(theirs.classes) == real.classes


def test_torchvision_reads_the_synthetic_set_too(tmp_path: Path) -> None:
    torchvision = pytest.importorskip("torchvision")
    data = load("synthetic")
    write_idx(data.train, tmp_path / "FashionMNIST" / "raw", "train")
    write_idx(data.test, tmp_path / "FashionMNIST" / "raw", "test")
    theirs = torchvision.datasets.FashionMNIST(tmp_path, train=False, download=False)
    np.testing.assert_array_equal(theirs.data.numpy(), data.test.images)


@pytest.fixture
def copy(real: Dataset, tmp_path: Path) -> Path:
    """The four files in a folder that a test may damage."""
    if real.folder is None:
        write_idx(real.train, tmp_path, "train")
        write_idx(real.test, tmp_path, "test")
    else:
        for file in FASHION_MNIST.files:
            shutil.copy(real.folder / file.name, tmp_path)
    return tmp_path


def test_one_flipped_bit_in_47_megabytes_is_refused(real: Dataset, copy: Path) -> None:
    assert load(str(copy)).folder == copy
    path = copy / "train-images-idx3-ubyte"
    with path.open("r+b") as file:
        file.seek(23_456_789)
        byte = file.read(1)[0]
        file.seek(23_456_789)
        file.write(bytes([byte ^ 0x10]))
    with pytest.raises(DataError, match=r"train-images.* is not Fashion-MNIST"):
        load(str(copy))
    # The broken twin: by format alone the damaged file is as good as the other.
    damaged = idx.decode(path.read_bytes())
    assert damaged.shape == real.train.images.shape
    assert (damaged != real.train.images).sum() == 1


def test_training_and_test_files_exchanged_are_refused(copy: Path) -> None:
    train, test = (copy / f"{part}-labels-idx1-ubyte" for part in ("train", "t10k"))
    test.rename(copy / "x")
    train.rename(test)
    (copy / "x").rename(train)
    with pytest.raises(DataError, match=r"has shape \(10000,\); .* \(60000,\)"):
        load(str(copy))


def test_a_warm_cache_is_quick(real: Dataset) -> None:
    """0.06 s where this was written; ten times that would be felt at every start."""
    if real.folder is None:
        pytest.skip(f"no cache: {real.source}")
    times = []
    for _ in range(3):
        start = time.perf_counter()
        load("auto", cache=real.folder.parent.parent)
        times.append(time.perf_counter() - start)
    assert min(times) < 0.6


def test_read_only_arrays_feed_torch_without_a_warning(real: Dataset) -> None:
    torch = pytest.importorskip("torch")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tensor = torch.tensor(real.test.images[:2])
    np.testing.assert_array_equal(tensor.numpy(), real.test.images[:2])
