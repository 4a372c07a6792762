"""`reduce_lr_on_plateau` on the host, in compiled code, and PyTorch's."""

import copy
import pickle
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax.contrib
import pytest

from jaxtrain import lr_scheduler
from jaxtrain.lr_scheduler import _plateau as plateau

torch = pytest.importorskip("torch")

from parity.proof.schedulers.cases import LRS, PLATEAU, SchedulerCase
from parity.proof.schedulers.values import (
    optimizer_for,
    our_schedule,
    torch_scheduler,
    unequal_steps,
)

STEPS = 1000


def losses(seed: int) -> np.ndarray:
    """A noisy descent that levels off, and begins anew now and then."""
    generator = np.random.default_rng(seed)
    steps = np.arange(STEPS) % 190
    return np.exp(-steps / 60) + 0.03 * generator.standard_normal(STEPS)


def walk(seed: int) -> np.ndarray:
    return np.cumsum(np.random.default_rng(seed).standard_normal(STEPS))


def coarse(seed: int) -> np.ndarray:
    """Few values, so that most repeat: ties with the best."""
    return np.random.default_rng(seed).integers(-3, 4, STEPS) / 4


def broken(seed: int) -> np.ndarray:
    """NaN, both infinities, both zeros and huge values among others."""
    generator = np.random.default_rng(seed)
    odd = [np.nan, np.inf, -np.inf, 0.0, -0.0, 1e30, -1e30]
    values = losses(seed)
    at = generator.random(STEPS) < 0.3
    return np.where(at, generator.choice(odd, STEPS), values)


def at_the_threshold(seed: int) -> np.ndarray:
    """Many values are just PyTorch's bound for an improvement, or one bit better."""
    generator = np.random.default_rng(seed)
    values = [2.0]
    for kind in generator.integers(0, 4, STEPS - 1):
        bound = min(values) * (1 - 1e-4) if kind < 2 else min(values) - 0.05
        values.append([bound, float(np.nextafter(bound, -9)), bound, values[-1]][kind])
    return np.array(values)


METRICS: dict[str, Callable[[int], np.ndarray]] = {
    "losses": losses,
    "walk": walk,
    "coarse": coarse,
    "broken": broken,
    "at the threshold": at_the_threshold,
    "all NaN": lambda seed: np.full(STEPS, np.nan),
    "never better": lambda seed: np.arange(STEPS, dtype=float),
    "always better": lambda seed: -np.arange(STEPS, dtype=float),
    "one value": lambda seed: np.full(STEPS, 0.5),
}


def torch_rates(case: SchedulerCase, metrics: np.ndarray) -> list[list[float]]:
    optimizer = optimizer_for(LRS)
    scheduler = torch_scheduler(case, optimizer)
    rates = []
    for metric in metrics.tolist():
        scheduler.step(metric)
        rates.append([group["lr"] for group in optimizer.param_groups])
    return rates


def host_rates(scheduler: Any, metrics: np.ndarray) -> list[list[float]]:
    rates = []
    for metric in metrics.tolist():
        scheduler.step(metric)
        rates.append(scheduler.get_last_lr())
    return rates


@pytest.mark.parametrize("kind", METRICS)
@pytest.mark.parametrize("case", PLATEAU, ids=str)
def test_the_host_is_pytorch(case: SchedulerCase, kind: str) -> None:
    metrics = METRICS[kind](1)
    found = host_rates(our_schedule(case).host(), metrics)
    assert not unequal_steps(torch_rates(case, metrics), found)


def test_the_metrics_do_reduce_the_rate() -> None:
    for kind in METRICS.keys() - {"always better"}:
        rates = [torch_rates(case, METRICS[kind](1)) for case in PLATEAU[:3]]
        assert max(len(np.unique(r, axis=0)) for r in rates) > 1, kind


