import pytest

from jaxtrain.data import Dataset
from jaxtrain.data.synthetic import synthetic


@pytest.fixture(scope="session")
def garments() -> Dataset:
    """Part of the stand-in: enough for every check."""
    return synthetic(train=4000, test=1000)
