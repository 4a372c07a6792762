"""Runs that end before their last epoch, and are told so."""

from collections.abc import Iterator

import pytest

from jaxtrain.events import Epoch, Event, Resumed, Saved, Started, Steps, Stopped
from jaxtrain.run.config import FlowConfig
from jaxtrain.run.stopping import EndRun, ending


def epoch(number: int, loss: float) -> Epoch:
    return Epoch(number, loss, 50.0, loss, 1.0, 0.1)


def started(*past: float) -> Started:
    epochs = tuple(epoch(n, loss) for n, loss in enumerate(past, 1))
    resumed = Resumed("a folder", 10 * len(past), epochs) if past else None
    return Started("toy", "cpu", "a model", 1, {}, resumed)


class Backend:
    """Yields what it is given; saves when it is told to end."""

    def __init__(self, *events: Event):
        self.given, self.ended, self.closed = events, False, False

    def __call__(self) -> Iterator[Event]:
        try:
            yield from self.given
        except (EndRun, KeyboardInterrupt) as error:
            self.ended = True
            yield Saved(7, "a folder")
            if isinstance(error, KeyboardInterrupt):
                raise
        finally:
            self.closed = True


def seen(backend: Backend, **flow: float) -> list[Event]:
    return list(ending(backend(), FlowConfig(**flow)))


def losses(events: list[Event]) -> list[float]:
    return [event.avg_loss for event in events if isinstance(event, Epoch)]


def test_nothing_ends_a_run_that_was_not_asked_to_end() -> None:
    backend = Backend(started(), *(epoch(n, 2.0) for n in range(1, 5)))
    assert seen(backend) == list(backend.given)
    assert not backend.ended


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
    events = seen(backend, early_stopping=patience, min_delta=min_delta)
    assert losses(events) == expected
    stopped = expected != curve
    assert backend.ended is stopped
    assert isinstance(events[-1], Stopped) is stopped
    if stopped:
        assert events[-2] == Saved(7, "a folder")


def test_early_stopping_remembers_the_epochs_of_an_earlier_run() -> None:
    backend = Backend(started(3.0, 2.0, 2.5), epoch(4, 2.4), epoch(5, 1.0))
    assert losses(seen(backend, early_stopping=2)) == [2.4]
    at_once = Backend(started(3.0, 2.0, 2.5, 2.4), epoch(5, 1.0))
    events = seen(at_once, early_stopping=2)
    assert losses(events) == []
    assert isinstance(events[-1], Stopped)


def test_nan_is_no_lower_loss() -> None:
    backend = Backend(started(), *(epoch(n, float("nan")) for n in range(1, 5)))
    events = seen(backend, early_stopping=2)
    assert len(losses(events)) == 2
    assert "2 epochs" in events[-1].reason


def test_max_time_ends_at_a_report() -> None:
    steps = [Steps(1, first, [2.0], [0.1]) for first in range(3)]
    backend = Backend(started(), *steps)
    events = seen(backend, max_time=0.0)
    assert [type(event) for event in events] == [Started, Steps, Saved, Stopped]
    assert seen(Backend(started(), *steps), max_time=3600)[-1] == steps[-1]


def test_an_interrupt_comes_between_two_events() -> None:
    backend = Backend(started(), epoch(1, 2.0), epoch(2, 1.0))
    seen_by_now: list[Event] = []

    def noted(event: Event) -> Event:
        seen_by_now.append(event)
        return event

    def interrupt() -> None:
        if len(seen_by_now) == 2:
            raise KeyboardInterrupt(15)

    events = ending(backend(), FlowConfig(), interrupt)
    with pytest.raises(KeyboardInterrupt) as info:
        list(map(noted, events))
    assert info.value.args == (15,)
    assert seen_by_now == [*backend.given[:2], Saved(7, "a folder")]
    assert backend.ended


def test_a_reader_that_fails_is_no_reason_to_save() -> None:
    backend = Backend(started(), epoch(1, 2.0))
    events = ending(backend(), FlowConfig())
    next(events)
    events.close()
    assert backend.closed
    assert not backend.ended


def test_a_backend_that_cannot_be_told_just_ends() -> None:
    events = iter([started(), epoch(1, 2.0), epoch(2, 2.0), epoch(3, 2.0)])
    assert isinstance(list(ending(events, FlowConfig(early_stopping=1)))[-1], Stopped)
