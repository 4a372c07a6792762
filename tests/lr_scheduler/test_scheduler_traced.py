"""Schedules in compiled code: the host's values, rounded once."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxtrain import lr_scheduler, optim
from jaxtrain.lr_scheduler import TwoFloat

torch = pytest.importorskip("torch")

from parity.difference import ulps
from parity.proof.schedulers.cases import CASES, SchedulerCase
from parity.proof.schedulers.values import (
    momentum_of,
    optimizer_for,
    our_schedule,
    torch_scheduler,
    torch_values,
    values_of,
)

ONE_OF_EACH = list({case.name: case for case in reversed(CASES)}.values())


def rounded(values: np.ndarray) -> np.ndarray:
    """To float32, once; the rates of a schedule that grows without end overflow."""
    with np.errstate(over="ignore"):
        return values.astype(np.float32)


def compiled(function: Callable[..., Any], counts: np.ndarray) -> np.ndarray:
    """The groups' values, (steps, groups), from one call of compiled code."""
    return np.stack(jax.jit(function)(jnp.asarray(counts)), axis=-1)


def traced_and_host(schedule: Any, reference: list[list[float]]) -> tuple[Any, Any]:
    """Compiled values at PyTorch's steps, one past them and one before them."""
    steps = len(reference)
    counts = np.array([*range(steps), steps, -1])
    return compiled(schedule.for_steps(steps), counts), np.array(reference)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_step_in_float32(case: SchedulerCase) -> None:
    """PyTorch's float64 rounded once, which is half an ulp; nothing is computed."""
    rates, momenta = torch_values(case)
    schedule = our_schedule(case)
    found, expected = traced_and_host(schedule, rates)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found[:-2], rounded(expected))
    assert np.isnan(found[-2:]).all()
    if schedule.momentum is not None:
        counts = np.arange(len(momenta))
        cycled = compiled(schedule.for_steps(len(momenta)).momentum, counts)
        np.testing.assert_array_equal(cycled, rounded(np.array(momenta)))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_step_in_float64(case: SchedulerCase) -> None:
    """The bound of every family: no difference at all."""
    rates, _ = torch_values(case, steps=200)
    with jax.enable_x64(True):
        found = np.stack(
            our_schedule(case).for_steps(len(rates))(jnp.arange(len(rates))), -1
        )
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, np.array(rates))


@pytest.mark.parametrize("case", ONE_OF_EACH, ids=str)
def test_without_a_length(case: SchedulerCase) -> None:
    schedule = our_schedule(case)
    host = np.array(values_of(schedule, 300))
    found = compiled(schedule, np.arange(len(host)))
    np.testing.assert_array_equal(found, rounded(host))
    late = compiled(lambda count: schedule(jnp.maximum(count - 1, 0)), np.arange(300))
    assert (late[: len(host)] != rounded(host)).any()


def rederived() -> list[tuple[str, Callable[[Any], Any], Any]]:
    """The same schedules computed anew in float32, as Optax does."""
    return [
        (
            "cosine",
            optax.cosine_decay_schedule(0.1, 900),
            lr_scheduler.cosine_annealing_lr(0.1, 900),
        ),
        (
            "exponential",
            optax.exponential_decay(0.1, 1, 0.99),
            lr_scheduler.exponential_lr(0.1, 0.99),
        ),
        (
            "linear",
            optax.linear_schedule(0.01, 0.1, 900),
            lr_scheduler.linear_lr(0.1, 0.1, total_iters=900),
        ),
        (
            "polynomial",
            optax.polynomial_schedule(0.1, 0.0, 2.0, 900),
            lr_scheduler.polynomial_lr(0.1, 900, 2.0),
        ),
    ]


