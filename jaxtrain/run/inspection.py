"""Every chunk is looked through for what is not finite, and some steps for more."""

import math
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxtrain.run.place import Place
from jaxtrain.store.events import Sampled
from jaxtrain.training.engine import Engine
from jaxtrain.training.fault import (
    Fault,
    Inspect,
    locate,
    locate_among,
    make_inspect,
)
from jaxtrain.training.probe import Readings, make_probe
from jaxtrain.training.step import Chunk, TrainState
from jaxtrain.training.step_engine import StepEngine

CHUNK = 100
"""Steps in one call: enough to hide the call, few enough to print as they come."""


class Watch:
    """Looks at a run from inside, without changing it.

    Args:
        every: steps between two looks inside; 0 for never, not even for NaN.
        trainer: the engine of the run.
        data: what it trains on, where that is always the same.
    """

    def __init__(self, every: int, trainer: Engine | StepEngine, data: Any = None):
        self.every, self.trainer, self.data = every, trainer, data
        self._finite = jax.jit(_all_finite)
        # A step of the user's own has no gradients that are known here.
        self._probe = (
            make_probe(trainer.recipe) if isinstance(trainer, Engine) else None
        )

    def parameters(self) -> int:
        """Numbers that are trained; of a user's own state, all that are no counters."""
        state = self.trainer.state
        tree = state.params if isinstance(self.trainer, Engine) else state
        return sum(x.size for x in jax.tree.leaves(tree) if _is_inexact(x))

    @property
    def on(self) -> bool:
        """Whether anything is looked at."""
        return self.every > 0

    @property
    def chunk(self) -> int:
        """Steps in one call: a step can be looked at only where one begins."""
        return min(self.every, CHUNK) if self.on else CHUNK

    def finite(self) -> jax.Array | None:
        """Whether the state of this moment is finite; reading it waits."""
        if not self.on:
            return None
        with self.trainer.numerics.active():
            return self._finite(self.trainer.state)

    def probe(
        self,
        place: Place,
        start: TrainState | None,
        chunk: Chunk,
        data: Any = None,
    ) -> Readings | None:
        """A look at a chunk's first step, where one is due.

        Args:
            place: where the chunk begins.
            start: the state there.
            chunk: its steps.
            data: what they are taken on, if not always the same.
        """
        if self._probe is None:
            return None
        begins = place.batch % self.chunk == 0
        if start is None or not begins or not self.on:
            return None
        if place.batch % self.every >= self.chunk:
            return None
        values = dict(chunk.hyperparameters)
        if "last" in values:
            # What an update would do now, though it waits for more gradients.
            values["last"] = np.ones_like(values["last"])
        with self.trainer.numerics.active():
            chunk = chunk._replace(hyperparameters=values)
            return self._probe(start, self.data if data is None else data, chunk)

    def sample(self, place: Place, readings: Readings) -> Sampled:
        """What was seen, as an event; reading it waits."""
        return sample_event(readings, place.epoch, place.batch, peak_memory())

    def is_finite(self, losses: Sequence[float], state: jax.Array | None) -> bool:
        """Whether a chunk's losses, and the state after it, are finite."""
        return state is None or (bool(np.isfinite(losses).all()) and bool(state))

    def locate(self, start: TrainState, chunk: Chunk) -> Fault:
        """The first number of a chunk that is not finite."""
        with self.trainer.numerics.active():
            fault = locate(self._make_inspect(), start, self.data, chunk)
        # Taken one by one, steps may round otherwise than in a chunk.
        return fault or Fault(0, math.nan, "something in the next 100 steps", 1, start)

    def locate_among(self, start: Any, calls: Sequence[tuple[Any, Chunk]]) -> Fault:
        """The same of steps that each have data of their own."""
        steps = (
            (data, jax.tree.map(lambda x, i=i: x[i], chunk))
            if chunk.rows is not None
            else (data, chunk)
            for data, chunk in calls
            for i in range(1 if chunk.rows is None else len(np.asarray(chunk.rows)))
        )
        with self.trainer.numerics.active():
            fault = locate_among(self._make_inspect(), start, steps)
        return fault or Fault(0, math.nan, "something in the next steps", 1, start)

    def _make_inspect(self) -> Inspect:
        if isinstance(self.trainer, StepEngine):
            return self.trainer.make_inspect()
        return make_inspect(self.trainer.recipe)


def _all_finite(state: Any) -> jax.Array:
    flags = [jnp.isfinite(x).all() for x in jax.tree.leaves(state) if _is_inexact(x)]
    return jnp.stack(flags or [jnp.ones((), bool)]).all()


def _is_inexact(x: jax.Array) -> bool:
    return jnp.issubdtype(x.dtype, np.inexact)


def sample_event(
    readings: Readings, epoch: int, step: int, memory: int | None = None
) -> Sampled:
    """What a probe read, as an event; reading the numbers waits for them.

    Args:
        readings: of the probe.
        epoch: from 1.
        step: number of the step within the epoch, from 0.
        memory: bytes that the process or the device holds.
    """
    norms, ratios, dead = map(_floats, readings)
    return Sampled(epoch, step, norms, ratios, dead, memory)


def _floats(values: Mapping[str, jax.Array]) -> dict[str, float]:
    return {name: float(np.asarray(value)) for name, value in values.items()}


def peak_memory() -> int | None:
    """The most bytes that the process has held at once; None where nobody counts.

    Example:
        >>> peak_memory() > 10**6
        True
    """
    try:
        import resource
    except ImportError:
        return None
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024
