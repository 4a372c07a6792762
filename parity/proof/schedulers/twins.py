"""Broken schedules: each is a mistake that is easy to make, and must be seen."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import optax

from parity.proof.schedulers import cases
from parity.proof.schedulers.cases import SchedulerCase
from parity.proof.schedulers.values import (
    STEPS,
    judge,
    our_schedule,
    our_values,
    values_of,
)
from parity.proof.verdict import Verdict

NAMED: dict[str, SchedulerCase] = {
    "lambda_lr": cases.LAMBDA[0],
    "multiplicative_lr": cases.MULTIPLICATIVE[4],
    "step_lr": cases.STEP[1],
    "multi_step_lr": cases.MULTI_STEP[3],
    "constant_lr": cases.CONSTANT[2],
    "linear_lr": cases.LINEAR[2],
    "exponential_lr": cases.EXPONENTIAL[0],
    "polynomial_lr": cases.POLYNOMIAL[2],
    "cosine_annealing_lr": cases.COSINE[3],
    "cosine_annealing_warm_restarts": cases.WARM_RESTARTS[3],
    "cyclic_lr": cases.CYCLIC[3],
    "one_cycle_lr": cases.ONE_CYCLE[1],
    "swa_lr": cases.SWA[4],
    "chained_scheduler": cases.CHAINED[2],
    "sequential_lr": cases.SEQUENTIAL[2],
}


CHANGED: tuple[tuple[str, str, Mapping[str, Any]], ...] = (
    ("step_lr", "one step less", {"step_size": 3}),
    ("multi_step_lr", "another milestone", {"milestones": [5, 6]}),
    ("constant_lr", "one step less", {"total_iters": 4}),
    ("linear_lr", "one step more", {"total_iters": 101}),
    ("exponential_lr", "a base an ulp off", {"gamma": float(np.nextafter(0.9, 1))}),
    ("polynomial_lr", "a straight line", {"power": 1.0}),
    ("cosine_annealing_lr", "one step less", {"T_max": 49}),
    ("cosine_annealing_warm_restarts", "equal periods", {"T_mult": 1}),
    ("cyclic_lr", "no decay", {"mode": "triangular"}),
    ("one_cycle_lr", "one step more", {"total_steps": 939}),
    ("swa_lr", "a straight line", {"anneal_strategy": "linear"}),
    ("sequential_lr", "a milestone one step late", {"milestones": [15, 71]}),
)


def _others() -> Iterator[tuple[str, str, Callable[[int], Any]]]:
    for name, wrong, changed in CHANGED:
        case = NAMED[name]
        yield name, wrong, our_schedule(replace(case, args={**case.args, **changed}))
    product = cases.MULTIPLICATIVE[4].args
    factor = cases.LAMBDA[0].args
    yield (
        "lambda_lr",
        "a product",
        our_schedule(SchedulerCase("multiplicative_lr", factor)),
    )
    yield (
        "multiplicative_lr",
        "a factor",
        our_schedule(SchedulerCase("lambda_lr", product)),
    )
    yield "chained_scheduler", "another chain", our_schedule(cases.CHAINED[1])
    cycle = optax.cosine_onecycle_schedule(938, 0.1, 0.3, 25.0, 25e4)
    yield "one_cycle_lr", "Optax's", lambda count: [float(cycle(count))] * 3
    children = [our_schedule(child) for child in cases.SEQUENTIAL[2].children]
    joined = optax.join_schedules(children, [15, 71])
    yield "sequential_lr", "Optax's", lambda count: list(joined(count))


BROKEN = tuple(_others())
"""The scheduler, what is wrong with its twin, and the twin."""


def _judged(name: str, twin: Callable[[int], Any]) -> Verdict:
    return judge(NAMED[name], (values_of(twin), None), STEPS)


def _late() -> Verdict:
    case, steps = cases.STEP[2], 60
    args = {**case.args, "step_size": case.args["step_size"] + 1}
    return judge(case, our_values(replace(case, args=args), steps), steps)


TWINS: Mapping[str, Callable[[], Verdict]] = {
    "a rate that falls one step late": _late,
    **{
        f"{name}: {wrong}": partial(_judged, name, twin) for name, wrong, twin in BROKEN
    },
}
"""Name -> the verdict that must fail; the first is the control."""
