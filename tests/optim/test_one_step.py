"""Level 1: one step of `jaxtrain.optim` from the state of `torch.optim`."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax
import pytest

from jaxtrain import optim
from jaxtrain.optim._adam import AdamState
from jaxtrain.optim._build import average_square, build, lerp
from jaxtrain.optim._hyper import Coefficient, Hyper, coefficient_of
from jaxtrain.optim._radam import RadamState, _factor, rectification
from jaxtrain.optim._rmsprop import RmspropState

torch = pytest.importorskip("torch")

import numpy as np

from parity.proof.optimizers.cases import CASES, Arguments, OptimizerCase
from parity.proof.optimizers.one_step import judge
from parity.proof.report.table import failures
from parity.pytorch.names import torch_optimizer

ELEMENTWISE_SHAPES = ((), (7,), (6, 5), (2, 3, 4))


@pytest.mark.long
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_hundred_steps_of_every_shape(case: OptimizerCase, dtype: str) -> None:
    shapes = case.shapes if len(case.shapes) > 1 else ELEMENTWISE_SHAPES
    assert failures(judge([case], dtype, 100, shapes)) == ""


@pytest.mark.long  # A newer PyTorch may add one: no reason to stop everybody's push.
def test_every_optimiser_of_the_installed_pytorch_is_here() -> None:
    kinds = {kind for kind in vars(torch.optim).values() if isinstance(kind, type)}
    theirs = kinds - {torch.optim.Optimizer}
    assert {torch_optimizer(name) for name in optim.OPTIMIZERS} == theirs


# Broken twins: each must fail the one-step judge.


def fails(tx: Any, name: str, args: Arguments, dtype: str = "float64") -> bool:
    found = judge([OptimizerCase(name, args)], dtype, 12, build=lambda case: tx)
    return not all(measure.passed for measure in found)


def rmsprop_twin(direction: Callable[..., Any], **args: Any) -> Any:
    def step(p: Any, g: jax.Array, state: Any, hyper: Hyper) -> Any:
        kept = coefficient_of(0.99, g.dtype)
        v = average_square(state["square_avg"], g, kept)
        moved, buffer = direction(g, v, state.get("momentum_buffer"))
        new = {"square_avg": v, "momentum_buffer": buffer}
        return moved, {name: new[name] for name in state}

    names = ["square_avg", *args.get("names", ())]
    return build(RmspropState, {}, dict.fromkeys(names, jnp.zeros_like), step)


def test_rmsprop_with_eps_inside_the_root() -> None:
    def direction(g: jax.Array, v: jax.Array, buffer: Any) -> Any:
        return -0.01 * g / jnp.sqrt(v + 1e-8), None

    assert fails(rmsprop_twin(direction), "rmsprop", {})


def test_rmsprop_with_the_rate_inside_the_momentum_buffer() -> None:
    def direction(g: jax.Array, v: jax.Array, buffer: Any) -> Any:
        buffer = 0.9 * buffer + 0.01 * g / (jnp.sqrt(v) + 1e-8)
        return -buffer, buffer

    twin = rmsprop_twin(direction, names=["momentum_buffer"])
    assert fails(twin, "rmsprop", {"momentum": 0.9})


def test_an_accumulator_of_adagrad_that_starts_at_a_tenth() -> None:
    assert fails(optim.adagrad(initial_accumulator_value=0.1), "adagrad", {})


def test_nadam_without_the_schedule_of_mu() -> None:
    assert fails(optim.nadam(momentum_decay=1e9), "nadam", {})


def test_radam_with_eps_after_the_correction() -> None:
    def step(p: Any, g: jax.Array, state: Any, hyper: Hyper) -> Any:
        beta1, beta2 = (coefficient_of(beta, g.dtype) for beta in (0.9, 0.999))
        m = lerp(state["exp_avg"], g, beta1)
        v = average_square(state["exp_avg_sq"], g, beta2)
        along = m / hyper.bias_correction(beta1) * 1e-3
        factor = rectification(hyper, beta2)
        root = jnp.sqrt(v) / hyper.bias_correction(beta2, 0.5) + 1e-8
        moved = -jnp.where(factor > 0, along / root * factor, along)
        return moved, {"exp_avg": m, "exp_avg_sq": v}

    moments = dict.fromkeys(("exp_avg", "exp_avg_sq"), jnp.zeros_like)
    assert fails(build(RadamState, {}, moments, step), "radam", {})


def test_radam_rectifies_above_5_and_not_at_5() -> None:
    """Optax rectifies from 5 on. No step shows it: no beta near 2/3 ends at 5."""
    at, above = np.float64(5), np.nextafter(5.0, 6)
    assert _factor(at, np.float64(9), np.sqrt, np.where) == 0
    assert _factor(above, np.float64(9), np.sqrt, np.where) > 0


def test_amsgrad_with_the_largest_corrected_average() -> None:
    def step(p: Any, g: jax.Array, state: Any, hyper: Hyper) -> Any:
        beta1, beta2 = (coefficient_of(beta, g.dtype) for beta in (0.9, 0.999))
        m = lerp(state["exp_avg"], g, beta1)
        v = average_square(state["exp_avg_sq"], g, beta2)
        corrected = v / hyper.bias_correction(beta2)
        largest = jnp.maximum(state["max_exp_avg_sq"], corrected)
        new = {"exp_avg": m, "exp_avg_sq": v, "max_exp_avg_sq": largest}
        lr = 1e-3 / hyper.bias_correction(beta1)
        return -lr * m / (jnp.sqrt(largest) + 1e-8), new

    names = ("exp_avg", "exp_avg_sq", "max_exp_avg_sq")
    twin = build(AdamState, {}, dict.fromkeys(names, jnp.zeros_like), step)
    assert fails(twin, "adam", {"amsgrad": True})


def test_a_bias_correction_in_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    def rounded(hyper: Hyper, beta: Coefficient, power: float = 1.0) -> jax.Array:
        return (1 - beta.value**hyper.t) ** power

    monkeypatch.setattr(Hyper, "bias_correction", rounded)
    assert fails(optim.adam(), "adam", {}, "float32")


def test_adamax_without_eps() -> None:
    assert fails(optim.adamax(eps=0.0), "adamax", {})


def wrapped(tx: Any, change: Callable[..., Any]) -> Any:
    def update(g: Any, state: Any, p: Any = None, **given: Any) -> Any:
        return change(state, *tx.update(g, state, p, **given))

    return optax.GradientTransformationExtraArgs(tx.init, update)


def test_asgd_that_averages_a_step_late() -> None:
    def late(state: Any, updates: Any, new: Any) -> Any:
        return updates, new._replace(mu=1 / jnp.maximum(1, state.count - 3.0))

    twin = wrapped(optim.asgd(t0=3), late)
    assert fails(twin, "asgd", {"t0": 3})


def test_rprop_that_lags_a_step() -> None:
    def lagging(state: Any, updates: Any, new: Any) -> Any:
        return -jnp.sign(state.prev) * state.step_size, new

    assert fails(wrapped(optim.rprop(), lagging), "rprop", {})


def test_decoupled_decay_in_place_of_the_penalty() -> None:
    decay = {"weight_decay": 0.1}
    assert fails(optim.adamw(**decay), "adam", decay)
    assert fails(optim.adam(**decay), "adamw", decay)


def test_adafactor_whose_update_is_not_scaled_down() -> None:
    assert fails(optim.adafactor(d=1e9), "adafactor", {})


def test_adafactor_with_optax_s_eps() -> None:
    assert fails(optim.adafactor(eps=(1e-30, 1e-3)), "adafactor", {}, "float32")


def test_sparse_adam_whose_rows_all_decay() -> None:
    assert fails(optim.adam(), "sparse_adam", {})


def test_muon_with_rows_and_columns_exchanged() -> None:
    def transposed(g: jax.Array, state: Any, p: jax.Array) -> Any:
        updates, new = optim.muon(weight_decay=0.0).update(g, state, p)
        rows, columns = p.shape
        return updates * (max(1, columns / rows) / max(1, rows / columns)) ** 0.5, new

    twin = optax.GradientTransformationExtraArgs(optim.muon().init, transposed)
    assert fails(twin, "muon", {"weight_decay": 0.0})
