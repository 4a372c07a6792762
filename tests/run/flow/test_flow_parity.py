"""What is done around a step, in both frameworks."""

from collections.abc import Iterable
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("torchvision")

from jaxtrain.data import Dataset, load
from jaxtrain.run.config import Config
from jaxtrain.run.history import History
from parity.proof.runs.fashion_cases import FLOAT64_BOUND
from parity.proof.runs.flow_cases import AVERAGES, CASES, FlowCase
from parity.proof.runs.histories import (
    HistoryDifference,
    compare_histories,
    history,
    part_of,
)

IMAGES = 1000
"""Of training: 16 batches, the last of which is short."""


@pytest.fixture(scope="module")
def images() -> Dataset:
    return part_of(load("synthetic"), IMAGES, 200)


def runs(config: Config, images: Dataset) -> tuple[History, History]:
    return history(config, images, "torch"), history(config, images, "jax")


def compared(config: Config, theirs: History, images: Dataset) -> HistoryDifference:
    return compare_histories(theirs, history(config, images, "jax"), FLOAT64_BOUND)


QUICK = ("accumulate: the rest", "clip_grad_value", "augment", "validation")


def some(cases: Iterable[FlowCase]) -> list[Any]:
    """All of them, of which some are left to the long tests."""
    return [
        pytest.param(
            case,
            id=case.name,
            marks=() if case.name.startswith(QUICK) else pytest.mark.long,
        )
        for case in cases
    ]


@pytest.mark.parametrize("case", some(CASES))
def test_every_loss_is_pytorchs(case: FlowCase, images: Dataset) -> None:
    theirs, ours = runs(case.config, images)
    assert theirs.losses[-1] < theirs.losses[0], "this run learns nothing"
    seen = compare_histories(theirs, ours, FLOAT64_BOUND)
    assert seen.departure is None
    assert seen.lrs == 0
    assert max(seen.losses, seen.train_loss, seen.avg_loss) <= FLOAT64_BOUND
    assert seen.accuracy == 0
    different = compared(case.twin, theirs, images)
    assert max(different.losses, different.avg_loss) > FLOAT64_BOUND


@pytest.mark.parametrize("case", AVERAGES, ids=lambda case: case.name)
def test_the_average_is_what_is_tested(case: FlowCase, images: Dataset) -> None:
    theirs, ours = runs(case.config, images)
    seen = compare_histories(theirs, ours, FLOAT64_BOUND)
    assert max(seen.losses, seen.avg_loss) <= FLOAT64_BOUND
    assert seen.accuracy == 0
    assert compared(case.twin, theirs, images).avg_loss > FLOAT64_BOUND
