"""Runs on Fashion-MNIST under every loss that classifies, in both frameworks."""

from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("torchvision")

from jaxtrain.data import Dataset
from jaxtrain.run.by_name import LOSS
from jaxtrain.run.config import (
    Config,
    LoopConfig,
    LossConfig,
    ModelConfig,
    OptimizerConfig,
)
from jaxtrain.run.history import History
from parity.difference import difference
from parity.proof.runs.fashion_cases import FLOAT64_BOUND
from parity.proof.runs.histories import compare_histories, history, part_of

ARGUMENTS: dict[str, dict[str, Any]] = {
    "cross_entropy": {
        "label_smoothing": 0.1,
        "weight": (1, 2, 3, 1, 1, 1, 0.5, 1, 1, 4),
    },
    "kl_div": {"reduction": "batchmean"},
    "multi_margin_loss": {"p": 2},
    "sigmoid_focal_loss": {"reduction": "mean"},
}


def configured(loss: LossConfig) -> Config:
    return Config(
        model=ModelConfig(hidden=(16,)),
        loss=loss,
        optimizer=OptimizerConfig("sgd", 0.1, {"momentum": 0.9}),
        loop=LoopConfig(epochs=3, dtype="float64"),
    )


def both(config: Config, dataset: Dataset) -> tuple[History, History]:
    part = part_of(dataset, 1280)
    return history(config, part, "torch"), history(config, part, "jax")


@pytest.mark.parametrize("name", LOSS.names)
def test_sixty_steps(name: str, fashion_mnist: Dataset) -> None:
    config = configured(LossConfig(name, ARGUMENTS.get(name, {})))
    theirs, ours = both(config, fashion_mnist)
    assert theirs.losses[-1] < theirs.losses[0], "this run learns nothing"
    comparison = compare_histories(theirs, ours, FLOAT64_BOUND)
    assert comparison.departure is None
    # Sums of a hundred tests, of losses of about 1.
    assert max(comparison.avg_loss, comparison.train_loss) <= FLOAT64_BOUND


@pytest.mark.parametrize(
    "penalty", [{"l1": 1e-3}, {"l2": 1e-2}, {"l1": 1e-3, "l2": 0.1}]
)
def test_penalties(penalty: dict[str, float], fashion_mnist: Dataset) -> None:
    config = configured(LossConfig(**penalty))
    theirs, ours = both(config, fashion_mnist)
    comparison = compare_histories(theirs, ours, FLOAT64_BOUND)
    assert comparison.departure is None
    # The tests' losses are without them.
    assert comparison.avg_loss <= FLOAT64_BOUND
    assert theirs.losses[0] > theirs.epochs[0].avg_loss


def test_an_argument_that_is_lost_is_noticed(fashion_mnist: Dataset) -> None:
    part = part_of(fashion_mnist, 1280)
    for name, args in ARGUMENTS.items():
        if name not in ("kl_div", "sigmoid_focal_loss"):
            theirs = history(configured(LossConfig(name, args)), part, "torch")
            ours = history(configured(LossConfig(name)), part, "jax")
            assert difference(theirs.losses, ours.losses).max() > 1e-3


def test_a_penalty_of_half_the_size_is_noticed(fashion_mnist: Dataset) -> None:
    """As where λ/2·Σp² is taken for λ·Σp²."""
    part = part_of(fashion_mnist, 1280)
    theirs = history(configured(LossConfig(l2=0.01)), part, "torch")
    ours = history(configured(LossConfig(l2=0.005)), part, "jax")
    assert difference(theirs.losses, ours.losses).max() > 1e-3
