"""Free-running trajectories in float64, and what Optax's optimisers do instead."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxtrain import optim

pytest.importorskip("torch")

from parity.proof.optimizers.cases import CASES, OptimizerCase
from parity.proof.optimizers.trajectory import gap, gradients, torch_trajectory

FREE_STEPS = 300
FLOAT64 = 1e-11
"""Relative to the displacement. Seen: 4e-12; a formula that differs: 1e-3 and more."""

ROUNDED = ("muon",)
"""Made in bfloat16, where a unit of float64 may turn a rounding."""


@pytest.mark.parametrize(
    "case", [case for case in CASES if case.name not in ROUNDED], ids=str
)
def test_free_running_trajectory(case: OptimizerCase) -> None:
    tx = getattr(optim, case.name)(**case.args)
    # To most, a matrix is but more elements.
    for shape in ((8,),) if case.is_elementwise else ((8,), (4, 6)):
        bound = FLOAT64
        if case.chaotic:
            grads = gradients(FREE_STEPS, shape)
            one, other = (torch_trajectory(case, grads, ulps=n) for n in (0, 1))
            bound = 2 * np.abs(other - one).max() / np.abs(one).max()
        assert gap(tx, case, steps=FREE_STEPS, shape=shape) <= bound


def test_a_rate_of_zero_stands_still() -> None:
    case = OptimizerCase("sgd", {"lr": 0.0, "momentum": 0.9, "weight_decay": 0.1})
    assert gap(optim.sgd(**case.args), case) == 0


# Broken twins.


def test_an_epsilon_a_thousandth_off_is_noticed() -> None:
    assert gap(optim.adam(eps=1.001e-8), OptimizerCase("adam")) > FLOAT64


MOMENTUM = {"momentum": 0.9}


def dampened_from_the_start(momentum: float, dampening: float) -> Any:
    """What `optax.trace` of a scaled gradient does: the first buffer is dampened."""
    return optax.chain(
        optax.scale(1 - dampening), optax.trace(momentum), optax.scale(-1e-3)
    )


@pytest.mark.parametrize(
    ("twin", "args"),
    [
        (dampened_from_the_start(0.9, 0.5), {**MOMENTUM, "dampening": 0.5}),
        (optim.sgd(**MOMENTUM, nesterov=True), MOMENTUM),
        (optim.sgd(1e-3 * (1 + 1e-9)), {}),
        (optim.sgd(**MOMENTUM, weight_decay=0.1), MOMENTUM),
        (
            optax.chain(optim.sgd(**MOMENTUM), optax.add_decayed_weights(-1e-3 * 0.1)),
            {**MOMENTUM, "weight_decay": 0.1},
        ),
        (optim.sgd(maximize=True), {}),
        (optax.set_to_zero(), {}),
    ],
    ids=[
        "first buffer dampened",
        "nesterov by mistake",
        "lr a billionth too large",
        "decay by mistake",
        "decay decoupled",
        "ascends",
        "dead optimiser",
    ],
)
def test_twins_of_sgd_are_noticed(twin: Any, args: dict[str, Any]) -> None:
    assert gap(twin, OptimizerCase("sgd", args)) > FLOAT64


# What Optax's functions do instead.

FALLING = 0.01 * 0.5 ** (np.arange(60) // 10)


def falling(count: jax.Array) -> jax.Array:
    return jnp.asarray(FALLING)[count]


def departs(tx: Any, least: float, name: str, lrs: Any = None, **args: Any) -> None:
    """Optax's transformation is `least` off PyTorch's run, and ours is not."""
    assert gap(tx, OptimizerCase(name, args), lrs) > least
    same(name, lrs, **args)


def same(name: str, lrs: Any = None, **args: Any) -> None:
    schedule = {} if lrs is None else {"lr": falling}
    ours = getattr(optim, name)(**args | schedule)
    assert gap(ours, OptimizerCase(name, args), lrs) <= FLOAT64


def test_trap_1_eps_of_rmsprop_inside_the_root() -> None:
    """https://github.com/google-deepmind/optax/issues/532"""
    departs(optax.rmsprop(0.01, decay=0.99), 0.1, "rmsprop")


def test_trap_2_default_decay_of_rmsprop() -> None:
    """https://github.com/google-deepmind/optax/issues/532"""
    departs(optax.rmsprop(0.01, eps_in_sqrt=False), 0.1, "rmsprop")


def test_trap_3_first_accumulator_of_rmsprop() -> None:
    """https://github.com/google-deepmind/optax/issues/49"""
    tx = optax.rmsprop(0.01, decay=0.99, eps_in_sqrt=False, initial_scale=1.0)
    departs(tx, 0.1, "rmsprop")


