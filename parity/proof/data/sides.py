"""Both libraries as the cases see them: seeded, built, observed."""

from __future__ import annotations

import inspect
import random
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from parity.proof.data.cases import (
    CollateCase,
    DatasetCase,
    DrawCase,
    LoaderCase,
    SamplerCase,
    Values,
)
from parity.proof.data.datasets import Library, build

Case = SamplerCase | DatasetCase | CollateCase | LoaderCase | DrawCase


@dataclass(frozen=True)
class Side:
    """One library, and how its parts are called where their names differ."""

    library: Library
    distributed: Any
    """The `DistributedSampler`."""
    seed: Callable[[int], Any]
    draw: Callable[[DrawCase, Any], Any]
    """What a draw of a generator gives."""
    tensor: Callable[[np.ndarray], Any]


@dataclass(frozen=True)
class Raised:
    """An exception, instead of what was to be seen."""

    kind: str


def observe(case: Case, side: Side, offset: int = 0) -> list[Any]:
    """All that is seen of a case, in its order, and what three draws are after it.

    Args:
        case: of the tables.
        side: the library.
        offset: added to the case's seed.
    """
    look: Mapping[type, Callable[..., Iterator[Any]]] = {
        SamplerCase: _sampler,
        DatasetCase: _dataset,
        CollateCase: _collate,
        LoaderCase: _loader,
        DrawCase: _draws,
    }
    seed = getattr(case, "seed", 0) + offset
    random.seed(seed)
    np.random.seed(seed % 2**32)
    side.seed(seed)
    found: list[Any] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            for each in look[type(case)](case, side):
                found.append(each)
        except Exception as error:
            found.append(Raised(type(error).__name__))
    if getattr(case, "warns", False):
        found.append(bool(caught))
    return [*found, side.library.uniform(), np.random.rand(), random.random()]


def _sampler(case: SamplerCase, side: Side) -> Iterator[Any]:
    sampler = make_sampler(case, side)
    yield len(sampler)
    passes = case.epochs or (None,) * case.passes
    for turn, epoch in enumerate(passes):
        _draw_between(case, side, turn)
        if epoch is not None:
            sampler.set_epoch(epoch)
        yield list(islice(sampler, case.stop))


def _draw_between(case: SamplerCase | LoaderCase, side: Side, turn: int) -> None:
    for _ in range(case.between if turn else 0):
        side.library.uniform()


def make_sampler(case: SamplerCase, side: Side) -> Any:
    """The sampler of a case."""
    args = dict(case.args)
    if case.generator is not None:
        args["generator"] = side.library.generator(case.generator)
    if case.inner is not None:
        args["sampler"] = make_sampler(case.inner, side)
    if case.name == "DistributedSampler":
        return side.distributed(range(case.size), **args)
    kind = getattr(side.library.data, case.name)
    if "data_source" in inspect.signature(kind).parameters:
        args["data_source"] = range(case.size)
    return kind(**args)


def _dataset(case: DatasetCase, side: Side) -> Iterator[Any]:
    dataset = build(case.dataset, side.library)
    yield len(dataset)
    for probe in case.probes or range(len(dataset)):
        yield dataset[probe]


def _collate(case: CollateCase, side: Side) -> Iterator[Any]:
    yield side.library.data.default_collate(_samples(list(case.samples), side))


def _samples(value: Any, side: Side) -> Any:
    if isinstance(value, Values):
        return side.tensor(np.array(value.numbers, value.dtype))
    return [_samples(each, side) for each in value] if type(value) is list else value


def _loader(case: LoaderCase, side: Side) -> Iterator[Any]:
    loader = make_loader(case, side)
    yield len(loader)
    for turn in range(case.passes):
        _draw_between(case, side, turn)
        for batch in islice(loader, case.stop):
            yield batch
            for _ in range(case.inside):
                side.library.uniform()
        yield "end of the pass"


def make_loader(case: LoaderCase, side: Side) -> Any:
    """The loader of a case."""
    args = dict(case.args)
    if case.sampler is not None:
        args["sampler"] = make_sampler(case.sampler, side)
    if case.batch_sampler is not None:
        args["batch_sampler"] = make_sampler(case.batch_sampler, side)
    if case.generator is not None:
        args["generator"] = side.library.generator(case.generator)
    return side.library.data.DataLoader(build(case.dataset, side.library), **args)


def _draws(case: DrawCase, side: Side) -> Iterator[Any]:
    generator = side.library.generator(case.seed)
    for _ in range(case.times):
        yield side.draw(case, generator)
    plain = DrawCase("randint", {"low": 0, "high": 2**62, "size": ()})
    yield side.draw(plain, generator)
