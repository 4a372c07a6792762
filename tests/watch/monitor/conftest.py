import numpy as np
import pytest

from jaxtrain.data import Dataset, Split

CLASSES = tuple("abcdefghij")


@pytest.fixture(scope="session")
def drawn() -> Dataset:
    """Ten blurred patterns under noise, 8,000 to train: 500 batches of 16."""
    generator = np.random.default_rng(0)
    coarse = generator.uniform(0, 120, (10, 7, 7))
    patterns = coarse.repeat(4, axis=1).repeat(4, axis=2)

    def split(size: int) -> Split:
        labels = generator.integers(0, 10, size, dtype=np.uint8)
        noise = generator.uniform(0, 135, (size, 28, 28))
        return Split((patterns[labels] + noise).astype(np.uint8), labels)

    return Dataset("drawn", split(8000), split(500), CLASSES, "a test", {}, None)
