"""Runs that are broken off and go on: bitwise those that were left alone."""

from collections.abc import Collection, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from jaxtrain.data import Dataset, Split
from jaxtrain.errors import ConfigError
from jaxtrain.optim import OPTIMIZERS
from jaxtrain.run.by_name import SCHEDULER
from jaxtrain.run.config import (
    Config,
    DataConfig,
    FlowConfig,
    LoopConfig,
    LossConfig,
    ModelConfig,
    OptimizerConfig,
    RecordsConfig,
    SchedulerConfig,
)
from jaxtrain.run.loop import run
from jaxtrain.run.rates import Rates
from jaxtrain.store import checkpoint
from jaxtrain.store.events import Epoch, Resumed, Started, Steps

REPORTS = 4
"""Steps between two reports, and so between two places where a run can end."""
BATCHES = 13


def config(out: Path, resume: str | None, **parts: Any) -> Config:
    usual = {
        "loop": LoopConfig(epochs=2, seed=3),
        "model": ModelConfig(hidden=(8,), dropout=0.2),
        "data": DataConfig(batch_size=16, shuffle=True),
    }
    records = RecordsConfig(out, resume, save_every=0, monitor=REPORTS)
    return Config(**{**usual, **parts}, records=records)


class Ran(NamedTuple):
    """What is left of a run."""

    losses: list[float]
    lrs: list[Any]
    epochs: list[tuple[float, ...]]
    arrays: dict[str, bytes]
    resumed: Resumed | None


def carried_out(config: Config, dataset: Dataset, end: int | None = None) -> Ran:
    """A run, ended after so many reports if that is asked for."""
    reports = 0

    def stop() -> str | None:
        return "enough" if reports == end else None

    events = []
    for event in run(config, dataset, stop):
        events.append(event)
        reports += isinstance(event, Steps | Epoch)
        # The device may have been ahead by one report.
        end = reports if end is not None and reports > end else end
    started = events[0]
    assert isinstance(started, Started)
    steps = [event for event in events if isinstance(event, Steps)]
    past = started.resumed.past if started.resumed else ()
    epochs = (*past, *(event for event in events if isinstance(event, Epoch)))
    assert config.records.out is not None
    found = checkpoint.read(config.records.out / "checkpoints").checkpoint
    assert found is not None
    return Ran(
        [loss for event in steps for loss in event.losses],
        [lr for event in steps for lr in event.lrs],
        [(e.epoch, e.train_loss, e.accuracy, e.avg_loss) for e in epochs],
        {name: array.tobytes() for name, array in found.arrays.items()},
        started.resumed,
    )


def check_resumed(
    tmp_path: Path, dataset: Dataset, ends: tuple[int, ...], **parts: Any
) -> None:
    whole = carried_out(config(tmp_path / "whole", None, **parts), dataset)
    assert np.isfinite(whole.losses).all()
    assert len(whole.losses) == 2 * BATCHES
    # bfloat16 has few values between two and three.
    assert len(set(whole.losses)) >= 8
    for end in ends:
        out = tmp_path / f"ended-{end}"
        first = carried_out(config(out, "auto", **parts), dataset, end)
        second = carried_out(config(out, "auto", **parts), dataset)
        assert second.resumed is not None
        done = second.resumed.steps
        assert first.losses[:done] + second.losses == whole.losses
        assert first.lrs[:done] + second.lrs == whole.lrs
        assert second.epochs == whole.epochs
        assert second.arrays == whole.arrays


def some(names: Iterable[Any], always: Collection[Any]) -> list[Any]:
    """All of the names, of which most are left to the long tests."""
    return [
        pytest.param(name, marks=() if name in always else pytest.mark.long)
        for name in names
    ]


# In mid-epoch, between training and test, at an epoch's end, in the second epoch.
PLACES = (1, 4, 5, 7)


@pytest.mark.parametrize("end", some(PLACES, (4, 7)))
def test_every_place(end: int, tmp_path: Path, tiny: Dataset) -> None:
    check_resumed(
        tmp_path,
        tiny,
        (end,),
        optimizer=OptimizerConfig("adam", 1e-2),
        flow=FlowConfig(ema=0.9, accumulate=3, clip_grad_norm=1.0),
        data=DataConfig(
            batch_size=16, shuffle=True, augment=("random_crop(padding=4)",)
        ),
    )


@pytest.mark.parametrize("name", some(OPTIMIZERS, ("adafactor", "lbfgs", "sgd")))
def test_every_optimizer(name: str, tmp_path: Path, tiny: Dataset) -> None:
    args = {"momentum": 0.9} if name in ("sgd", "rmsprop") else {}
    parts: dict[str, Any] = {"optimizer": OptimizerConfig(name, 1e-2, args)}
    if name == "lbfgs":
        parts["model"] = ModelConfig(hidden=(8,))
    check_resumed(tmp_path, tiny, (2,), **parts)


