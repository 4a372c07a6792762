"""A moment of a run from which it can go on, and the batches around it."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from jaxtrain.rng import Generator
from jaxtrain.run.config import Config
from jaxtrain.store.checkpoint import flatten, restore
from jaxtrain.store.events import Epoch
from jaxtrain.training.step import TrainState


class Place(NamedTuple):
    """How far a run is, and what the host will draw next."""

    epoch: int
    """The one that is trained, from 1."""
    batch: int
    """Batches of it that are done."""
    steps: int
    """Batches of the run that are done."""
    seconds: float
    """Time that the epoch was trained for."""
    order: Any
    """State of the generator before it drew the epoch's order; of a loader's pass,
    its own."""
    generator: np.ndarray
    """Its state now."""
    rates: Mapping[str, Any] | None
    """State of the scheduler, if there is one."""


class Point(NamedTuple):
    """All that decides how a run goes on, and what it has to tell of its past."""

    state: TrainState
    place: Place
    losses: tuple[float, ...] = ()
    """Of the epoch's batches that are done."""
    past: tuple[Epoch, ...] = ()

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything in it that is an array, by name."""
        return {
            **flatten(self.state),
            "generator/order": self.place.order,
            "generator/now": self.place.generator,
            "losses": np.array(self.losses, np.float64),
        }

    def meta(self) -> dict[str, Any]:
        """The rest, as JSON can hold it."""
        place = self.place
        return {
            "place": {name: getattr(place, name) for name in COUNTS},
            "rates": place.rates,
            "past": [epoch.to_dict() for epoch in self.past],
        }

    def restore(self, arrays: Mapping[str, np.ndarray], meta: Any) -> "Point":
        """The point that gave `arrays` and `meta`, this one being of the same shapes.

        Raises:
            ConfigError: an array is missing, one too many, or of another shape.
            LookupError, TypeError, ValueError: `meta` is not of that form.
        """
        rest = dict(arrays)
        order, now = (rest.pop(f"generator/{name}") for name in ("order", "now"))
        losses = tuple(rest.pop("losses").tolist())
        for state in (order, now):
            Generator().set_state(state)
        place = Place(
            **{name: meta["place"][name] for name in COUNTS},
            order=order,
            generator=now,
            rates=meta["rates"],
        )
        past = tuple(Epoch(**epoch) for epoch in meta["past"])
        return Point(restore(self.state, rest), place, losses, past)


COUNTS = ("epoch", "batch", "steps", "seconds")


def batch_count(images: int, config: Config) -> int:
    """Batches of one pass over so many images."""
    whole = -(-images // config.data.batch_size)
    limit = config.data.limit_batches
    return whole if limit is None else min(whole, limit)
