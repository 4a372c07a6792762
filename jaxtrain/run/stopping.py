"""What a run trains on, and when it ends before its last epoch."""

import math
import time
from collections.abc import Callable, Generator, Iterator

from jaxtrain.data import Dataset
from jaxtrain.data.dataset import first_batches, keep_validation
from jaxtrain.events import Epoch, Event, Started, Steps, Stopped
from jaxtrain.run.config import Config, FlowConfig


def chosen_images(config: Config, dataset: Dataset) -> Dataset:
    """The images that a run trains and tests on, of all that there are.

    Raises:
        DataError: there are not enough.
    """
    chosen = config.data
    if chosen.validation and dataset.validation is None:
        return keep_validation(dataset, chosen.validation, config.loop.seed)
    if chosen.overfit_batches is not None:
        return first_batches(dataset, chosen.overfit_batches, chosen.batch_size)
    return dataset


class EndRun(Exception):
    """Thrown into a backend that is to end now; what it saves, it still yields."""


def ending(
    events: Iterator[Event],
    flow: FlowConfig,
    interrupt: Callable[[], None] = lambda: None,
) -> Iterator[Event]:
    """Pass a backend's events on until it is time to end.

    Whatever ends the run is thrown into the backend between two events, when those
    before are dealt with: a backend that can save its state does so there.

    Args:
        events: what the backend yields.
        flow: says when to end.
        interrupt: raises `KeyboardInterrupt` if the user wants an end.
    """
    rules: list[_Patience | _Clock] = [_Patience(flow), _Clock(flow)]
    for event in events:
        yield event
        try:
            interrupt()
        except KeyboardInterrupt as error:
            yield from _thrown(events, error)
            raise
        reasons = [rule.reason(seen) for seen in _made(event) for rule in rules]
        if any(reasons):
            yield from _thrown(events, EndRun())
            yield Stopped(next(filter(None, reasons)))
            return


def _made(event: Event) -> Iterator[Event]:
    """An event, after the epochs that an earlier run has left behind."""
    if isinstance(event, Started) and event.resumed is not None:
        yield from event.resumed.past
    yield event


def _thrown(events: Iterator[Event], error: BaseException) -> Iterator[Event]:
    """What a backend yields on being told to end."""
    if not isinstance(events, Generator):
        return
    try:
        yield events.throw(error)
        yield from events
    except (StopIteration, type(error)):
        return


class _Patience:
    """Ends when the loss of the tests has stopped falling."""

    def __init__(self, flow: FlowConfig):
        self.patience = math.inf if flow.early_stopping is None else flow.early_stopping
        self.min_delta = flow.min_delta
        self.best, self.at = math.inf, 0

    def reason(self, event: Event) -> str | None:
        if not isinstance(event, Epoch):
            return None
        if event.avg_loss < self.best - self.min_delta:
            self.best, self.at = event.avg_loss, event.epoch
        if event.epoch - self.at < self.patience:
            return None
        return (
            f"no epoch since {self.at} has a lower loss than its {self.best:.6f}"
            if self.at
            else f"no loss is below infinity after {event.epoch} epochs"
        )


class _Clock:
    """Ends when the time is up."""

    def __init__(self, flow: FlowConfig):
        self.limit = math.inf if flow.max_time is None else flow.max_time
        self.start = time.monotonic()

    def reason(self, event: Event) -> str | None:
        passed = time.monotonic() - self.start
        if isinstance(event, Steps | Epoch) and passed > self.limit:
            return f"{passed:.1f} s have passed, more than the {self.limit:g} asked for"
        return None
