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
from parity.proof.optimizers.optax_nearest import NEAREST

SHAPES = ((512, 784), (512,), (512, 512), (512,), (10, 512), (10,))
"""The tutorial's network: 669,706 parameters."""

CALLS = 20
"""Updates in one timing: one alone is as short as the clock's own trouble."""


@dataclass(frozen=True)
class Timing:
    """Microseconds an update took, a value for each pair."""

    name: str
    call: str
    """Optax's."""
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
            + f"  {self.call}"
        )


HEADER = f"{'optimiser':<12}{'us':>10}{'optax us':>10}{'ratio':>8}  95 % interval"


def interval(values: Sequence[float]) -> tuple[float, float]:
    """Between which the median lies with 95 %: by ranks, whatever the distribution.

    Example:
        >>> interval(range(100))
        (39, 60)
    """
    half = 0.98 * len(values) ** 0.5
    low = max(0, int(len(values) / 2 - half) - 1)
    return values[low], values[-1 - low]


def names() -> list[str]:
    """The optimisers that have something to be measured against."""
    return [name for name, nearest in NEAREST.items() if nearest.make]


def measure(
    selection: Sequence[str],
    pairs: int = 60,
    on_progress: Callable[[str], None] = lambda text: None,
) -> Iterator[Timing]:
    """Time each pair, ours and theirs in turn, and first as often as second."""
    for name in selection:
        on_progress(name)
        contest = _contest(name)
        sides = [_updater(tx, name == "lbfgs") for tx in (contest.ours, contest.theirs)]
        times: tuple[list[float], list[float]] = ([], [])
        for pair in range(-3, pairs):
            for side in (0, 1) if pair % 2 else (1, 0):
                seconds = _time(sides[side])
                if pair >= 0:
                    times[side].append(1e6 * seconds / CALLS)
        yield Timing(name, contest.call, tuple(times[0]), tuple(times[1]))


@dataclass(frozen=True)
class _Contest:
    ours: optax.GradientTransformation
    theirs: optax.GradientTransformation
    call: str
    """Of theirs."""


def _contest(name: str) -> _Contest:
    if name == "lbfgs":
        return _lbfgs_contest()
    nearest = NEAREST[name]
    assert nearest.make is not None
    ours = _muon_and_adam() if name == "muon" else getattr(optim, name)()
    return _Contest(ours, nearest.make(), nearest.call)


def _muon_and_adam() -> optax.GradientTransformation:
    # As Optax's does by itself.
    label = partial(jax.tree.map, jnp.ndim)
    return optax.partition({2: optim.muon(), 1: optim.adam()}, label)


LBFGS_RATE, LBFGS_PAIRS = 1e-3, 10
"""A rate so small that no run arrives at the bottom, where there is less to do."""


def _lbfgs_contest() -> _Contest:
    """One iteration along the direction of ten pairs, by a fixed length.

    The same on both sides: the loss and its gradient once, by `_bowl`; a pair of
    changes stored; the two loops over ten pairs; one step. Ours alone: the norms of the
    gradient and of the step, of which PyTorch's tolerances make its decisions (here 0,
    so that none ends an update), and the loops around an iteration and a further
    evaluation, which `max_iter=1` has compiled but not run. PyTorch's defaults,
    20 iterations in an update and 100 pairs, would measure those instead.
    """
    ours = optim.lbfgs(
        LBFGS_RATE,
        max_iter=1,
        tolerance_grad=0.0,
        tolerance_change=0.0,
        history_size=LBFGS_PAIRS,
    )
    theirs = optax.lbfgs(LBFGS_RATE, memory_size=LBFGS_PAIRS, linesearch=None)
    return _Contest(ours, theirs, "lbfgs(1e-3, memory_size=10, linesearch=None)")


def _bowl(params: dict[str, jax.Array]) -> tuple[jax.Array, dict[str, jax.Array]]:
    """Σ c(p - 1)²/2 and its gradient; c goes from 1/2 to 2 through each parameter."""
    apart = {name: p - 1 for name, p in params.items()}
    grads = {
        name: jnp.linspace(0.5, 2, x.size, dtype=x.dtype).reshape(x.shape) * x
        for name, x in apart.items()
    }
    return optax.tree.vdot(grads, apart) / 2, grads


def _updater(
    tx: optax.GradientTransformation, on_bowl: bool = False
) -> Callable[[], None]:
    """A closure that takes some updates; its arrays are given up and replaced.

    Args:
        tx: the optimiser.
        on_bowl: take the gradients of `_bowl`, not the same ones at every update.
    """
    generator = np.random.default_rng(0)

    def arrays() -> dict[str, jax.Array]:
        return {
            str(i): jnp.asarray(generator.standard_normal(shape), jnp.float32)
            for i, shape in enumerate(SHAPES)
        }

    grads, params = arrays(), arrays()
    state: Any = jax.tree.map(jnp.copy, tx.init(params))
    update = optax.with_extra_args_support(tx).update

    @partial(jax.jit, donate_argnums=(0, 1))
    def step(params: Any, state: Any, grads: Any) -> tuple[Any, Any]:
        extra: dict[str, Any] = {}
        if on_bowl:
            value, grads = _bowl(params)
            extra = {"value": value, "value_and_grad_fn": _bowl}
        updates, state = update(grads, state, params, **extra)
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