@pytest.mark.parametrize("case", PLATEAU, ids=str)
def test_states_are_pytorch_s_both_ways(case: SchedulerCase) -> None:
    metrics = METRICS["broken"](2)[:120]
    reached = int(np.random.default_rng(len(str(case))).integers(5, 100))
    optimizer = optimizer_for(LRS)
    reference, scheduler = torch_scheduler(case, optimizer), our_schedule(case).host()
    for metric in metrics[:reached]:
        reference.step(metric)
        scheduler.step(metric)
    # As text, in which one NaN is like another.
    assert str(scheduler.state_dict()) == str(dict(sorted_as(reference, scheduler)))
    resumed = our_schedule(case).host()
    resumed.load_state_dict(reference.state_dict())
    given = our_schedule(case).host(optimizer.state_dict()["param_groups"])
    given.load_state_dict(reference.state_dict())
    back = torch_scheduler(case, other := optimizer_for(LRS))
    back.load_state_dict(scheduler.state_dict())
    other.load_state_dict(optimizer.state_dict())
    for metric in metrics[reached:]:
        for each in (reference, scheduler, resumed, given, back):
            each.step(metric)
        for each in (scheduler, resumed, given, back):
            assert each.get_last_lr() == reference.get_last_lr()


def sorted_as(reference: Any, scheduler: Any) -> list[tuple[str, Any]]:
    state = reference.state_dict()
    assert state.keys() == scheduler.state_dict().keys()
    return [(key, state[key]) for key in scheduler.state_dict()]


def test_an_epoch_given_by_the_user() -> None:
    scheduler = lr_scheduler.reduce_lr_on_plateau(0.1).host()
    scheduler.step(torch.tensor(1.0), epoch=7)
    assert scheduler.last_epoch == 7


# Compiled code.


def compiled(schedule: Any, metrics: Any) -> tuple[Any, Any]:
    """The states after each metric, and the rates: (runs, steps), (…, groups)."""

    def body(state: Any, metric: jax.Array) -> tuple[Any, Any]:
        state = schedule.step(state, metric)
        return state, (state, schedule.value(state))

    def run(metrics: jax.Array) -> Any:
        return jax.lax.scan(body, schedule.init(), metrics)[1]

    states, rates = jax.jit(jax.vmap(run))(metrics)
    return states, np.stack(rates, -1) if isinstance(rates, list) else rates


def host_states(schedule: Any, metrics: np.ndarray) -> np.ndarray:
    """(best, bad epochs, cooldown) after each metric."""
    scheduler = schedule.host()
    states = []
    for metric in metrics.tolist():
        scheduler.step(metric)
        counters = scheduler.num_bad_epochs, scheduler.cooldown_counter
        states.append([scheduler.best, *counters])
    return np.array(states)


@pytest.mark.parametrize("case", PLATEAU, ids=str)
def test_compiled_code_with_x64_decides_alike(case: SchedulerCase) -> None:
    """Every sequence, those at the threshold too: the same float64 arithmetic."""
    with jax.enable_x64(True):
        schedule = our_schedule(case)
        values = np.stack([metrics(3) for metrics in METRICS.values()])
        states, rates = compiled(schedule, values)
        counters = (states.best, states.num_bad_epochs, states.cooldown_counter)
        found = np.stack([np.asarray(c, float) for c in counters], -1)
    for i, kind in enumerate(METRICS):
        np.testing.assert_array_equal(found[i], host_states(schedule, values[i]), kind)
        np.testing.assert_array_equal(rates[i], torch_rates(case, values[i]), kind)


def bound(scheduler: Any, best: np.ndarray) -> np.ndarray:
    """What a metric has to be better than, in float64."""
    if scheduler.threshold_mode == "rel":
        return best * plateau.relative(scheduler)
    down = scheduler.mode == "min"
    return best - scheduler.threshold if down else best + scheduler.threshold


