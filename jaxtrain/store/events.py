"""What a run says as it goes: the events that a backend yields."""

import operator
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np


@dataclass(frozen=True)
class Started:
    """A run is about to train."""

    backend: str
    device: str
    """The device in words, such as `cpu` or `gpu (NVIDIA H200)`."""
    model: str
    parameters: int
    versions: Mapping[str, str]
    resumed: "Resumed | None" = None
    """From where it goes on, if it does not begin."""


@dataclass(frozen=True)
class Resumed:
    """A run goes on from a checkpoint."""

    source: str
    """The checkpoint's folder."""
    steps: int
    """Steps of the run that it holds; those recorded after it are done again."""
    past: "Sequence[Epoch]" = ()
    """The epochs that are trained and tested."""
    problems: Sequence[str] = ()
    """A line on each newer checkpoint that was damaged and passed over."""
    recent: "Steps | None" = None
    """The steps of the epoch in whose middle it is, made again from the checkpoint."""

    @property
    def epochs(self) -> int:
        """Epochs that are trained and tested."""
        return len(self.past)


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
    figures: Mapping[str, Sequence[float]] = field(default_factory=dict)
    """What a loss gives beside itself, for each batch, by name."""


@dataclass(frozen=True)
class Epoch:
    """An epoch is trained and tested."""

    epoch: int
    train_loss: float
    """Mean of the epoch's batch losses, taken while the weights moved."""
    accuracy: float
    """Test images named right, in percent; validation images, where some are kept; NaN
    where it is not measured."""
    avg_loss: float
    """Mean over the test batches, the last and smaller one counting as much."""
    train_seconds: float
    test_seconds: float
    figures: Mapping[str, float] = field(default_factory=dict)
    """What else the test measured, by name."""

    def to_dict(self) -> dict[str, Any]:
        """Its fields by name; without figures, if there are none."""
        return {k: v for k, v in vars(self).items() if k != "figures" or v}


@dataclass(frozen=True)
class Sampled:
    """What one step looks like from inside, before its update."""

    epoch: int
    step: int
    """Number of the step within the epoch, from 0."""
    gradient_norms: Mapping[str, float]
    """Euclidean norm of each parameter's gradient, by its name."""
    update_ratios: Mapping[str, float]
    """Norm of each parameter's update over the norm of the parameter."""
    dead: Mapping[str, float] = field(default_factory=dict)
    """Share, 0 to 1, of each ReLU's units that are zero for the whole batch."""
    memory: int | None = None
    """Bytes that the process holds, or the device, where it says so."""


@dataclass(frozen=True)
class Warned:
    """Something looks wrong; training goes on."""

    epoch: int
    step: int
    """Number of the step within the epoch, from 0."""
    kind: str
    """One of `jaxtrain.watch.monitor.KINDS`; of earlier rows, `records` where some are
    lost or damaged, `unverified` where nothing vouches for them."""
    text: str


@dataclass(frozen=True)
class Saved:
    """A checkpoint is on disk."""

    steps: int
    """Steps of the run that it holds."""
    path: str


@dataclass(frozen=True)
class Stopped:
    """The run ends before its last epoch, as it was asked to."""

    reason: str


@dataclass(frozen=True, eq=False)
class Tested:
    """The trained network's answers to the test images, in stored order."""

    accuracy: float
    avg_loss: float
    outputs: np.ndarray
    """(images, classes), as the network gives them."""


@dataclass(frozen=True)
class Earlier:
    """What an earlier part of the run had to tell, told again when it goes on."""

    event: "Event"


Event = Started | Earlier | Steps | Epoch | Sampled | Warned | Saved | Stopped | Tested


class TrainingFault(Exception):
    """A number became NaN or infinite; the message says where."""


class Evaluation(NamedTuple):
    """What a test of the model gives; see `Epoch`."""

    accuracy: float
    avg_loss: float
    figures: Mapping[str, float] = MappingProxyType({})


def epoch_with_test(
    epoch: int,
    losses: Sequence[float],
    train_seconds: float,
    test: Callable[[], Evaluation],
) -> Epoch:
    """Test the model after an epoch; gives the epoch's event.

    Args:
        epoch: its number, from 1.
        losses: of all its batches.
        train_seconds: that it was trained for.
        test: tests the model.
    """
    start = time.perf_counter()
    result = test()
    return Epoch(
        epoch=epoch,
        train_loss=mean(losses),
        accuracy=result.accuracy,
        avg_loss=result.avg_loss,
        train_seconds=train_seconds,
        test_seconds=time.perf_counter() - start,
        figures=dict(result.figures),
    )


def mean(values: Sequence[float]) -> float:
    """The mean of batch losses, added one after another as PyTorch's loops do.

    Python's own `sum` compensates its rounding from version 3.12 on.

    Example:
        >>> mean([2.0, 1.0])
        1.5
    """
    return reduce(operator.add, values) / len(values)
