"""Any arguments: the host has PyTorch's values, and compiled code the host's."""

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from parity.proof.schedulers.cases import LRS, SchedulerCase
from parity.proof.schedulers.values import (
    ENDS,
    optimizer_for,
    our_schedule,
    torch_scheduler,
    torch_values,
    unequal_steps,
    values_of,
)

STEPS = 120

factors = st.floats(0.01, 1.0)
rates = st.floats(1e-6, 10.0)
shares = st.floats(0.0, 1.0)
momenta = st.floats(0.0, 0.99)
lengths = st.integers(1, 150)
powers = st.floats(0.0, 5.0)
strategies = st.sampled_from(["cos", "linear"])


def family(name: str, **arguments: Any) -> st.SearchStrategy[SchedulerCase]:
    """Cases of one scheduler, each argument drawn or left out."""
    needed = {key: value for key, value in arguments.items() if key in NEEDED}
    optional = {key: value for key, value in arguments.items() if key not in NEEDED}
    drawn = st.fixed_dictionaries(needed, optional=optional)
    return drawn.map(lambda args: SchedulerCase(name, args))


NEEDED = {
    "step_size",
    "milestones",
    "gamma",
    "T_max",
    "T_0",
    "base_lr",
    "max_lr",
    "total_steps",
    "swa_lr",
}

FAMILIES = {
    "step_lr": family("step_lr", step_size=lengths, gamma=st.floats(-1.5, 1.5)),
    "multi_step_lr": family(
        "multi_step_lr",
        milestones=st.lists(st.integers(-2, 130), max_size=8),
        gamma=st.floats(0.0, 1.5),
    ),
    "constant_lr": family(
        "constant_lr", factor=shares, total_iters=st.integers(0, 150)
    ),
    "linear_lr": family(
        "linear_lr",
        start_factor=factors,
        end_factor=shares,
        total_iters=st.integers(0, 150),
    ),
    "exponential_lr": family("exponential_lr", gamma=st.floats(-1.5, 1.5)),
    "polynomial_lr": family(
        "polynomial_lr", total_iters=st.integers(0, 150), power=powers
    ),
    "cosine_annealing_lr": family(
        "cosine_annealing_lr", T_max=lengths, eta_min=st.floats(-0.1, 1.0)
    ),
    "cosine_annealing_warm_restarts": family(
        "cosine_annealing_warm_restarts",
        T_0=lengths,
        T_mult=st.integers(1, 4),
        eta_min=st.floats(-0.1, 1.0),
    ),
    "cyclic_lr": family(
        "cyclic_lr",
        base_lr=rates,
        max_lr=rates,
        step_size_up=lengths,
        step_size_down=st.none() | st.integers(0, 150),
        mode=st.sampled_from(["triangular", "triangular2", "exp_range"]),
        gamma=st.floats(0.5, 1.1),
        base_momentum=momenta,
        max_momentum=momenta,
    ),
    "one_cycle_lr": family(
        "one_cycle_lr",
        max_lr=rates,
        total_steps=lengths,
        pct_start=shares,
        anneal_strategy=strategies,
        base_momentum=momenta,
        max_momentum=momenta,
        div_factor=st.floats(1.0, 100.0),
        final_div_factor=st.floats(1.0, 1e6),
        three_phase=st.booleans(),
    ),
    "swa_lr": family(
        "swa_lr",
        swa_lr=rates,
        anneal_epochs=st.integers(0, 150),
        anneal_strategy=strategies,
    ),
}

single = st.one_of(*FAMILIES.values())


@st.composite
def sequences(draw: Any) -> SchedulerCase:
    children = draw(st.lists(single, min_size=1, max_size=4))
    places = st.integers(0, STEPS)
    milestones = draw(st.lists(places, min_size=len(children) - 1, max_size=3))
    milestones = sorted(milestones[: len(children) - 1])
    return SchedulerCase("sequential_lr", {"milestones": milestones}, tuple(children))


@st.composite
def chains(draw: Any) -> SchedulerCase:
    children = draw(st.lists(single | sequences(), min_size=1, max_size=3))
    return SchedulerCase("chained_scheduler", {}, tuple(children))


def check(case: SchedulerCase) -> None:
    """Both refuse it, or both have the same values to the same end."""
    try:
        expected, cycled = torch_values(case, STEPS)
    except ENDS:
        with pytest.raises(ValueError, match=r"."):
            our_schedule(case)
        return
    schedule = our_schedule(case)
    assert not unequal_steps(expected, values_of(schedule, STEPS))
    if schedule.momentum is not None:
        found = values_of(schedule.momentum, STEPS)
        assert not unequal_steps(cycled, found)
    steps = jnp.arange(len(expected))
    traced = np.stack(schedule.for_steps(len(expected))(steps), -1)
    with np.errstate(over="ignore"):
        np.testing.assert_array_equal(traced, np.float32(expected))


@pytest.mark.parametrize("name", FAMILIES)
def test_any_arguments(name: str) -> None:
    @settings(max_examples=25, deadline=None, derandomize=True, database=None)
    @given(case=FAMILIES[name])
    def holds(case: SchedulerCase) -> None:
        check(case)

    holds()


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(case=sequences())
def test_any_sequence(case: SchedulerCase) -> None:
    check(case)


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(case=chains())
def test_any_chain(case: SchedulerCase) -> None:
    check(case)


numbers = st.floats(allow_nan=True, allow_infinity=True) | st.sampled_from(
    [0.0, 1.0, 1.0 - 1e-4, 0.9999, 0.95]
)


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(
    metrics=st.lists(numbers, min_size=1, max_size=60),
    args=st.fixed_dictionaries(
        {},
        optional={
            "mode": st.sampled_from(["min", "max"]),
            "factor": st.floats(-1.0, 0.99),
            "patience": st.integers(0, 5),
            "threshold": st.floats(-0.1, 1.5),
            "threshold_mode": st.sampled_from(["rel", "abs"]),
            "cooldown": st.integers(0, 5),
            "min_lr": st.floats(-0.1, 1.0),
            "eps": st.floats(0.0, 0.1),
        },
    ),
)
def test_any_plateau(metrics: list[float], args: dict[str, Any]) -> None:
    case = SchedulerCase("reduce_lr_on_plateau", args)
    reference, scheduler = (
        torch_scheduler(case, optimizer_for(LRS)),
        our_schedule(case).host(),
    )
    for metric in metrics:
        reference.step(metric)
        scheduler.step(metric)
        assert scheduler.get_last_lr() == reference.get_last_lr()
        assert scheduler.num_bad_epochs == reference.num_bad_epochs
        assert scheduler.cooldown_counter == reference.cooldown_counter
        assert str(scheduler.best) == str(reference.best)
