"""The learning rate: a few steps with it, and where they lead nowhere with others."""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxtrain.watch.checks.finding import Finding, skip
from jaxtrain.watch.checks.setup import Sample, Setup

BATCHES, ROUNDS = 8, 5
"""The same batches over and over, so that their losses can be compared one by one."""
ENOUGH = 0.25
"""Share of its first loss by which a rate that works takes it down in these steps."""
SOME = 0.1
"""The same of a rate that works a little."""
LOWER, HIGHER = (0.1, 0.01), (1e3, 3e3, 1e4, 3e4, 1e5, 3e5, 1e6)
"""Factors of the other rates. The tutorial's SGD at 1e-3 is some 100 times below the
best; nobody means to be 1000 times below."""

ADVICE = "; python -m jaxtrain.lr_range finds one"


class RatioState(NamedTuple):
    """State of `watch_ratio`."""

    inner: optax.OptState
    ratio: jax.Array
    """Sum over the steps of |update| / |weights|, both as 2-norms."""


class RateTrial(NamedTuple):
    """What some steps at one rate gave."""

    fall: float
    """Share of the loss by which it fell; minus infinity if it is not finite."""
    ratio: float
    """Mean of |update| / |weights|."""


def rate_works(setup: Setup, sample: Sample) -> Finding:
    """Whether the learning rate is within reach of one that works.

    The ratio of update and weights alone does not tell: Adam's is 5e-5 at a rate of
    1e-6, which is far too small, and SGD's is as much at 1e-3, the tutorial's rate.
    """
    name, lr = "learning rate", setup.lr
    if lr is None:
        return skip(name, "there is no rate that could be tried")
    if lr == 0:
        return Finding(name, False, "0: nothing will be learned")
    tries = _Tries(setup, sample)
    if not math.isfinite(tries.before):
        return skip(name, f"the loss is {tries.before} at any rate")
    own = tries.at(lr)
    what = _describe(lr, own)
    if math.isfinite(own.ratio):
        what += f", each moves the weights by {own.ratio:.0e} of their size"
    if own.fall >= ENOUGH:
        return Finding(name, True, what)
    return _compare(name, lr, own, tries, what)


def _compare(
    name: str, lr: float, own: RateTrial, tries: "_Tries", what: str
) -> Finding:
    lower = {lr * factor: tries.at(lr * factor) for factor in LOWER}
    if all(trial.fall == own.fall for trial in lower.values()):
        return skip(name, "the optimiser's update does not take one")
    best = max(lower, key=lambda rate: lower[rate].fall)
    better = lower[best].fall > max(SOME, 2 * own.fall)
    if better or own.fall < -ENOUGH:
        hint = f"; {_describe(best, lower[best])}" if better else ""
        return Finding(name, False, f"{what}{hint}: too large{ADVICE}")
    for greater in (lr * factor for factor in HIGHER):
        trial = tries.at(greater)
        if trial.fall >= ENOUGH:
            return Finding(
                name, False, f"{what}; {_describe(greater, trial)}: too small{ADVICE}"
            )
        if trial.fall < -ENOUGH:
            break
    return Finding(name, True, what)


def _describe(lr: float, trial: RateTrial) -> str:
    steps = BATCHES * ROUNDS
    if trial.fall == -math.inf:
        return f"at {lr:.3g} {steps} steps make the loss infinite or NaN"
    verb = "take off" if trial.fall >= 0 else "add"
    return f"at {lr:.3g} {steps} steps {verb} {abs(trial.fall):.2%} of the loss"


class _Tries:
    """Steps from the initial weights, at one rate after another."""

    def __init__(self, setup: Setup, sample: Sample):
        self.setup = setup
        self.trainer = setup.trainer(watch_ratio(setup.optimizer), penalised=True)
        self.data = sample.placed(self.trainer)
        rows = sample.batches(BATCHES, setup.batch_size)
        self.rows = np.tile(rows, (ROUNDS, 1))
        with setup.numerics.active():
            self.start = jax.tree.map(jnp.copy, self.trainer.state)
        self.before = float(self._losses(0.0)[:BATCHES].mean())

    def at(self, lr: float) -> RateTrial:
        after = float(self._losses(lr)[-BATCHES:].mean())
        ratio = float(self.trainer.state.opt_state.ratio) / len(self.rows)
        finite = math.isfinite(after)
        return RateTrial(1 - after / self.before if finite else -math.inf, ratio)

    def _losses(self, lr: float) -> np.ndarray:
        with self.setup.numerics.active():
            self.trainer.state = jax.tree.map(jnp.copy, self.start)
        chunk = self.setup.chunk(self.rows, lr)
        return np.asarray(self.trainer.train(self.data, chunk)).astype(np.float64)


def watch_ratio(
    optimizer: optax.GradientTransformation,
) -> optax.GradientTransformationExtraArgs:
    """The optimiser, with |update| / |weights| summed up in its state.

    Example:
        >>> tx, weight = watch_ratio(optax.sgd(0.1)), jnp.array([3.0, 4.0])
        >>> _, state = tx.update(weight, tx.init(weight), weight)
        >>> state.ratio
        Array(0.1, dtype=float32)
    """
    tx = optax.with_extra_args_support(optimizer)

    def init(params: optax.Params) -> RatioState:
        return RatioState(tx.init(params), jnp.zeros(()))

    def update(
        grads: optax.Updates,
        state: RatioState,
        params: optax.Params | None = None,
        **extra: object,
    ) -> tuple[optax.Updates, RatioState]:
        updates, inner = tx.update(grads, state.inner, params, **extra)
        ratio = optax.tree.norm(updates) / optax.tree.norm(params)
        return updates, RatioState(
            inner, (state.ratio + ratio).astype(state.ratio.dtype)
        )

    return optax.GradientTransformationExtraArgs(init, update)
