"""Our side of the cases."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from jaxtrain import data, rng
from parity.proof.data.cases import DrawCase, LoaderCase
from parity.proof.data.datasets import Library
from parity.proof.data.sides import Case, Side, make_loader, observe


def _uniform() -> float:
    return float(rng.default_generator.uniform())


def _draw(case: DrawCase, generator: rng.Generator) -> np.ndarray:
    args, dtype = dict(case.args), np.dtype(case.dtype)
    if case.name == "multinomial":
        weights = np.array(args.pop("input"), dtype)
        return generator.multinomial(weights, **args)
    if "size" in args:
        args["shape"] = args.pop("size")
    if case.name in ("exponential", "bernoulli"):
        args["dtype"] = dtype
    drawn: np.ndarray = getattr(generator, case.name)(**args)
    return drawn


def side(**parts: Any) -> Side:
    """Our library, or one in which some parts are others."""
    names = {name: getattr(data, name) for name in dir(data)}
    namespace = SimpleNamespace(**{**names, **parts})
    library = Library(namespace, np.asarray, rng.Generator, _uniform)
    draw = parts.get("draw", _draw)
    distributed = namespace.DistributedSampler
    return Side(library, distributed, rng.manual_seed, draw, np.asarray)


SIDE = side()


def seen(case: Case, offset: int, own: Side = SIDE) -> list[Any]:
    """What is seen of a case."""
    return observe(case, own, offset)


def resumed(case: LoaderCase, offset: int) -> tuple[list[Any], list[Any]]:
    """What is seen of a case, and what a loader made anew sees that goes on with it.

    Each pass is broken off once, after as many batches as the seed says.
    """
    whole = observe(case, SIDE, offset)
    again = side(DataLoader=lambda *args, **kwargs: _Broken(case, offset, args, kwargs))
    return whole, observe(case, again, offset)


class _Broken:
    """A loader whose passes are saved, and gone on with by another of the same kind."""

    def __init__(self, case: LoaderCase, offset: int, args: Any, kwargs: Any) -> None:
        self.case, self.offset = case, offset
        self.loader = data.DataLoader(*args, **kwargs)

    def __len__(self) -> int:
        return len(self.loader)

    def __iter__(self) -> Any:
        first = self.loader.start()
        for _ in range((self.case.seed + self.offset) % (len(self.loader) + 1)):
            yield from _one(first)
        state = first.state()
        first.close()
        self.loader.close()
        # Streams that are lost with the process.
        rng.default_generator.manual_seed(1)
        self.loader = make_loader(self.case, SIDE)
        yield from self.loader.resume(state)


def _one(batches: Any) -> Any:
    for batch in batches:
        yield batch
        return
