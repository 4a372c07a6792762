"""Runs that are asked to end before their last epoch, and by what."""

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from jaxtrain.data import Dataset
from jaxtrain.run.backends import running
from jaxtrain.run.config import (
    Config,
    DataConfig,
    FlowConfig,
    ModelConfig,
    RecordsConfig,
)
from jaxtrain.run.loop import run
from jaxtrain.run.stopping import Limits, Stop, never
from jaxtrain.store import checkpoint
from jaxtrain.store.events import Epoch, Event, Resumed, Saved, Started, Steps, Stopped


def epoch(number: int, loss: float) -> Epoch:
    return Epoch(number, loss, 50.0, loss, 1.0, 0.1)


def started(*past: float) -> Started:
    epochs = tuple(epoch(n, loss) for n, loss in enumerate(past, 1))
    resumed = Resumed("a folder", 10 * len(past), epochs) if past else None
    return Started("toy", "cpu", "a model", 1, {}, resumed)


class Backend:
    """Yields what it is given; saves when it is asked to end."""

    def __init__(self, *events: Event):
        self.given, self.closed = events, False

    def asked(
        self, config: Config, data: object, stop: Stop = never
    ) -> Iterator[Event]:
        for event in self.given:
            yield event
            if reason := stop():
                yield Saved(7, "a folder")
                yield Stopped(reason)
                return

    def unasked(self, config: Config, data: object) -> Iterator[Event]:
        try:
            yield from self.given
        finally:
            self.closed = True

    def listed(self, config: Config, data: object) -> Iterator[Event]:
        return iter(self.given)


def seen(
    backend: Callable[..., Iterator[Event]], asked: Stop = never, **flow: float
) -> list[Event]:
    limits, told = Limits(FlowConfig(**flow), asked), []
    with running(backend, Config(), None, limits) as events:  # type: ignore[arg-type]
        for event in events:
            limits.see(event)
            told.append(event)
    return told


def losses(events: list[Event]) -> list[float]:
    return [event.avg_loss for event in events if isinstance(event, Epoch)]


def test_nothing_ends_a_run_that_was_not_asked_to_end() -> None:
    backend = Backend(started(), *(epoch(n, 2.0) for n in range(1, 5)))
    assert seen(backend.asked) == seen(backend.unasked) == list(backend.given)


@pytest.mark.parametrize(
    ("patience", "min_delta", "expected"),
    [
        (1, 0.0, [3.0, 2.0, 2.0]),
        (2, 0.0, [3.0, 2.0, 2.0, 1.9, 1.8, 1.9, 1.85]),
        (2, 0.15, [3.0, 2.0, 2.0, 1.9]),
        (9, 0.0, [3.0, 2.0, 2.0, 1.9, 1.8, 1.9, 1.85, 1.9]),
    ],
)
def test_early_stopping(patience: int, min_delta: float, expected: list[float]) -> None:
    curve = [3.0, 2.0, 2.0, 1.9, 1.8, 1.9, 1.85, 1.9]
    backend = Backend(started(), *(epoch(n, x) for n, x in enumerate(curve, 1)))
    events = seen(backend.asked, early_stopping=patience, min_delta=min_delta)
    assert losses(events) == expected
    stopped = expected != curve
    assert isinstance(events[-1], Stopped) is stopped
    assert (Saved(7, "a folder") in events) is stopped


def test_early_stopping_remembers_the_epochs_of_an_earlier_run() -> None:
    backend = Backend(started(3.0, 2.0, 2.5), epoch(4, 2.4), epoch(5, 1.0))
    assert losses(seen(backend.asked, early_stopping=2)) == [2.4]
    at_once = Backend(started(3.0, 2.0, 2.5, 2.4), epoch(5, 1.0))
    events = seen(at_once.asked, early_stopping=2)
    assert losses(events) == []
    assert isinstance(events[-1], Stopped)


def test_nan_is_no_lower_loss() -> None:
    backend = Backend(started(), *(epoch(n, float("nan")) for n in range(1, 5)))
    events = seen(backend.asked, early_stopping=2)
    assert len(losses(events)) == 2
    assert "2 epochs" in events[-1].reason  # type: ignore[union-attr]


def test_max_time_ends_at_a_report() -> None:
    steps = [Steps(1, first, [2.0], [0.1]) for first in range(3)]
    backend = Backend(started(), *steps)
    events = seen(backend.asked, max_time=0.0)
    assert [type(event) for event in events] == [Started, Steps, Saved, Stopped]
    assert seen(Backend(started(), *steps).asked, max_time=3600)[-1] == steps[-1]


def test_a_backend_that_is_not_asked_is_read_no_further() -> None:
    given = [started(), epoch(1, 2.0), epoch(2, 2.0), epoch(3, 2.0)]
    backend = Backend(*given)
    for way in (backend.unasked, backend.listed):
        events = seen(way, early_stopping=1)
        assert events[:-1] == given[:3]
        assert isinstance(events[-1], Stopped)
    assert backend.closed


def test_a_backend_that_is_left_is_closed() -> None:
    backend = Backend(started(), epoch(1, 2.0))
    with running(backend.unasked, Config(), None, never) as events:  # type: ignore[arg-type]
        next(events)
    assert backend.closed


def small(out: Path) -> Config:
    return Config(
        model=ModelConfig(hidden=(8,)),
        data=DataConfig(batch_size=16),
        records=RecordsConfig(out, monitor=4, save_every=1e9),
    )


@pytest.mark.parametrize("asks", [1, 2, 3, 4, 6, 7])
def test_what_is_told_is_saved_whenever_a_run_is_asked(
    asks: int, tmp_path: Path, tiny: Dataset
) -> None:
    """Before the first chunk, in an epoch, between training and test, after it."""
    count = iter(range(asks))
    events = list(run(small(tmp_path), tiny, lambda: "enough" * (next(count, -1) < 0)))
    done = [loss for e in events if isinstance(e, Steps) for loss in e.losses]
    found = checkpoint.read(tmp_path / "checkpoints").checkpoint
    assert found is not None
    assert found.step == len(done)
    assert np.array_equal(found.arrays["losses"], done[13 * len(found.meta["past"]) :])
    assert Stopped("enough") in events
    assert len(done) == min(4 * max(asks - 1, 0), 13) or asks == 7


def test_an_end_that_is_asked_for_once_is_no_end_of_an_epoch(
    tmp_path: Path, tiny: Dataset
) -> None:
    count = iter(range(5))
    stop = {2: "a whim"}
    events = list(run(small(tmp_path), tiny, lambda: stop.get(next(count, 9))))
    steps = [loss for e in events if isinstance(e, Steps) for loss in e.losses]
    assert len(steps) % 13 == 0


def test_a_signal_that_nobody_handles_ends_nothing_here() -> None:
    """The library sets no handlers; a run reads what it is given alone."""
    before = [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)]
    backend = Backend(started(), epoch(1, 2.0))
    assert isinstance(seen(backend.asked, lambda: "ended by SIGTERM")[-1], Stopped)
    assert [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)] == before