@pytest.mark.parametrize(("name", "twin", "schedule"), rederived())
def test_deriving_it_anew_in_float32_is_noticed(
    name: str, twin: Callable[[Any], Any], schedule: Any
) -> None:
    counts = np.arange(900)
    host = schedule.table(900)
    own = np.asarray(jax.jit(schedule)(jnp.asarray(counts)))
    other = np.asarray(jax.jit(jax.vmap(twin))(jnp.asarray(counts)))
    assert ulps(host, own, np.float32).max() <= 1, name
    assert ulps(host, other, np.float32).max() > 1, name


def test_a_schedule_that_settles_has_its_last_value_for_ever() -> None:
    far = jnp.array([10, 10**6, 2**31 - 1])
    linear = lr_scheduler.linear_lr([0.1, 0.3], total_iters=7)
    for found, expected in zip(jax.jit(linear)(far), linear(10**9), strict=True):
        np.testing.assert_array_equal(found, np.float32(expected))
    assert float(jax.jit(lr_scheduler.exponential_lr(0.1, 0.5))(2**31 - 1)) == 0.0


@pytest.fixture
def short_table(monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr("jaxtrain.lr_scheduler._values.TABLE_LIMIT", 50)
    return 50


def test_past_the_table_the_host_is_asked(short_table: int) -> None:
    schedule = lr_scheduler.cosine_annealing_lr([0.1, 1.0], 70, 0.01)
    expected = rounded(schedule.table(200))
    np.testing.assert_array_equal(compiled(schedule, np.arange(200)), expected)
    one = jax.jit(schedule[1])
    assert [float(one(c)) for c in (49, 50, 51, 199)] == [
        float(expected[c, 1]) for c in (49, 50, 51, 199)
    ]

    def body(count: jax.Array, _: None) -> tuple[jax.Array, Any]:
        return count + 1, schedule[0](count)

    _, scanned = jax.jit(lambda: jax.lax.scan(body, 0, None, 60))()
    np.testing.assert_array_equal(scanned, expected[:60, 0])
    grid = jnp.arange(120).reshape(3, 40)
    mapped = jax.jit(jax.vmap(jax.vmap(schedule[0])))(grid)
    np.testing.assert_array_equal(mapped.ravel(), expected[:120, 0])


def test_the_end_may_lie_past_the_table(short_table: int) -> None:
    schedule = lr_scheduler.one_cycle_lr(0.1, total_steps=80)
    counts = np.array([49, 50, 80, 81, 1000, -1])
    found = jax.jit(schedule)(jnp.asarray(counts))
    expected = [schedule(c) for c in (49, 50, 80)]
    np.testing.assert_array_equal(found[:3], rounded(np.array(expected)))
    assert np.isnan(found[3:]).all()
    beta1 = jax.jit(schedule.beta1)(jnp.asarray(counts))
    exact = np.float64(beta1.hi) + np.float64(beta1.lo)
    cycled = [schedule.momentum(c) for c in (49, 50, 80)]
    np.testing.assert_allclose(exact[:3], cycled, rtol=2**-47, atol=0)


def test_for_steps_has_so_many_values_and_no_more() -> None:
    schedule = lr_scheduler.linear_lr(0.1, total_iters=3).for_steps(5)
    assert schedule(4) == 0.1
    for count in (5, 500):
        with pytest.raises(ValueError, match="5 steps"):
            schedule(count)
    found = jax.jit(schedule)(jnp.arange(7))
    assert np.isnan(found).tolist() == [False] * 5 + [True] * 2
    for wrong in (0, -3):
        with pytest.raises(ValueError, match=str(wrong)):
            schedule.for_steps(wrong)


def test_a_function_with_few_values_needs_the_number_of_steps() -> None:
    factors = [1.0, 0.5, 0.25]
    schedule = lr_scheduler.lambda_lr(1.0, lambda step: factors[step])
    with pytest.raises(IndexError):
        jax.jit(schedule)(0)
    assert float(jax.jit(schedule.for_steps(3))(2)) == 0.25
    assert schedule(1) == 0.5


def test_a_count_that_is_not_whole_is_refused() -> None:
    with pytest.raises(TypeError, match="float32"):
        lr_scheduler.step_lr(0.1, 3)(jnp.float32(1.0))


def test_numpy_s_counts_are_the_host_s() -> None:
    schedule = lr_scheduler.step_lr(0.1, 3)
    assert type(schedule(np.int32(3))) is float


# Momentum.


def test_beta1_keeps_its_distance_from_1() -> None:
    schedule = lr_scheduler.one_cycle_lr(
        0.1, total_steps=100, max_momentum=0.9999, base_momentum=0.999
    )
    momenta = schedule.momentum.table(100)
    pair = jax.jit(schedule.beta1)(jnp.arange(100))
    assert isinstance(pair, TwoFloat)
    assert pair.hi.dtype == pair.lo.dtype == np.float32

    def error(complement: Any) -> float:
        exact = 1 - momenta
        return float(np.max(np.abs(np.float64(complement) / exact - 1)))

    # 1 - hi is exact, and what is subtracted from it is rounded once.
    assert error((1 - pair.hi) - pair.lo) <= 2**-24
    # The twin: a momentum of one float32.
    assert error(1 - jax.jit(schedule.momentum)(jnp.arange(100))) > 1e-5


def test_beta1_is_exact_with_x64() -> None:
    schedule = lr_scheduler.cyclic_lr([0.1, 0.2], 1.0, step_size_up=7)
    with jax.enable_x64(True):
        pairs = schedule.beta1(jnp.arange(30))
        found = np.stack([pair.hi + pair.lo for pair in pairs], -1)
    np.testing.assert_array_equal(found, schedule.momentum.table(30))


def test_no_momentum_where_none_is_cycled() -> None:
    assert lr_scheduler.step_lr(0.1, 3).momentum is None
    still = lr_scheduler.one_cycle_lr(0.1, total_steps=9, cycle_momentum=False)
    assert still.momentum is still.beta1 is None


# With optimisers.

ONE_CYCLE = SchedulerCase("one_cycle_lr", {"max_lr": 0.1, "total_steps": 60})
STEPS = 60


def torch_path(kind: str) -> np.ndarray:
    """A parameter of 5 numbers under the one-cycle policy, in float64."""
    grads = np.random.default_rng(0).standard_normal((STEPS, 5))
    optimizer = optimizer_for((1.0,), kind)
    p = torch.nn.Parameter(torch.ones(5, dtype=torch.float64))
    optimizer.param_groups[0]["params"] = [p]
    scheduler = torch_scheduler(ONE_CYCLE, optimizer)
    path = []
    for grad in grads:
        p.grad = torch.tensor(grad)
        optimizer.step()
        scheduler.step()
        path.append(p.detach().numpy().copy())
    assert momentum_of(optimizer.param_groups[0]) > 0.94
    return np.array(path)


def our_path(tx: Any) -> np.ndarray:
    grads = np.random.default_rng(0).standard_normal((STEPS, 5))
    with jax.enable_x64(True):

        def step(carry: Any, grad: jax.Array) -> tuple[Any, jax.Array]:
            p, state = carry
            updates, state = tx.update(grad, state, p)
            return (p + updates, state), p + updates

        start = jnp.ones(5)
        _, path = jax.lax.scan(step, (start, tx.init(start)), jnp.asarray(grads))
        return np.asarray(path)


def test_sgd_with_rate_and_momentum() -> None:
    schedule = our_schedule(ONE_CYCLE, 1.0)
    reference = torch_path("sgd")
    found = our_path(optim.sgd(lr=schedule, momentum=schedule.momentum))
    # 60 steps of a few float64 roundings each.
    np.testing.assert_allclose(found, reference, rtol=1e-13, atol=1e-13)
    still = our_path(optim.sgd(lr=schedule, momentum=0.95))
    assert np.abs(still - reference).max() > 1e-3


def test_adam_with_rate_and_beta1() -> None:
    schedule = our_schedule(ONE_CYCLE, 1.0)

    def beta1(count: jax.Array) -> optim.TwoFloat:
        return optim.TwoFloat(*schedule.beta1(count))

    reference = torch_path("adam")
    found = our_path(optim.adam(lr=schedule, betas=(beta1, 0.999)))
    # 60 steps; a bias correction is within 6 ulp where beta moves.
    np.testing.assert_allclose(found, reference, rtol=1e-12, atol=1e-12)
    still = our_path(optim.adam(lr=schedule, betas=(0.95, 0.999)))
    assert np.abs(still - reference).max() > 1e-3


def test_groups_have_schedules_of_their_own() -> None:
    schedule = lr_scheduler.exponential_lr([0.5, 0.125], 0.5)
    tx = optim.param_groups(
        optim.sgd,
        [
            {"params": lambda name: name == "a", "lr": schedule[0]},
            {"params": lambda name: name == "b", "lr": schedule[1]},
        ],
    )
    params = {"a": jnp.ones(1), "b": jnp.ones(1)}
    state = tx.init(params)
    for count in range(3):
        updates, state = tx.update(params, state)
        assert float(updates["a"][0]) == -schedule(count)[0]
        assert float(updates["b"][0]) == -schedule(count)[1]


def test_an_optax_schedule() -> None:
    schedule = lr_scheduler.one_cycle_lr(0.1, total_steps=20)
    plain = optax.sgd(schedule)
    injected = optax.inject_hyperparams(optax.sgd)(
        learning_rate=schedule, momentum=schedule.momentum
    )
    params = jnp.ones(2)
    state, other = plain.init(params), injected.init(params)
    for count in range(20):
        updates, state = plain.update(params, state)
        np.testing.assert_array_equal(updates, -np.float32(schedule(count)))
        _, other = injected.update(params, other)
        given = other.hyperparams
        assert given["learning_rate"] == np.float32(schedule(count))
        assert given["momentum"] == np.float32(schedule.momentum(count))


# The state machine.


@pytest.mark.parametrize("case", ONE_OF_EACH, ids=str)
def test_the_state_machine_goes_step_by_step(case: SchedulerCase) -> None:
    schedule = our_schedule(case).for_steps(12)
    step, value = jax.jit(schedule.step), jax.jit(schedule.value)
    state = schedule.init()
    for count in range(12):
        if count == 5:
            # Saved as plain arrays, and loaded.
            leaves, tree = jax.tree.flatten(state)
            state = jax.tree.unflatten(tree, [np.asarray(leaf) for leaf in leaves])
            state = jax.tree.map(jnp.asarray, state)
        found = [float(rate) for rate in value(state)]
        assert found == [float(np.float32(rate)) for rate in schedule(count)]
        state = step(state, 0.5)


def test_many_states_at_once() -> None:
    schedule = lr_scheduler.step_lr(0.1, 3)
    counts = jnp.array([0, 2, 5, 9])
    start = jax.vmap(lambda count: schedule.init()._replace(count=count))(counts)
    states = jax.vmap(schedule.step)(start)
    found = jax.vmap(schedule.value)(states)
    np.testing.assert_array_equal(found, rounded(schedule.table(11)[[1, 3, 6, 10]]))


def test_one_compilation_serves_every_step() -> None:
    traces = []

    @jax.jit
    def rate(count: jax.Array) -> jax.Array:
        traces.append(count)
        return schedule(count)

    schedule = lr_scheduler.cosine_annealing_lr(0.1, 30)
    assert [float(rate(c)) for c in range(40)] == rounded(schedule.table(40)).tolist()
    assert len(traces) == 1


def test_schedules_of_the_articles_are_traced_too() -> None:
    for schedule in (
        lr_scheduler.constant(0.3),
        lr_scheduler.geometric(0.3, 0.01, 50),
    ):
        found = jax.jit(schedule)(jnp.arange(200))
        np.testing.assert_array_equal(found, rounded(schedule.table(200)))
