"""Small data and models that every test of the trainer shares."""

import numpy as np
import pytest

ROWS = 50


@pytest.fixture(scope="session")
def points() -> tuple[np.ndarray, np.ndarray]:
    """Inputs (50, 6) and three classes: batches of 8 leave one of 2."""
    random = np.random.default_rng(0)
    inputs = random.normal(size=(ROWS, 6)).astype(np.float32)
    return inputs, (inputs[:, :3].argmax(1)).astype(np.int64)