@pytest.mark.parametrize("case", PLATEAU, ids=str)
def test_compiled_code_in_float32_decides_alike_but_for_ties(
    case: SchedulerCase,
) -> None:
    """One step from the same state; only near ties are judged otherwise."""
    schedule = our_schedule(case)
    host = schedule.host()
    step = jax.jit(jax.vmap(schedule.step))
    for kind in ("losses", "walk", "coarse", "broken", "at the threshold"):
        metrics = METRICS[kind](4).astype(np.float32)
        best = np.roll(metrics, 1)
        best = np.where(np.isnan(best), np.float32(1), best)
        start = schedule.init()
        states = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, STEPS), start)
        states = states._replace(best=jnp.asarray(best))
        better = np.asarray(step(states, jnp.asarray(metrics)).num_bad_epochs) == 0
        if host.patience == 0:
            reduced = np.asarray(step(states, jnp.asarray(metrics)).reductions) == 1
            better = ~reduced
        pairs = zip(metrics.tolist(), best.tolist(), strict=True)
        expected = np.array([host.is_better(m, b) for m, b in pairs])
        with np.errstate(invalid="ignore"):
            limit = bound(host, best.astype(np.float64))
        # The factor and the product, or the sum, are rounded: 2 ulp of the larger.
        size = np.maximum(np.abs(limit), np.abs(best))
        with np.errstate(invalid="ignore"):
            near = np.abs(metrics - limit) <= 2 * np.spacing(size.astype(np.float32))
        assert ((better == expected) | near).all(), kind
        assert (~near).sum() > 100


@pytest.mark.parametrize("case", PLATEAU, ids=str)
def test_compiled_code_in_float32_over_a_whole_run(case: SchedulerCase) -> None:
    schedule = our_schedule(case)
    kinds = ("losses", "walk", "broken", "all NaN", "never better", "one value")
    metrics = np.stack([METRICS[kind](5) for kind in kinds]).astype(np.float32)
    states, rates = compiled(schedule, metrics)
    for i, kind in enumerate(kinds):
        expected = host_states(schedule, metrics[i])
        np.testing.assert_array_equal(states.num_bad_epochs[i], expected[:, 1], kind)
        np.testing.assert_array_equal(states.cooldown_counter[i], expected[:, 2], kind)
        by_torch = np.array(torch_rates(case, metrics[i]))
        np.testing.assert_array_equal(rates[i], by_torch.astype(np.float32), kind)


def test_a_float32_metric_that_ties_is_judged_otherwise() -> None:
    """Shown, not hidden: the one thing that float32 decides otherwise."""
    schedule = lr_scheduler.reduce_lr_on_plateau(0.1, patience=0)
    best = np.random.default_rng(6).uniform(0.5, 2, 2000).astype(np.float32)
    metrics = (best * np.float32(1 - 1e-4)).astype(np.float32)
    host = schedule.host()
    pairs = zip(metrics.tolist(), best.tolist(), strict=True)
    exact = np.array([host.is_better(m, b) for m, b in pairs])
    in_float32 = schedule._is_better(jnp.asarray(metrics), jnp.asarray(best))
    assert not in_float32.any()
    assert 0.2 < exact.mean() < 0.8


def test_a_sweep_of_plateaus() -> None:
    """One compiled program, a state for each member."""
    schedule = lr_scheduler.reduce_lr_on_plateau(0.1, patience=2, factor=0.5)
    metrics = np.stack([walk(seed)[:80] for seed in range(5)], 1).astype(np.float32)

    def body(states: Any, row: jax.Array) -> tuple[Any, Any]:
        states = jax.vmap(schedule.step)(states, row)
        return states, jax.vmap(schedule.value)(states)

    start = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, 5), schedule.init())
    _, rates = jax.jit(lambda: jax.lax.scan(body, start, jnp.asarray(metrics)))()
    for member in range(5):
        expected = [row[0] for row in host_rates(schedule.host(), metrics[:, member])]
        np.testing.assert_array_equal(rates[:, member], np.float32(expected))
    assert len(np.unique(np.asarray(rates))) > 3


