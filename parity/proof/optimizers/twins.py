"""Broken optimisers: each is a mistake that is easy to make, and must be seen."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeAlias
from unittest import mock

import jax
import jax.numpy as jnp
import optax

from jaxtrain import optim
from jaxtrain.optim._adam import AdamState
from jaxtrain.optim._build import average_square, build, lerp
from jaxtrain.optim._hyper import Coefficient, Hyper, coefficient_of
from jaxtrain.optim._radam import RadamState, rectification
from jaxtrain.optim._rmsprop import RmspropState
from parity.proof.optimizers.cases import OptimizerCase
from parity.proof.optimizers.one_step import judge
from parity.proof.verdict import Verdict, worst

Optimizer: TypeAlias = optax.GradientTransformationExtraArgs
MOMENTS = ("exp_avg", "exp_avg_sq")
CONTROL_STEPS, STEPS = 8, 12


def _wrapped(tx: Optimizer, change: Callable[..., Any]) -> Optimizer:
    def update(g: Any, state: Any, p: Any = None, **given: Any) -> Any:
        return change(state, *tx.update(g, state, p, **given))

    return optax.GradientTransformationExtraArgs(tx.init, update)


def _once_too_long() -> Optimizer:
    def longer(state: Any, updates: Any, new: Any) -> Any:
        return updates * jnp.where(state.count == 3, 1 + 1e-4, 1.0), new

    return _wrapped(optim.sgd(lr=0.1), longer)


def _rmsprop(direction: Callable[..., Any], *names: str) -> Optimizer:
    def step(p: Any, g: jax.Array, state: Any, hyper: Hyper) -> Any:
        v = average_square(state["square_avg"], g, coefficient_of(0.99, g.dtype))
        moved, buffer = direction(g, v, state.get("momentum_buffer"))
        new = {"square_avg": v, "momentum_buffer": buffer}
        return moved, {name: new[name] for name in state}

    tensors = dict.fromkeys(("square_avg", *names), jnp.zeros_like)
    return build(RmspropState, {}, tensors, step)


def _eps_inside_the_root(g: jax.Array, v: jax.Array, buffer: Any) -> Any:
    return -0.01 * g / jnp.sqrt(v + 1e-8), None


def _rate_inside_the_buffer(g: jax.Array, v: jax.Array, buffer: Any) -> Any:
    buffer = 0.9 * buffer + 0.01 * g / (jnp.sqrt(v) + 1e-8)
    return -buffer, buffer


def _averages(state: Any, g: jax.Array) -> tuple[Any, ...]:
    beta1, beta2 = (coefficient_of(beta, g.dtype) for beta in (0.9, 0.999))
    m = lerp(state["exp_avg"], g, beta1)
    return m, average_square(state["exp_avg_sq"], g, beta2), beta1, beta2


def _radam_step(p: Any, g: jax.Array, state: Any, hyper: Hyper) -> Any:
    m, v, beta1, beta2 = _averages(state, g)
    along = m / hyper.bias_correction(beta1) * 1e-3
    factor = rectification(hyper, beta2)
    root = jnp.sqrt(v) / hyper.bias_correction(beta2, 0.5) + 1e-8
    moved = -jnp.where(factor > 0, along / root * factor, along)
    return moved, {"exp_avg": m, "exp_avg_sq": v}


def _amsgrad_step(p: Any, g: jax.Array, state: Any, hyper: Hyper) -> Any:
    m, v, beta1, beta2 = _averages(state, g)
    corrected = v / hyper.bias_correction(beta2)
    largest = jnp.maximum(state["max_exp_avg_sq"], corrected)
    new = {"exp_avg": m, "exp_avg_sq": v, "max_exp_avg_sq": largest}
    lr = 1e-3 / hyper.bias_correction(beta1)
    return -lr * m / (jnp.sqrt(largest) + 1e-8), new


def _late_average(state: Any, updates: Any, new: Any) -> Any:
    return updates, new._replace(mu=1 / jnp.maximum(1, state.count - 3.0))


def _lagging(state: Any, updates: Any, new: Any) -> Any:
    return -jnp.sign(state.prev) * state.step_size, new


def _exchanged(g: jax.Array, state: Any, p: jax.Array) -> Any:
    updates, new = optim.muon(weight_decay=0.0).update(g, state, p)
    rows, columns = p.shape
    return updates * (max(1, columns / rows) / max(1, rows / columns)) ** 0.5, new


def _judge(
    name: str,
    args: Mapping[str, Any],
    make: Callable[[], Optimizer],
    dtype: str = "float64",
    steps: int = STEPS,
) -> Verdict:
    case = OptimizerCase(name, args)
    return worst(judge([case], dtype, steps, build=lambda case: make()))


def _rounded_correction() -> Verdict:
    def rounded(hyper: Hyper, beta: Coefficient, power: float = 1.0) -> jax.Array:
        return (1 - beta.value**hyper.t) ** power

    with mock.patch.object(Hyper, "bias_correction", rounded):
        return _judge("adam", {}, optim.adam, "float32")


_DECAY: Mapping[str, Any] = {"weight_decay": 0.1}
_LARGEST = (*MOMENTS, "max_exp_avg_sq")

TWINS: Mapping[str, Callable[[], Verdict]] = {
    "one step of several, a ten-thousandth too long": partial(
        _judge, "sgd", {"lr": 0.1}, _once_too_long, "float32", CONTROL_STEPS
    ),
    "RMSprop with ε inside the root": partial(
        _judge, "rmsprop", {}, partial(_rmsprop, _eps_inside_the_root)
    ),
    "RMSprop with the rate inside the momentum": partial(
        _judge,
        "rmsprop",
        {"momentum": 0.9},
        partial(_rmsprop, _rate_inside_the_buffer, "momentum_buffer"),
    ),
    "an accumulator of Adagrad that starts at a tenth": partial(
        _judge, "adagrad", {}, partial(optim.adagrad, initial_accumulator_value=0.1)
    ),
    "NAdam without the schedule of μ": partial(
        _judge, "nadam", {}, partial(optim.nadam, momentum_decay=1e9)
    ),
    "RAdam with ε after the correction": partial(
        _judge,
        "radam",
        {},
        lambda: build(
            RadamState, {}, dict.fromkeys(MOMENTS, jnp.zeros_like), _radam_step
        ),
    ),
    "AMSGrad with the largest corrected average": partial(
        _judge,
        "adam",
        {"amsgrad": True},
        lambda: build(
            AdamState, {}, dict.fromkeys(_LARGEST, jnp.zeros_like), _amsgrad_step
        ),
    ),
    "a bias correction in float32": _rounded_correction,
    "Adamax without ε": partial(_judge, "adamax", {}, partial(optim.adamax, eps=0.0)),
    "ASGD that averages a step late": partial(
        _judge,
        "asgd",
        {"t0": 3},
        lambda: _wrapped(optim.asgd(t0=3), _late_average),
    ),
    "Rprop that lags a step": partial(
        _judge, "rprop", {}, lambda: _wrapped(optim.rprop(), _lagging)
    ),
    "decoupled decay in the place of the penalty": partial(
        _judge, "adam", _DECAY, partial(optim.adamw, weight_decay=0.1)
    ),
    "a penalty in the place of decoupled decay": partial(
        _judge, "adamw", _DECAY, partial(optim.adam, weight_decay=0.1)
    ),
    "Adafactor whose update is not scaled down": partial(
        _judge, "adafactor", {}, partial(optim.adafactor, d=1e9)
    ),
    "Adafactor with Optax's ε": partial(
        _judge,
        "adafactor",
        {},
        partial(optim.adafactor, eps=(1e-30, 1e-3)),
        "float32",
    ),
    "sparse Adam whose rows all decay": partial(_judge, "sparse_adam", {}, optim.adam),
    "Muon with rows and columns exchanged": partial(
        _judge,
        "muon",
        {"weight_decay": 0.0},
        lambda: optax.GradientTransformationExtraArgs(optim.muon().init, _exchanged),
    ),
}
"""Name -> the verdict that must fail; the first is the control."""
