"""`python -m parity bench optimizers`: one update, ours and Optax's in turn."""

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxtrain import optim
from parity.cases.optax_nearest import NEAREST

SHAPES = ((512, 784), (512,), (512, 512), (512,), (10, 512), (10,))
"""The tutorial's network: 669,706 parameters."""

CALLS = 20
"""Updates in one timing: one alone is as short as the clock's own trouble."""


@dataclass(frozen=True)
class Timing:
    """Microseconds an update took, a value for each pair."""

    name: str
    ours: tuple[float, ...]
    theirs: tuple[float, ...]

    @property
    def ratios(self) -> list[float]:
        """Ours over Optax's, in order of size."""
        return sorted(a / b for a, b in zip(self.ours, self.theirs, strict=True))

    def __str__(self) -> str:
        low, high = interval(self.ratios)
        times = (statistics.median(side) for side in (self.ours, self.theirs))
        return (
            f"{self.name:<12}"
            + "".join(f"{microseconds:>10.0f}" for microseconds in times)
            + f"{statistics.median(self.ratios):>8.2f}  {low:.2f} to {high:.2f}"
            + f"  {NEAREST[self.name].call}"
        )


HEADER = f"{'optimiser':<12}{'us':>10}{'optax us':>10}{'ratio':>8}  95 % interval"


def interval(ordered: Sequence[float]) -> tuple[float, float]:
    """Between which the median lies with 95 %: by ranks, whatever the distribution.

    Example:
        >>> interval(range(100))
        (39, 60)
    """
    half = 0.98 * len(ordered) ** 0.5
    low = max(0, int(len(ordered) / 2 - half) - 1)
    return ordered[low + 0], ordered[min(len(ordered) - 1, len(ordered) - 1 - low)]


def names() -> list[str]:
    """The optimisers that have something to be measured against."""
    return [n for n, nearest in NEAREST.items() if nearest.make and n != "lbfgs"]


def measure(
    chosen: Sequence[str],
    pairs: int = 60,
    on_progress: Callable[[str], None] = lambda text: None,
) -> Iterator[Timing]:
    """Time each pair, ours and theirs in turn, and first as often as second."""
    for name in chosen:
        on_progress(name)
        make = NEAREST[name].make
        assert make is not None
        sides = [_updater(_ours(name)), _updater(make())]
        times: tuple[list[float], list[float]] = ([], [])
        for pair in range(-3, pairs):
            for side in (0, 1) if pair % 2 else (1, 0):
                seconds = _time(sides[side])
                if pair >= 0:
                    times[side].append(1e6 * seconds / CALLS)
        yield Timing(name, tuple(times[0]), tuple(times[1]))


def _ours(name: str) -> optax.GradientTransformation:
    if name != "muon":
        return getattr(optim, name)()
    # As Optax's does by itself.
    label = partial(jax.tree.map, jnp.ndim)
    return optax.partition({2: optim.muon(), 1: optim.adam()}, label)


def _updater(tx: optax.GradientTransformation) -> Callable[[], None]:
    """A closure that takes some updates; its arrays are given up and replaced."""
    generator = np.random.default_rng(0)

    def arrays() -> dict[str, jax.Array]:
        return {
            str(i): jnp.asarray(generator.standard_normal(shape), jnp.float32)
            for i, shape in enumerate(SHAPES)
        }

    grads, params = arrays(), arrays()
    state: Any = jax.tree.map(jnp.copy, tx.init(params))

    @partial(jax.jit, donate_argnums=(0, 1))
    def step(params: Any, state: Any, grads: Any) -> tuple[Any, Any]:
        updates, state = tx.update(grads, state, params)
        return optax.apply_updates(params, updates), state

    def run() -> None:
        nonlocal params, state
        for _ in range(CALLS):
            params, state = step(params, state, grads)
        jax.block_until_ready(params)

    return run


def _time(run: Callable[[], None]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start
