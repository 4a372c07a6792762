"""Whole runs on Fashion-MNIST: JAX against PyTorch, at every step."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("torchvision")

from jaxtrain.data import Dataset, Split, load
from jaxtrain.data.order import epoch_order
from jaxtrain.errors import ConfigError
from jaxtrain.rng import Generator
from jaxtrain.run.config import (
    Config,
    DataConfig,
    LoopConfig,
    ModelConfig,
    OptimizerConfig,
    SchedulerConfig,
)
from jaxtrain.run.history import History
from parity.proof.report import table
from parity.proof.runs import fashion, runs
from parity.proof.runs.fashion_cases import (
    FLOAT32_BOUND,
    FLOAT64_BOUND,
)
from parity.proof.runs.histories import compare_histories, history, part_of
from parity.proof.verdict import Task, Twins

MEASURES = {
    "max |Δloss|",
    "max |Δmean loss|",
    "max |Δtest loss|",
    "max |Δrate|",
    "momenta differ",
    "learns nothing",
    "max |Δaccuracy|, points",
}


def check(task: Task, steps: int) -> None:
    """Every measure of the task's only case keeps to its bound."""
    found = list(fashion.verdicts(task, print))
    print(table.table(found))
    (twins,) = (verdict.twins for verdict in found if verdict.twins)
    assert len(twins.reference.losses) == len(twins.candidate.losses) == steps
    assert {verdict.measure for verdict in found} == MEASURES
    assert all(verdict.passed for verdict in found)


@pytest.mark.long
@pytest.mark.usefixtures("fashion_mnist")
def test_ten_epochs_are_equal() -> None:
    check(Task(["tutorial"], steps=9380), 9380)


def test_the_first_loss_is_pytorch_s_to_the_last_bit(fashion_mnist: Dataset) -> None:
    first = Split(fashion_mnist.train.images[:64], fashion_mnist.train.labels[:64])
    one_batch = replace(fashion_mnist, train=first, folder=None)
    config = Config(loop=LoopConfig(epochs=1))
    theirs = history(config, one_batch, "torch").losses[0]
    ours = history(config, one_batch, "jax").losses[0]
    assert f"{theirs:>7f}" == "2.305311"
    assert ours == theirs


# Broken twins: a tenth of the images and a small network, in float64.

FAULTY = Config(
    data=DataConfig(shuffle=True),
    model=ModelConfig(hidden=(16,), dropout=0.2),
    optimizer=OptimizerConfig(lr=0.1, args={"momentum": 0.9}),
    scheduler=SchedulerConfig("step_lr", {"step_size": 30}, "step"),
    loop=LoopConfig(epochs=2, dtype="float64"),
)


@pytest.fixture(scope="module")
def part(fashion_mnist: Dataset) -> Dataset:
    return part_of(fashion_mnist, 2_200, 1_000)


@pytest.fixture(scope="module")
def reference(part: Dataset) -> History:
    return history(FAULTY, part, "torch")


def apart(reference: History, candidate: History) -> float:
    return compare_histories(reference, candidate, FLOAT64_BOUND).losses


def assert_equal(reference: History, candidate: History) -> None:
    seen = compare_histories(reference, candidate, FLOAT64_BOUND)
    assert seen.departure is None
    assert seen.lrs == seen.accuracy == 0
    assert max(seen.train_loss, seen.avg_loss) <= FLOAT64_BOUND


def test_the_sound_twin_passes(part: Dataset, reference: History) -> None:
    assert_equal(reference, history(FAULTY, part, "jax"))


def test_a_rate_that_moves_every_epoch(part: Dataset) -> None:
    moving = SchedulerConfig("step_lr", {"step_size": 1, "gamma": 0.5}, "epoch")
    loop = replace(FAULTY.loop, epochs=3)
    config = replace(FAULTY, scheduler=moving, loop=loop)
    theirs = history(config, part, "torch")
    ours = history(config, part, "jax")
    assert_equal(theirs, ours)
    assert len(set(ours.lrs)) == 3
    early = ours.lrs[35:] + [ours.lrs[-1] / 2] * 35
    assert early != theirs.lrs


