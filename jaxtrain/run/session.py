"""A run from its beginning to its end, whatever is trained: the loop of every run."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Generic, TypeVar

import jax
import numpy as np

from jaxtrain.errors import ConfigError
from jaxtrain.rng import Generator
from jaxtrain.run.checkpoints import Checkpoints
from jaxtrain.run.place import Place, Point
from jaxtrain.run.rates import Rates
from jaxtrain.run.stopping import Stop
from jaxtrain.store.events import (
    Epoch,
    Evaluation,
    Event,
    Sampled,
    Started,
    Steps,
    Stopped,
    epoch_with_test,
)
from jaxtrain.training.fault import Fault
from jaxtrain.training.numerics import Numerics

Piece = TypeVar("Piece")
"""What is handed to the device at once: row numbers, or batches."""
Pending = TypeVar("Pending")
"""What the device works on."""


class Session(ABC, Generic[Piece, Pending]):
    """What every run does in the same order; what is trained, a subclass knows.

    The device works on a piece while the one before is read. A checkpoint is written
    where it has nothing more to do, so that it holds what was told and nothing else.
    """

    generator: Generator
    """Stands for PyTorch's default generator."""
    rates: Rates
    numerics: Numerics
    place: Place
    past: tuple[Epoch, ...] = ()

    def __init__(self) -> None:
        self.has_report = False
        self.losses: list[float] = []
        """Of the epoch's batches that were read."""
        self.start_time = 0.0

    def events(self, stop: Stop, checkpoints: Checkpoints) -> Iterator[Event]:
        """Train; the run goes on as its events are read.

        Args:
            stop: asked between two pieces. When it gives a reason, the run says what
                the device has done, saves it, and ends.
            checkpoints: of the run's folder, if it has one.

        Raises:
            ConfigError: what the run is to go on from does not fit.
            TrainingFault: a number is not finite.
        """
        with self.numerics.active():
            point, resumption = checkpoints.restore(self.point())
        self.go_to(point)
        if resumption is not None:
            resumption = replace(resumption, recent=self.recent(point.losses))
        yield replace(self.start_event(), resumed=resumption)
        yield from checkpoints.save(self.point())
        while self.goes_on() and not stop():
            steps = self.place.steps
            yield from self.train(stop, checkpoints)
            if self.is_epoch_over() and not stop():
                yield self.end_epoch()
            elif self.place.steps == steps and not stop():
                raise ConfigError(
                    f"the data gives no batch after {self.place.batch} of epoch "
                    f"{self.place.epoch}, which is to have more"
                )
            yield from checkpoints.save(self.point())
        if reason := stop():
            yield Stopped(reason)
        yield from self.last_events()

    @abstractmethod
    def start_event(self) -> Started:
        """What the run is."""

    @abstractmethod
    def point(self) -> Point:
        """The point at which the run is; the device has nothing more to do."""

    @abstractmethod
    def go_to(self, point: Point) -> None:
        """Have the run go on from a point."""

    @abstractmethod
    def recent(self, losses: Sequence[float]) -> Steps | None:
        """The epoch's steps that are done, given their losses."""

    @abstractmethod
    def goes_on(self) -> bool:
        """Whether anything is left to train."""

    @abstractmethod
    def is_epoch_over(self) -> bool:
        """Whether all batches of the epoch are done."""

    @abstractmethod
    def pieces(self) -> Iterator[Piece]:
        """What is left of the epoch."""

    @abstractmethod
    def dispatch(self, piece: Piece) -> Pending:
        """Hand a piece to the device; the run's place is after it."""

    @abstractmethod
    def read(self, pending: Pending) -> tuple[Steps, Fault | None]:
        """A piece's steps, up to the first with a number that is not finite."""

    @abstractmethod
    def look(self, pending: Pending, fault: Fault | None) -> Sampled | None:
        """What a piece whose steps were told looks like from inside.

        Raises:
            TrainingFault: it has a number that is not finite.
        """

    @abstractmethod
    def test(self) -> Evaluation:
        """Test after an epoch."""

    @abstractmethod
    def new_order(self) -> Any:
        """Of a place at the beginning of an epoch: what its order is drawn from."""

    def last_events(self) -> Iterator[Event]:
        """What is said at the end."""
        return iter(())

    def train(self, stop: Stop, checkpoints: Checkpoints) -> Iterator[Event]:
        """What is left of an epoch; the device works on a piece while one is read."""
        self.start_time = time.perf_counter() - self.place.seconds
        pieces, previous = self.pieces(), deque[Pending]()
        failure: Exception | None = None
        while True:
            try:
                piece = None if stop() else next(pieces, None)
            except Exception as error:
                # What was done before it is told and saved first.
                piece, failure = None, error
            if piece is not None:
                previous.append(self.dispatch(piece))
            idle = piece is None or checkpoints.due()
            while len(previous) > (0 if idle else 1):
                pending = previous.popleft()
                steps, fault = self.read(pending)
                yield steps
                self.has_report = True
                sample = self.look(pending, fault)
                if sample is not None:
                    yield sample
            if idle and (piece is not None or failure is not None):
                yield from checkpoints.save(self.point())
            if failure is not None:
                raise failure
            if piece is None:
                return

    def end_epoch(self) -> Epoch:
        """Test after an epoch that is trained, and go on to the next."""
        place = self.place
        event = epoch_with_test(place.epoch, self.losses, self.seconds(), self.test)
        self.rates.end_epoch(event.avg_loss)
        order = self.new_order()
        self.move(epoch=place.epoch + 1, batch=0, seconds=0.0, order=order)
        self.past, self.losses = (*self.past, event), []
        return event

    def move(self, **changes: Any) -> None:
        """Set the place at which the run is."""
        now, rates = self.generator.get_state(), self.rates.state()
        self.place = self.place._replace(generator=now, rates=rates, **changes)

    def seconds(self) -> float:
        """Time that the epoch was trained for until now."""
        return time.perf_counter() - self.start_time


def ends_update(accumulate: int, batches: int, first: int, count: int) -> np.ndarray:
    """For each of the next batches, whether its gradient is the last of an update.

    Those that are left at the end of an epoch make an update of their own.

    Args:
        accumulate: batches of an update.
        batches: of an epoch.
        first: number of the next batch in the epoch, from 0.
        count: how many are meant.

    Returns:
        bool array, (count,).
    """
    counts = np.arange(first, first + count) + 1
    return (counts % accumulate == 0) | (counts == batches)


def device_in_words(device: jax.Device) -> str:
    """A device, such as `cpu` or `gpu (NVIDIA H200)`."""
    kind = device.device_kind
    return device.platform + (f" ({kind})" if kind != device.platform else "")


def floats(values: Any) -> list[float]:
    """Numbers of a device on the host; reading them waits."""
    return np.asarray(values).astype(np.float64).tolist()
