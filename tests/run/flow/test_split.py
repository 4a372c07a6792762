from dataclasses import replace

import numpy as np
import pytest

from jaxtrain.data import DataError, Dataset
from jaxtrain.data.dataset import first_batches, keep_validation


@pytest.mark.parametrize("amount", [1, 37, 199, 0.1, 0.335])
@pytest.mark.parametrize("seed", [0, 5])
def test_validation_images_are_those_of_random_split(
    tiny: Dataset, amount: float, seed: int
) -> None:
    torch = pytest.importorskip("torch")
    from torch.utils.data import random_split

    parts = [1 - amount, amount] if amount < 1 else [200 - amount, amount]
    generator = torch.Generator().manual_seed(seed)
    theirs = [part.indices for part in random_split(range(200), parts, generator)]
    kept = keep_validation(tiny, amount, seed)
    assert kept.validation is not None
    for split, rows in zip((kept.train, kept.validation), theirs, strict=True):
        assert np.array_equal(split.images, tiny.train.images[rows])
        assert np.array_equal(split.labels, tiny.train.labels[rows])
    assert kept.test is tiny.test
    other = keep_validation(tiny, amount, seed + 1)
    assert not np.array_equal(kept.train.images, other.train.images)


@pytest.mark.parametrize("amount", [0.001, 200, 1000])
def test_some_images_must_be_kept_and_some_left(tiny: Dataset, amount: float) -> None:
    with pytest.raises(DataError, match=rf"--validation {amount:g} keeps .* 1 .* 199"):
        keep_validation(tiny, amount, 0)


def test_first_batches_are_trained_on_and_tested(tiny: Dataset) -> None:
    part = first_batches(tiny, 2, 32)
    assert part.train is part.test
    assert np.array_equal(part.train.images, tiny.train.images[:64])
    assert part.folder is None
    with pytest.raises(DataError, match="224 training images, but there are 200"):
        first_batches(tiny, 7, 32)


def test_what_is_watched(tiny: Dataset) -> None:
    assert tiny.watched is tiny.test
    assert replace(tiny, validation=tiny.train).watched is tiny.train