def test_a_mean_over_images_is_noticed(part: Dataset, reference: History) -> None:
    """The tutorial's mean is over batches: 1,000 images leave a last one of 40."""
    candidate = history(FAULTY, part, "jax")
    weighted = [replace(e, avg_loss=e.avg_loss * (1 + 1e-9)) for e in candidate.epochs]
    candidate.epochs = weighted
    seen = compare_histories(reference, candidate, FLOAT64_BOUND)
    assert seen.departure is None
    run = runs.RunCase(
        "fashion", "mean", FAULTY, "float64 run", FLOAT64_BOUND, "a reason"
    )
    pair = Twins("mean", reference, candidate, FLOAT64_BOUND)
    found = runs.verdicts(run, pair, "70 steps")
    assert [v.measure for v in found if not v.passed] == ["max |Δtest loss|"]


def test_a_part_of_the_data_is_what_both_train_on(part: Dataset) -> None:
    """Even where it still names the folder of the whole."""
    whole = replace(part, folder=load("auto").folder)
    config = replace(FAULTY, loop=replace(FAULTY.loop, epochs=1))
    steps = [len(history(config, whole, b).losses) for b in ("jax", "torch")]
    assert steps == [35, 35]


@pytest.mark.parametrize(
    "change",
    [
        {"optimizer": replace(FAULTY.optimizer, lr=0.1 * (1 + 1e-8))},
        {"optimizer": replace(FAULTY.optimizer, args={"momentum": 0.9 - 1e-8})},
        {"optimizer": replace(FAULTY.optimizer, args={})},
        {"scheduler": replace(FAULTY.scheduler, args={"step_size": 31})},
        {"scheduler": replace(FAULTY.scheduler, every="epoch")},
        {"data": replace(FAULTY.data, shuffle=False)},
        {"model": replace(FAULTY.model, dropout=0.2 + 1e-4)},
        {"model": replace(FAULTY.model, dropout_masks="jax")},
        {"loop": replace(FAULTY.loop, seed=1)},
        {"loop": replace(FAULTY.loop, dtype="float32")},
    ],
    ids=str,
)
def test_a_changed_run_is_noticed(
    change: dict[str, Any], part: Dataset, reference: History
) -> None:
    candidate = history(replace(FAULTY, **change), part, "jax")
    assert apart(reference, candidate) > FLOAT64_BOUND


def no_base_seed(generator: Generator, length: int, shuffle: bool) -> np.ndarray:
    order = np.arange(length)
    if shuffle:
        order = Generator(int(generator.random_())).randperm(length)
    return order


def no_draw_for_the_test(
    generator: Generator, length: int, shuffle: bool
) -> np.ndarray:
    return epoch_order(generator, length, shuffle) if shuffle else np.arange(length)


@pytest.mark.parametrize("broken", [no_base_seed, no_draw_for_the_test])
def test_a_forgotten_draw_is_noticed(
    broken: Callable[..., np.ndarray],
    part: Dataset,
    reference: History,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("jaxtrain.run.loop.epoch_order", broken)
    candidate = history(FAULTY, part, "jax")
    assert apart(reference, candidate) > FLOAT64_BOUND


def test_a_dropped_last_batch_is_noticed(
    part: Dataset, reference: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    def whole(order: np.ndarray, size: int, steps: int) -> list[np.ndarray]:
        return [order[: len(order) // size * size].reshape(-1, size)]

    monkeypatch.setattr("jaxtrain.run.loop.batches", whole)
    with pytest.raises(ConfigError, match="gives no batch after 34 of epoch 1"):
        history(FAULTY, part, "jax")
    count = len(part.train) // FAULTY.data.batch_size
    monkeypatch.setattr("jaxtrain.run.loop.batch_count", lambda *_: count)
    candidate = history(FAULTY, part, "jax")
    assert len(candidate.losses) < len(reference.losses)
    with pytest.raises(ValueError, match="shapes differ"):
        compare_histories(reference, candidate, FLOAT64_BOUND)


def test_float32_notices_a_rate_that_is_a_percent_off(part: Dataset) -> None:
    """Within a hundred steps; float64 shows an error of 1e-8."""
    config = replace(Config(), loop=LoopConfig(epochs=3))
    theirs = history(config, part, "torch")
    assert apart(theirs, history(config, part, "jax")) <= FLOAT32_BOUND
    off = replace(config, optimizer=OptimizerConfig(lr=1e-3 * 1.01))
    assert apart(theirs, history(off, part, "jax")) > FLOAT32_BOUND
