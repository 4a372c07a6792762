"""Runs that are healthy and runs with a known fault: the monitor's calibration."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial, update_wrapper
from typing import Any, NamedTuple

import numpy as np
from flax import nnx

from jaxtrain.commands.options import parse
from jaxtrain.data import Dataset, Split
from jaxtrain.nn import load_state_dict, state_dict
from jaxtrain.run import by_name
from jaxtrain.run.loop import run
from jaxtrain.store.events import Event, TrainingFault, Warned
from jaxtrain.watch.monitor import watching

Weights = Callable[[str, np.ndarray], np.ndarray]


class Case(NamedTuple):
    name: str
    options: str
    """Of the command line."""
    kinds: tuple[str, ...] = ()
    """What the first warning may be; a healthy run has none."""
    data: Callable[[Dataset], Dataset] = lambda dataset: dataset
    weights: Weights | None = None
    """What becomes of each initial weight."""

    def __str__(self) -> str:
        return self.name


def part(train: int, test: int, dataset: Dataset) -> Dataset:
    """The first images of each split."""
    return replace(
        dataset,
        train=Split(dataset.train.images[:train], dataset.train.labels[:train]),
        test=Split(dataset.test.images[:test], dataset.test.labels[:test]),
    )


def shuffled(dataset: Dataset) -> Dataset:
    """Training labels that belong to other images."""
    labels = np.random.default_rng(0).permutation(dataset.train.labels)
    return replace(dataset, train=Split(dataset.train.images, labels))


def mismatched(dataset: Dataset) -> Dataset:
    """Each test image has its neighbour's label."""
    labels = np.roll(dataset.test.labels, 1)
    return replace(dataset, test=Split(dataset.test.images, labels))


def renamed(dataset: Dataset) -> Dataset:
    """Test labels that count the classes from another one."""
    labels = (dataset.test.labels + np.uint8(3)) % np.uint8(10)
    return replace(dataset, test=Split(dataset.test.images, labels))


def low_biases(name: str, value: np.ndarray) -> np.ndarray:
    hidden = name.endswith("bias") and value.size != 10
    return value - 100 if hidden else value


def low_first_biases(name: str, value: np.ndarray) -> np.ndarray:
    return value - 100 if name.endswith("stack.0.bias") else value


def zeros(name: str, value: np.ndarray) -> np.ndarray:
    return 0 * value


def thirtyfold(name: str, value: np.ndarray) -> np.ndarray:
    return 30 * value


def _built(kind: Callable[..., nnx.Module], weights: Weights, **arguments: Any) -> Any:
    model = kind(**arguments)
    state = state_dict(model)
    load_state_dict(model, {name: weights(name, v) for name, v in state.items()})
    return model


def events(case: Case, dataset: Dataset, monkeypatch: Any) -> Iterator[Event]:
    """The run's events, watched."""
    config = parse(case.options.split(), "a test", "", "")
    if case.weights is not None:
        original = by_name.MODEL.find(config.model.name)
        changed = update_wrapper(partial(_built, original, case.weights), original)
        kind = replace(by_name.MODEL, find=lambda name: changed)
        monkeypatch.setattr(by_name, "MODEL", kind)
    return watching(run(config, case.data(dataset)), config)


def warnings(case: Case, dataset: Dataset, monkeypatch: Any) -> list[Warned]:
    """What is said of the run, which may end with an error where it is not finite."""
    found = []
    with suppress(TrainingFault):
        for event in events(case, dataset, monkeypatch):
            if isinstance(event, Warned):
                found.append(event)
    return found
