"""What a run gives: the events that a backend yields, and the record made of them."""

import json
import math
import operator
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import reduce
from pathlib import Path
from typing import Any, NamedTuple

from jaxtrain import __version__, atomic

SCHEMA = "jaxtrain.history/1"
PYTHON = ".".join(map(str, sys.version_info[:3]))


@dataclass(frozen=True)
class Started:
    """A run is about to train."""

    backend: str
    device: str
    """The device in words, such as `cpu` or `gpu (NVIDIA H200)`."""
    model: str
    parameters: int
    versions: Mapping[str, str]


@dataclass(frozen=True)
class Steps:
    """Consecutive optimiser steps of one epoch are done."""

    epoch: int
    """From 1."""
    first: int
    """Number of the first of them within the epoch, from 0."""
    losses: Sequence[float]
    """Loss of each batch, before its update."""
    lrs: Sequence[float | list[float]]
    """Learning rate of each update; a list where there are groups."""
    momenta: Sequence[float] = ()
    """Momentum of each update, where it moves."""


@dataclass(frozen=True)
class Epoch:
    """An epoch is trained and tested."""

    epoch: int
    train_loss: float
    """Mean of the epoch's batch losses, taken while the weights moved."""
    accuracy: float
    """Test images named right, in percent."""
    avg_loss: float
    """Mean over the test batches, the last and smaller one counting as much."""
    train_seconds: float
    test_seconds: float


Event = Started | Steps | Epoch


@dataclass
class History:
    """One run: its configuration, every loss and learning rate, and its epochs.

    Example:
        >>> history = History(config={}, data={})
        >>> history.add(Steps(epoch=1, first=0, losses=[2.3, 2.2], lrs=[0.1, 0.1]))
        >>> history.losses
        [2.3, 2.2]
    """

    config: Mapping[str, Any]
    data: Mapping[str, Any]
    """The data set's name, source and SHA-256 sums."""
    losses: list[float] = field(default_factory=list)
    lrs: list[Any] = field(default_factory=list)
    momenta: list[float] = field(default_factory=list)
    epochs: list[Epoch] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)

    def add(self, event: Event) -> None:
        """Take in what a backend yielded."""
        match event:
            case Started():
                self.versions = {"jaxtrain": __version__, "python": PYTHON}
                self.versions |= event.versions
            case Steps():
                self.losses.extend(event.losses)
                self.lrs.extend(event.lrs)
                self.momenta.extend(event.momenta)
            case Epoch():
                self.epochs.append(event)

    def extend(self, events: Iterable[Event]) -> "History":
        """Take in all of a run's events; returns the history itself."""
        for event in events:
            self.add(event)
        return self

    def to_json(self) -> str:
        """The history as JSON, with null for every number that is not finite."""
        content = {"schema": SCHEMA} | asdict(self)
        return json.dumps(_jsonable(content))

    def save(self, path: Path) -> None:
        """Write the JSON; the file is whole or not there.

        Raises:
            OSError: the file cannot be written.
        """
        atomic.write_text(path, self.to_json() + "\n")

    @classmethod
    def load(cls, path: Path) -> "History":
        """Read what `save` wrote; null becomes NaN again.

        Raises:
            OSError: the file cannot be read.
            ValueError: the file holds no history of this schema.
        """
        try:
            content = json.loads(path.read_bytes())
            if content.pop("schema") != SCHEMA:
                raise ValueError(f"its schema is not {SCHEMA}")
            for name in ("losses", "lrs", "momenta", "epochs"):
                content[name] = _restored(content[name])
            content["epochs"] = [Epoch(**epoch) for epoch in content["epochs"]]
            return cls(**content)
        except (ValueError, TypeError, LookupError, AttributeError) as error:
            raise ValueError(f"{path} holds no {SCHEMA}: {error}") from error


def _jsonable(value: Any) -> Any:
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, Mapping):
        return {key: _jsonable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_jsonable(item) for item in value]
    # A plug-in may have yielded NumPy's numbers, which JSON does not know.
    number = float(value)
    return number if math.isfinite(number) else None


def _restored(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _restored(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_restored(item) for item in value]
    return math.nan if value is None else value


class Evaluation(NamedTuple):
    """What a test of the model gives; see `Epoch`."""

    accuracy: float
    avg_loss: float


def epoch_events(
    epoch: int, steps: Iterable[Steps], test: Callable[[], Evaluation]
) -> Iterator[Event]:
    """The steps of an epoch as they come, then the epoch with its test.

    Args:
        epoch: its number, from 1.
        steps: trains as it is read.
        test: tests the model, once the steps are all read.
    """
    start = time.perf_counter()
    losses: list[float] = []
    for some in steps:
        losses += some.losses
        yield some
    trained = time.perf_counter()
    tested = test()
    yield Epoch(
        epoch=epoch,
        train_loss=mean(losses),
        accuracy=tested.accuracy,
        avg_loss=tested.avg_loss,
        train_seconds=trained - start,
        test_seconds=time.perf_counter() - trained,
    )


def mean(values: Sequence[float]) -> float:
    """The mean of batch losses, added one after another as PyTorch's loops do.

    Python's own `sum` compensates its rounding from version 3.12 on.

    Example:
        >>> mean([2.0, 1.0])
        1.5
    """
    return reduce(operator.add, values) / len(values)