def test_trap_4_the_rate_in_the_momentum_of_rmsprop() -> None:
    """https://github.com/google-deepmind/optax/pull/55: equal at a constant rate."""

    def theirs(lr: Any) -> Any:
        return optax.rmsprop(lr, decay=0.99, eps_in_sqrt=False, momentum=0.9)

    case = OptimizerCase("rmsprop", {"momentum": 0.9})
    assert gap(theirs(0.01), case) <= FLOAT64
    departs(theirs(falling), 0.05, "rmsprop", FALLING, momentum=0.9)


def test_trap_5_amsgrad_of_corrected_averages() -> None:
    """https://github.com/google-deepmind/optax/issues/1389"""
    departs(optax.amsgrad(1e-3), 0.05, "adam", amsgrad=True)


def test_trap_6_adam_s_decay_is_a_penalty() -> None:
    """https://github.com/google-deepmind/optax/issues/417"""
    departs(optax.adamw(1e-3, weight_decay=0.1), 0.1, "adam", weight_decay=0.1)


def test_trap_7_default_decay_of_adamw() -> None:
    """Public threads: none found."""
    departs(optax.adamw(1e-3), 1e-3, "adamw")


def test_trap_8_the_schedule_scales_adamw_s_decay() -> None:
    """https://github.com/pytorch/pytorch/pull/3740: in Optax too, not in the paper."""
    args = {"lr": 0.01, "weight_decay": 0.1}
    theirs = optax.adamw(falling, weight_decay=0.1)
    assert gap(theirs, OptimizerCase("adamw", args), FALLING) <= FLOAT64
    paper = optax.chain(
        optax.scale_by_adam(),
        optax.scale_by_learning_rate(falling),
        optax.add_decayed_weights(-0.01 * 0.1),
    )
    departs(paper, 1e-3, "adamw", FALLING, **args)


def test_trap_9_adam_agrees() -> None:
    """https://github.com/jax-ml/jax/issues/4834"""
    assert gap(optax.adam(1e-3), OptimizerCase("adam")) <= FLOAT64
    same("adam")


def test_trap_10_nadam_s_mu_product() -> None:
    """https://github.com/rwth-i6/returnn/issues/1440"""
    departs(optax.nadam(2e-3), 0.05, "nadam")
    departs(optax.nadam(2e-3), 0.05, "nadam", momentum_decay=0.0)


def test_trap_11_eps_of_radam() -> None:
    """Public threads: none found."""
    departs(optax.radam(1e-3), 1e-3, "radam")


def test_trap_12_adagrad() -> None:
    """Public threads: none found."""
    departs(optax.adagrad(0.01), 0.1, "adagrad")
    tx = optax.adagrad(0.01, initial_accumulator_value=0.0, eps=1e-10)
    departs(tx, 0.01, "adagrad")


def test_trap_13_rprop_lags() -> None:
    """Public threads: none found."""
    tx = optax.rprop(0.01)
    departs(tx, 0.1, "rprop")
    updates, _ = tx.update(jnp.ones(1), tx.init(jnp.ones(1)))
    assert updates[0] == 0


def test_trap_14_dampening() -> None:
    """Public threads: none found."""
    damped = optax.chain(optax.scale(0.5), optax.sgd(1e-3, momentum=0.9))
    departs(damped, 0.01, "sgd", momentum=0.9, dampening=0.5)


def test_trap_15_adamax_and_adadelta_agree_but_for_the_rate() -> None:
    """Public threads: none found."""
    assert gap(optax.adamax(2e-3), OptimizerCase("adamax")) <= FLOAT64
    assert gap(optax.adadelta(1.0), OptimizerCase("adadelta")) <= FLOAT64
    same("adamax")
    same("adadelta")


def test_trap_16_sparse_adam_is_not_adam() -> None:
    """Public threads: none found. Optax has no lazy moments, and no ASGD."""
    assert not {"asgd", "sparse_adam"} & set(dir(optax))
    departs(optax.adam(1e-3), 1e-3, "sparse_adam")


def test_trap_16_adafactor() -> None:
    """Public threads: none found. Optax factors large matrices alone, and its step may
    exceed 1/sqrt(t); told otherwise, and in float64, only an eps of 1e-8 is left.
    """

    def apart(theirs: Any, **args: Any) -> float:
        case = OptimizerCase("adafactor", args)
        assert gap(optim.adafactor(**args), case, shape=(4, 6)) <= FLOAT64
        return gap(theirs, case, shape=(4, 6))

    assert apart(optax.adafactor(1e-2)) > 0.01
    factored = optax.adafactor(0.5, min_dim_size_to_factor=1)
    assert apart(factored, lr=0.5) > 0.01
    assert apart(optax.adafactor(1e-2, min_dim_size_to_factor=1)) > 1e-9


def test_trap_17_muon() -> None:
    """Public threads: none found. Optax: no decay, a trace, float64 throughout."""
    case = OptimizerCase("muon", {"lr": 0.02})
    # One unit of bfloat16, 2^-8, in a step; seen: 0.
    assert gap(optim.muon(lr=0.02), case, shape=(4, 6)) <= 2**-8
    assert gap(optax.contrib.muon(0.02), case, shape=(4, 6)) > 0.1