ARGUMENTS: dict[str, dict[str, Any]] = {
    "chained_scheduler": {"schedulers": "constant_lr(),exponential_lr(gamma=0.9)"},
    "cosine_annealing_lr": {"T_max": 20},
    "cosine_annealing_warm_restarts": {"T_0": 3},
    "cyclic_lr": {"base_lr": 1e-3, "max_lr": 1e-2, "step_size_up": 3},
    "exponential_lr": {"gamma": 0.9},
    "geometric": {"ratio": 0.5, "total_iters": 20},
    "multi_step_lr": {"milestones": (3, 9)},
    "one_cycle_lr": {"max_lr": 0.1, "total_steps": 40},
    "polynomial_lr": {"total_iters": 20},
    "reduce_lr_on_plateau": {"patience": 0, "threshold": 0.5},
    "sequential_lr": {
        "schedulers": "constant_lr(),exponential_lr(gamma=0.9)",
        "milestones": (5,),
    },
    "step_lr": {"step_size": 3},
    "swa_lr": {"swa_lr": 1e-3},
}


@pytest.mark.parametrize(
    "name", some(SCHEDULER.names, ("one_cycle_lr", "reduce_lr_on_plateau"))
)
def test_every_scheduler(name: str, tmp_path: Path, tiny: Dataset) -> None:
    every = "epoch" if name == "reduce_lr_on_plateau" else "step"
    check_resumed(
        tmp_path,
        tiny,
        (5,) if name == "reduce_lr_on_plateau" else (2,),
        optimizer=OptimizerConfig("sgd", 0.05, {"momentum": 0.9}),
        scheduler=SchedulerConfig(name, ARGUMENTS.get(name, {}), every),
    )


