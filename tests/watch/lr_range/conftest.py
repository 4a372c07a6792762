import pytest

from jaxtrain.data import Dataset
from jaxtrain.data.synthetic import synthetic


@pytest.fixture(scope="session")
def garments() -> Dataset:
    """A little of the stand-in."""
    return synthetic(train=1000, test=100)
