"""The caller's generator is where it was, whatever dropout drew."""

import numpy as np
import optax
import pytest

torch = pytest.importorskip("torch")


import parity
from jaxtrain import losses, nn


def test_comparing_draws_nothing_of_the_callers() -> None:
    torch.manual_seed(5)
    model = torch.nn.Sequential(torch.nn.Linear(6, 4), torch.nn.Dropout(0.5))
    draw = np.random.default_rng(0)
    batches = [(draw.normal(size=(8, 6)), draw.integers(0, 4, 8)) for _ in range(3)]
    before = torch.get_rng_state()
    report = parity.compare(
        parity.TorchSide(
            model,
            torch.nn.CrossEntropyLoss(),
            torch.optim.SGD(model.parameters(), lr=0.1),
        ),
        parity.JaxSide(
            nn.Sequential(nn.Linear(6, 4), nn.Dropout(0.5)),
            losses.cross_entropy,
            optax.sgd(0.1),
        ),
        batches,
    )
    assert report.passed
    assert torch.equal(torch.get_rng_state(), before)
    model(torch.ones(1, 6))
    assert not torch.equal(torch.get_rng_state(), before), "dropout draws nothing"