def test_more_reductions_than_the_table_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jaxtrain.lr_scheduler._values.TABLE_LIMIT", 10)
    schedule = lr_scheduler.reduce_lr_on_plateau(0.1, patience=0, factor=0.9, eps=0.0)
    metrics = np.arange(40, dtype=np.float32)
    _, found = compiled(schedule, metrics[None])
    expected = [row[0] for row in host_rates(schedule.host(), metrics)]
    np.testing.assert_array_equal(found[0], np.float32(expected))


def test_it_has_no_value_at_a_count() -> None:
    with pytest.raises(TypeError, match=r"step 3.*metric"):
        lr_scheduler.reduce_lr_on_plateau(0.1)(3)


def test_it_says_what_it_is() -> None:
    shown = repr(lr_scheduler.reduce_lr_on_plateau([0.1, 0.2], patience=3))
    assert shown.startswith("reduce_lr_on_plateau(lr=[0.1, 0.2], mode='min', ")
    assert "patience=3" in shown


def test_it_can_be_copied_and_pickled() -> None:
    schedule = lr_scheduler.reduce_lr_on_plateau(0.1, factor=0.5)
    for copied in (copy.deepcopy(schedule), pickle.loads(pickle.dumps(schedule))):
        state = copied.init()._replace(reductions=jnp.int32(2))
        assert float(copied.value(state)) == np.float32(0.025)


# Broken twins.


def test_a_broken_twin_of_compiled_code_is_noticed() -> None:
    metrics = losses(1).astype(np.float32)
    by_torch = np.float32(torch_rates(PLATEAU[2], metrics))
    args = PLATEAU[2].args
    for changed in ({}, {"patience": 1}, {"cooldown": 1}, {"mode": "max"}):
        twin = SchedulerCase("reduce_lr_on_plateau", {**args, **changed})
        _, rates = compiled(our_schedule(twin), metrics[None])
        assert np.array_equal(rates[0], by_torch) == (changed == {}), changed


class AtPatience(plateau.ReduceLROnPlateau):
    """Optax's rule: reduces when bad epochs are as many as the patience."""

    def step(self, metrics: Any, epoch: int | None = None) -> None:
        self.patience -= 1
        super().step(metrics, epoch)
        self.patience += 1


class NoCooldown(plateau.ReduceLROnPlateau):
    @property
    def in_cooldown(self) -> bool:
        return False


class NotWorse(plateau.ReduceLROnPlateau):
    def is_better(self, metric: float, best: float) -> bool:
        return super().is_better(metric, best) or metric == best


class Never(plateau.ReduceLROnPlateau):
    """Leaves eps out."""

    def reduce(self) -> None:
        for group in self.param_groups:
            group["lr"] *= self.factor


TWINS = [
    (AtPatience, PLATEAU[2]),
    (AtPatience, PLATEAU[3]),
    (NoCooldown, PLATEAU[6]),
    (NotWorse, PLATEAU[10]),
    (Never, PLATEAU[9]),
    (Never, PLATEAU[8]),
]


@pytest.mark.parametrize(("twin", "case"), TWINS)
def test_a_broken_twin_is_noticed(twin: Any, case: SchedulerCase) -> None:
    found: list[int] = []
    for metrics in (losses(1), coarse(1)):
        schedule = our_schedule(case)
        scheduler = twin([{"lr": lr} for lr in LRS], **schedule._arguments)
        found += unequal_steps(
            torch_rates(case, metrics), host_rates(scheduler, metrics)
        )
    assert found


def test_optax_reduces_elsewhere() -> None:
    tx = optax.contrib.reduce_on_plateau(factor=0.5, patience=2, rtol=1e-4)
    state = tx.init(jnp.ones(1))
    update = jax.jit(lambda s, value: tx.update(jnp.ones(1), s, value=value)[1])
    scales = []
    for metric in coarse(1)[:60]:
        state = update(state, jnp.float32(metric))
        scales.append([float(lr * state.scale) for lr in LRS])
    by_torch = torch_rates(PLATEAU[2], coarse(1)[:60])
    assert not np.allclose(scales, by_torch, rtol=1e-3)