@pytest.mark.parametrize(
    ("every", "seen"), [("step", True), ("epoch", True), ("step", False)]
)
def test_a_checkpoint_without_the_scheduler_s_state(
    every: str,
    seen: bool,
    tmp_path: Path,
    tiny: Dataset,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As earlier versions wrote them: the schedule goes on from the run's place."""
    parts: dict[str, Any] = {
        "scheduler": SchedulerConfig("exponential_lr", {"gamma": 0.9}, every),
        "flow": FlowConfig(accumulate=3),
    }
    whole = carried_out(config(tmp_path / "whole", None, **parts), tiny)
    carried_out(config(tmp_path / "ended", None, **parts), tiny, 5)
    found = checkpoint.read(tmp_path / "ended" / "checkpoints").checkpoint
    assert found is not None
    assert found.meta["rates"]["gamma"] == 0.9
    with checkpoint.Store.open(tmp_path / "old" / "checkpoints") as store:
        store.save(found.step, found.arrays, {**found.meta, "rates": None})
    if not seen:  # a schedule that begins anew
        load = Rates.load
        monkeypatch.setattr(
            Rates, "load", lambda self, state, *done: load(self, state, 0, 0)
        )
    rest = carried_out(config(tmp_path / "new", str(tmp_path / "old"), **parts), tiny)
    assert (rest.lrs == whole.lrs[-len(rest.lrs) :]) is seen
    assert (rest.losses == whole.losses[-len(rest.lrs) :]) is seen


STATES: dict[str, dict[str, Any]] = {
    "batch norm": {"model": ModelConfig("cnn", dropout=0.1)},
    "jax masks": {
        "model": ModelConfig(hidden=(8,), dropout=0.2, dropout_masks="jax"),
        "loss": LossConfig(l2=1e-3),
        "flow": FlowConfig(swa=1),
    },
    "bfloat16": {"loop": LoopConfig(epochs=2, dtype="bfloat16")},
    "float64": {"loop": LoopConfig(epochs=2, dtype="float64")},
}


@pytest.mark.parametrize("name", some(STATES, ("jax masks", "float64")))
def test_every_state(name: str, tmp_path: Path, tiny: Dataset) -> None:
    check_resumed(tmp_path, tiny, (2,), **STATES[name])


def test_a_run_that_forgot_something_is_seen(
    tmp_path: Path, tiny: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    from jaxtrain.rng import Generator

    whole = carried_out(config(tmp_path / "whole", None), tiny)
    out = tmp_path / "ended"
    carried_out(config(out, "auto"), tiny, 2)
    kept = Generator.set_state
    monkeypatch.setattr(
        Generator, "set_state", lambda self, state: kept(self, Generator(4).get_state())
    )
    second = carried_out(config(out, "auto"), tiny)
    assert second.losses != whole.losses[-len(second.losses) :]
    assert second.arrays != whole.arrays


def test_reports_of_another_length_skip_nothing(tmp_path: Path, tiny: Dataset) -> None:
    whole = carried_out(config(tmp_path / "whole", None), tiny)
    out = tmp_path / "ended"
    carried_out(config(out, "auto"), tiny, 2)
    otherwise = config(out, "auto")
    records = replace(otherwise.records, monitor=3)
    second = carried_out(replace(otherwise, records=records), tiny)
    assert second.resumed is not None
    assert 0 < second.resumed.steps < BATCHES
    rest = whole.losses[second.resumed.steps :]
    assert len(second.losses) == len(rest)
    # Chunks of another length may be rounded otherwise.
    assert np.allclose(second.losses, rest, rtol=1e-5, atol=0)


def test_after_the_end_there_is_nothing_to_do(tmp_path: Path, tiny: Dataset) -> None:
    whole = carried_out(config(tmp_path, None), tiny)
    again = carried_out(config(tmp_path, "auto"), tiny)
    assert again.resumed is not None
    assert again.resumed.steps == 2 * BATCHES
    assert again.losses == []
    assert (again.epochs, again.arrays) == (whole.epochs, whole.arrays)


def test_a_schedule_may_end_with_the_run(tmp_path: Path, tiny: Dataset) -> None:
    """The scheduler's step after the last update has no value, and is not needed."""
    ends = {"max_lr": 0.1, "total_steps": 2 * BATCHES - 1}
    parts: dict[str, Any] = {
        "optimizer": OptimizerConfig("sgd", 0.05, {"momentum": 0.9}),
        "scheduler": SchedulerConfig("one_cycle_lr", ends, "step"),
    }
    whole = carried_out(config(tmp_path, None, **parts), tiny)
    again = carried_out(config(tmp_path, "auto", **parts), tiny)
    assert (again.losses, again.arrays) == ([], whole.arrays)
    parts["loop"] = LoopConfig(epochs=3, seed=3)
    with pytest.raises(ConfigError, match="one too many"):
        carried_out(config(tmp_path, "auto", **parts), tiny)


def test_more_epochs_go_on_where_fewer_ended(tmp_path: Path, tiny: Dataset) -> None:
    loops = [LoopConfig(epochs=count, seed=3) for count in (2, 1)]
    whole = carried_out(config(tmp_path / "whole", None, loop=loops[0]), tiny)
    carried_out(config(tmp_path / "part", None, loop=loops[1]), tiny)
    rest = carried_out(config(tmp_path / "part", "auto", loop=loops[0]), tiny)
    assert rest.losses == whole.losses[BATCHES:]
    assert rest.arrays == whole.arrays


def test_another_run_is_refused_with_what_differs(
    tmp_path: Path, tiny: Dataset
) -> None:
    carried_out(config(tmp_path, None), tiny, 1)
    other = config(tmp_path, "auto", model=ModelConfig(hidden=(9,), dropout=0.2))
    with pytest.raises(ConfigError, match=r"model\.hidden \[8\], now \[9\]"):
        carried_out(other, tiny)
    seed = config(tmp_path, "auto", loop=LoopConfig(epochs=2, seed=4))
    with pytest.raises(ConfigError, match=r"loop\.seed 3, now 4"):
        carried_out(seed, tiny)
    data = replace(tiny, sha256={"train": "another"})
    with pytest.raises(ConfigError, match="data train has another SHA-256"):
        carried_out(config(tmp_path, "auto"), data)


def test_a_folder_with_a_run_is_not_begun_anew(tmp_path: Path, tiny: Dataset) -> None:
    carried_out(config(tmp_path, None), tiny, 1)
    with pytest.raises(ConfigError, match="--resume auto to go on"):
        carried_out(config(tmp_path, None), tiny)


def test_a_damaged_checkpoint_is_passed_over(tmp_path: Path, tiny: Dataset) -> None:
    whole = carried_out(config(tmp_path / "whole", None), tiny)
    out = tmp_path / "ended"
    carried_out(config(out, "auto"), tiny, 3)
    newest = max((out / "checkpoints").glob("step-*"))
    content = bytearray((newest / "state.safetensors").read_bytes())
    content[-1] ^= 1
    (newest / "state.safetensors").write_bytes(content)
    second = carried_out(config(out, "auto"), tiny)
    assert second.resumed is not None
    assert newest.name in second.resumed.problems[0]
    assert second.arrays == whole.arrays


def test_only_a_run_can_be_gone_on_with(tmp_path: Path, tiny: Dataset) -> None:
    with pytest.raises(ConfigError, match="holds no checkpoint"):
        carried_out(config(tmp_path, str(tmp_path / "nothing")), tiny)
    carried_out(config(tmp_path / "a", None), tiny, 2)
    whole = carried_out(config(tmp_path / "whole", None), tiny)
    other = carried_out(config(tmp_path / "b", str(tmp_path / "a")), tiny)
    assert other.arrays == whole.arrays


def test_images_are_part_of_what_is_the_same(tmp_path: Path, tiny: Dataset) -> None:
    split = Split(tiny.train.images[:180], tiny.train.labels[:180])
    fewer = replace(tiny, train=split, sha256={"train": "fewer"})
    carried_out(config(tmp_path, None), tiny, 1)
    with pytest.raises(ConfigError, match="SHA-256"):
        carried_out(config(tmp_path, "auto"), fewer)
