"""A run made up: the events of a backend that computes nothing, resumable anywhere."""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from jaxtrain.data import Dataset, Split
from jaxtrain.store.events import (
    Epoch,
    Event,
    Resumed,
    Sampled,
    Saved,
    Started,
    Steps,
    Tested,
    Warned,
)
from jaxtrain.store.run_folder import RunFolder

EPOCHS, BATCHES, CHUNK = 3, 7, 3
BATCH_SIZE = 30
CONFIG = {
    "data": {"batch_size": BATCH_SIZE, "validation": 0.0},
    "optimizer": {"name": "sgd", "lr": 0.1, "args": {}},
    "loop": {"epochs": EPOCHS, "seed": 0},
    "records": {"history": None},
}
ABOUT = {"name": "toy", "source": "here", "sha256": {"images": "00ff"}}
CLASSES = ("coat", "shirt", "bag")


def toy_data(seed: int = 0) -> Dataset:
    """200 images to train, so that the last of 7 batches is smaller, and 70 to test."""
    generator = np.random.default_rng(seed)

    def split(size: int) -> Split:
        images = generator.integers(0, 256, (size, 28, 28), dtype=np.uint8)
        return Split(images, generator.integers(0, 3, size, dtype=np.uint8))

    return Dataset("toy", split(200), split(70), CLASSES, "here", {}, None)


DATA = toy_data()


def loss(step: int) -> float:
    return math.nan if step == 11 else 2.3 / (1 + step) + 0.01 * math.sin(step)


def steps(epoch: int, first: int, count: int) -> Steps:
    numbers = [(epoch - 1) * BATCHES + first + n for n in range(count)]
    lrs = [0.1 * 0.99**n for n in numbers]
    return Steps(epoch, first, [*map(loss, numbers)], lrs, [0.9 + n / 1e3 for n in lrs])


def epoch(number: int) -> Epoch:
    return Epoch(number, 2 / number, 50.0 + 10 * number, 2.5 / number, 2.0, 0.5)


def sampled(epoch: int, step: int) -> Sampled:
    number = (epoch - 1) * BATCHES + step
    return Sampled(
        epoch,
        step,
        {"0.weight": 1.0 + number, "0.bias": 1e-3 * (1 + number)},
        {"0.weight": 1e-3, "0.bias": 2e-3},
        {"1": 0.25},
        2**20 + number,
    )


def outputs() -> np.ndarray:
    return np.random.default_rng(1).normal(size=(70, 3)).astype(np.float32)


def resumed(number_of_steps: int, tested: bool = True) -> Resumed:
    """As from a checkpoint of so many steps; `tested`: after the test, if at an end."""
    ends = number_of_steps // BATCHES
    if number_of_steps % BATCHES == 0 and not tested:
        ends -= 1
    past = tuple(epoch(n) for n in range(1, ends + 1))
    return Resumed("checkpoints", number_of_steps, past)


def within(out: Path, origin: Resumed) -> Resumed:
    """The same, from a checkpoint of that folder."""
    return replace(origin, source=str(out / "checkpoints" / "step"))


def started(origin: Resumed | None = None) -> Started:
    return Started("toy", "cpu", "MLP 4-2", 10, {"toy": "1.0"}, origin)


def story(origin: Resumed | None = None) -> Iterator[Event]:
    """All events of the run, or those after a checkpoint."""
    yield started(origin)
    done, tested = (origin.steps, origin.epochs) if origin else (0, 0)
    for number in range(tested + 1, EPOCHS + 1):
        start = max(done - (number - 1) * BATCHES, 0)
        for first in range(0, BATCHES, CHUNK):
            if first >= start:
                yield from _chunk(number, first)
        yield epoch(number)
        yield Saved(number * BATCHES, "checkpoints")
    yield Tested(80.0, 0.9, outputs())


def _chunk(number: int, first: int) -> Iterator[Event]:
    yield sampled(number, first)
    count = min(CHUNK, BATCHES - first)
    if first == 3:
        yield Warned(number, first + 1, "spike", f"the loss of epoch {number} jumps")
    yield steps(number, first, count)
    yield Saved((number - 1) * BATCHES + first + count, "checkpoints")


def opened(out: Path, **options: Any) -> Any:
    """The folder of the run."""
    return RunFolder.open(
        out, CONFIG, ABOUT, DATA, command=["program", "--out", "run"], **options
    )


def unsealed(lines: bytes) -> bytes:
    """Rows as an earlier version wrote them, without checksums."""
    bare = re.sub(rb',"crc32":"[0-9a-f]{8}"}\n', b"}\n", lines)
    return bare.replace(b"jaxtrain.metrics/2", b"jaxtrain.metrics/1", 1)


def write(out: Path, events: Sequence[Event] | None = None, **options: Any) -> None:
    """Record the whole run, or these events."""
    with opened(out, **options) as folder:
        for event in story() if events is None else events:
            if isinstance(event, Started) and event.resumed is not None:
                event = replace(event, resumed=within(out, event.resumed))
            folder.add(event)
