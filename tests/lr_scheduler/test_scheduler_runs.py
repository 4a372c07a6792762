"""Optimisers under schedulers on Fashion-MNIST, in both frameworks, at every step."""

from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("torchvision")

from jaxtrain import lr_scheduler, optim
from jaxtrain.data import Dataset
from jaxtrain.run.by_name import SCHEDULER
from jaxtrain.run.config import SchedulerConfig
from parity.difference import difference
from parity.proof.runs import pairs_cases
from parity.proof.runs.fashion_cases import FLOAT64_BOUND
from parity.proof.runs.histories import compare_histories, history, part_of
from parity.proof.runs.pairs_cases import BATCHES, CYCLES, configure


def test_every_scheduler_is_run() -> None:
    assert {*pairs_cases.SCHEDULERS, "reduce_lr_on_plateau"} == {*SCHEDULER.names}
    assert {*CYCLES} == {*lr_scheduler.SETTING_LR}
    assert {*pairs_cases.OPTIMIZERS} < {*optim.OPTIMIZERS}
    assert len({*pairs_cases.PAIRS}) >= 40


@pytest.mark.parametrize("scheduler", CYCLES)
def test_the_momentum_cycles(scheduler: str, fashion_mnist: Dataset) -> None:
    """So that equal momenta are not none at all."""
    config = configure("sgd", scheduler, 100)
    ours = history(config, part_of(fashion_mnist, 1280, 64), "jax")
    assert len({*ours.momenta}) > 50


def test_the_plateau_follows_the_test_loss(fashion_mnist: Dataset) -> None:
    plateau = SchedulerConfig(
        "reduce_lr_on_plateau", {"patience": 0, "factor": 0.5, "threshold": 0.1}
    )
    config = configure("sgd", "constant", 12 * BATCHES)
    config = replace(config, scheduler=plateau)
    theirs, ours = (
        history(config, part_of(fashion_mnist, 1280, 64), backend)
        for backend in ("torch", "jax")
    )
    assert compare_histories(theirs, ours, FLOAT64_BOUND).departure is None
    assert ours.lrs == theirs.lrs
    assert len({*map(float, theirs.lrs)}) > 3, "it never reduces"


def test_a_cycle_in_a_chain(fashion_mnist: Dataset) -> None:
    calls = "one_cycle_lr(max_lr=0.005,total_steps=60),step_lr(step_size=30)"
    chain = SchedulerConfig("chained_scheduler", {"schedulers": calls}, "step")
    config = replace(configure("adam", "constant", 60), scheduler=chain)
    theirs, ours = (
        history(config, part_of(fashion_mnist, 1280, 64), backend)
        for backend in ("torch", "jax")
    )
    assert compare_histories(theirs, ours, FLOAT64_BOUND).departure is None
    assert ours.momenta == theirs.momenta
    assert len({*ours.momenta}) > 50


# Broken twins.


@pytest.mark.parametrize(
    ("scheduler", "changed"),
    [
        ("step_lr", {"step_size": 31}),
        ("step_lr", {"gamma": 0.7000001}),
        ("one_cycle_lr", {"cycle_momentum": False}),
        ("one_cycle_lr", {"base_momentum": 0.851}),
    ],
)
def test_another_schedule_is_noticed(
    scheduler: str, changed: dict[str, Any], fashion_mnist: Dataset
) -> None:
    config = configure("sgd", scheduler, 100)
    off = configure("sgd", scheduler, 100, **changed)
    part = part_of(fashion_mnist, 1280, 64)
    theirs, ours = history(config, part, "torch"), history(off, part, "jax")
    assert difference(theirs.losses, ours.losses).max() > FLOAT64_BOUND


def test_the_rate_in_the_momentum_of_rmsprop_is_noticed(fashion_mnist: Dataset) -> None:
    """What Optax does: 142 % off under a rate that falls in steps."""
    config = configure("rmsprop", "step_lr", 100)
    theirs = history(config, part_of(fashion_mnist, 1280, 64), "torch")
    schedule = lr_scheduler.step_lr(1e-3, **config.scheduler.args)
    tx = optax.rmsprop(schedule, 0.99, 1e-8, eps_in_sqrt=False, momentum=0.9)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("jaxtrain.run.recipe.build_optimizer", lambda *args: tx)
        ours = history(config, part_of(fashion_mnist, 1280, 64), "jax")
    assert difference(theirs.losses, ours.losses).max() > 1e-3


# As schedules inside of an optimiser.

CYCLE: dict[str, Any] = {"max_lr": 0.1, "total_steps": 80}


def with_cycle(name: str, cycle: Any) -> Any:
    if name == "sgd":
        return optim.sgd(lr=cycle, momentum=cycle.momentum)
    return optim.adam(lr=cycle, betas=(cycle.beta1, 0.999))


def torch_cycle(name: str, grads: np.ndarray) -> np.ndarray:
    p = torch.nn.Parameter(torch.ones(grads.shape[1:], dtype=torch.float64))
    kind = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}[name]
    optimizer = kind([p], **({"momentum": 0.9} if name == "sgd" else {}))
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, **CYCLE)
    points = []
    for grad in grads:
        p.grad = torch.tensor(grad)
        optimizer.step()
        scheduler.step()
        points.append(p.detach().numpy().copy())
    return np.array(points)


@pytest.mark.parametrize("name", ["sgd", "adam"])
@pytest.mark.parametrize(("highest", "same"), [(0.1, True), (0.1001, False)])
def test_a_cycle_inside_of_an_optimiser(name: str, highest: float, same: bool) -> None:
    """Rate and momentum follow the optimiser's own count, in compiled code."""
    grads = np.random.default_rng(0).standard_normal((80, 5))
    cycle = lr_scheduler.one_cycle_lr(**{**CYCLE, "max_lr": highest})
    tx = with_cycle(name, cycle)

    def step(carry: Any, grad: Any) -> Any:
        updates, state = tx.update(grad, carry[1], carry[0])
        p = optax.apply_updates(carry[0], updates)
        return (p, state), p

    with jax.enable_x64(True):
        start = jnp.ones(5)
        run = jax.jit(lambda grads: jax.lax.scan(step, (start, tx.init(start)), grads))
        ours = np.asarray(run(jnp.asarray(grads))[1])
    apart = np.abs(ours - torch_cycle(name, grads)).max() / np.abs(ours - 1).max()
    # Relative to the displacement; β₂ is the host's, β₁ the sum of two float32s.
    assert (apart <= 1e-11) == same
