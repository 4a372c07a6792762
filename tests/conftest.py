import os

# Before PyTorch is first imported: twins are small, and on a busy machine its second
# thread makes them wait several times as long as they compute.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pytest

from jaxtrain.data import DataError, Dataset, Split, load

CLASSES = tuple("abcdefghij")


@pytest.fixture(scope="session")
def fashion_mnist() -> Dataset:
    """The real data set, from the cache or fetched."""
    try:
        return load("auto")
    except DataError as error:
        pytest.skip(f"Fashion-MNIST cannot be had: {error}")


@pytest.fixture(scope="session")
def tiny() -> Dataset:
    """Random images: 200 to train, 70 to test, neither a multiple of 64."""
    generator = np.random.default_rng(0)

    def split(size: int) -> Split:
        images = generator.integers(0, 256, (size, 28, 28), dtype=np.uint8)
        return Split(images, generator.integers(0, 10, size, dtype=np.uint8))

    return Dataset("random", split(200), split(70), CLASSES, "a test", {}, None)
