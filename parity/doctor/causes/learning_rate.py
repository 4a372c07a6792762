"""Schedules: off by one, per epoch or per step, other arguments, float32."""

import copy
import inspect
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch

from parity.difference import difference
from parity.doctor.evidence import Evidence
from parity.doctor.trial import Trial

KINDS = ("lr",)

RateArray = np.ndarray


def trials(evidence: Evidence) -> Iterator[Trial]:
    """Run the scheduler otherwise and compare the rates of all updates."""
    pairs = [(a, b) for a, b in evidence.steps() if a.updated and b.lr is not None]
    ours = np.array([b.lr[0] for _, b in pairs if b.lr is not None])
    for cause, text, remedy, rates in schedules(evidence, len(ours)):
        yield Trial(cause, text, remedy, rate_distance(ours, rates))
    theirs = np.array([a.lr[0] for a, _ in pairs if a.lr is not None])
    yield from _float32(ours, theirs)


def rate_distance(ours: RateArray, others: RateArray) -> float:
    """The largest difference of two runs of rates, relative to the largest rate."""
    scale = max(float(np.abs(ours).max(initial=0.0)), 1e-300)
    return float(difference(ours, others[: len(ours)]).max(initial=0.0)) / scale


def _float32(ours: RateArray, theirs: RateArray) -> Iterator[Trial]:
    """Rounding to float32 leaves at most half of one of its units."""
    error = rate_distance(ours, theirs)
    rounding = rate_distance(ours, ours.astype(np.float32))
    exact = 0.0 if error < 2e-5 and rounding == 0.0 else 1.0
    yield Trial(
        "float32 schedule",
        f"the port's rates are float32 numbers, {error:.1g} off PyTorch's float64",
        "Compute the schedule on the host and hand over the rate: "
        "jaxtrain.lr_scheduler does.",
        exact * error,
        # What a schedule of a few operations loses.
        enough=2e-5 * (1 - exact) + 1e-12,
    )


def schedules(
    evidence: Evidence, length: int
) -> Iterator[tuple[str, str, str, RateArray]]:
    """(cause, text, remedy, rate of each update), each by the scheduler itself."""
    side = evidence.recording.case.torch
    base = side.optimizer.param_groups[0].get("initial_lr")
    base = side.optimizer.param_groups[0]["lr"] if base is None else base
    if side.scheduler is None:
        return
    yield (
        "no schedule",
        "the port's rate stays",
        "Pass the schedule.",
        np.full(length, base),
    )
    right = _rates(side, length + 2 * side.tick, side.tick)
    remedy = (
        "The rate of update k, from 0, is that after k ticks: jaxtrain.lr_scheduler's "
        "schedules count so."
    )
    yield "schedule off by one", "the port is one step ahead", remedy, right[1:]
    late = np.concatenate([right[:1], right])
    yield "schedule off by one", "the port is one step behind", remedy, late
    for tick in dict.fromkeys([1, side.tick, *range(2, length + 1)]):
        if tick != side.tick:
            unit = "each step" if tick == 1 else f"every {tick} steps"
            yield (
                "per epoch or per step",
                f"the port's schedule ticks {unit}, PyTorch's every {side.tick}",
                "Divide the count of updates by the updates between ticks.",
                _rates(side, length, tick),
            )
    yield from _other_arguments(side, length, float(base))
    yield from _from_zero(side, length, float(base))
    yield from _optax(side, length, float(base))


def _rates(side: Any, length: int, tick: int, **changes: Any) -> RateArray:
    """The first group's rates under the scheduler, with some numbers changed."""
    optimizer, scheduler = copy.deepcopy((side.optimizer, side.scheduler))
    rates = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        if changes:
            scheduler = _rebuild(optimizer, scheduler, changes)
        for update in range(1, length + 1):
            rates.append(float(optimizer.param_groups[0]["lr"]))
            if update % tick == 0:
                scheduler.step()
    return np.array(rates)


def _rebuild(optimizer: Any, scheduler: Any, changes: dict[str, Any]) -> Any:
    """The same scheduler from the start, where its arguments are its attributes."""
    names = list(inspect.signature(type(scheduler)).parameters)[1:]
    own = {name: vars(scheduler)[name] for name in names if name in vars(scheduler)}
    if set(changes) <= set(own):
        for group in optimizer.param_groups:
            group["lr"] = group.pop("initial_lr")
        return type(scheduler)(optimizer, **{**own, "last_epoch": -1, **changes})
    vars(scheduler).update(changes)
    return scheduler


def _from_zero(
    side: Any, length: int, base: float
) -> Iterator[tuple[str, str, str, RateArray]]:
    """Warm-up from zero, which PyTorch's `LinearLR` refuses."""
    if not isinstance(side.scheduler, torch.optim.lr_scheduler.LinearLR):
        return
    ticks = np.arange(length) // side.tick
    for first, says in ((0, "0"), (1, "one step above 0")):
        share = np.minimum((ticks + first) / side.scheduler.total_iters, 1.0)
        yield (
            "argument of the schedule",
            f"the port warms up from {says}, PyTorch from start_factor",
            "Start from start_factor: jaxtrain.lr_scheduler.linear_lr does.",
            base * share,
        )


def _other_arguments(
    side: Any, length: int, base: float
) -> Iterator[tuple[str, str, str, RateArray]]:
    """One number of the scheduler changed."""
    for name, value in vars(side.scheduler).items():
        numeric = isinstance(value, int | float) and not isinstance(value, bool)
        if not numeric or name.startswith("_") or name == "last_epoch":
            continue
        for other in _others(name, value, base):
            try:
                rates = _rates(side, length, side.tick, **{name: other})
            except (ArithmeticError, ValueError, TypeError):
                continue
            note = " (a ratio in Optax)" if name == "eta_min" else ""
            yield (
                "argument of the schedule",
                f"the port's schedule has {name} {other:g}{note}, PyTorch's {value:g}",
                "Give both the same; optax.cosine_decay_schedule's alpha is a ratio, "
                "PyTorch's eta_min a rate.",
                rates,
            )


def _others(name: str, value: float, base: float) -> Iterator[float]:
    if isinstance(value, int):
        yield from (value + 1, value - 1, 2 * value)
        return
    yield from (value * base, value / base if base else 0.0)
    yield from (0.0, 0.1, 0.5, 0.9, 0.95, 0.99, 1 / 3, 1.0, value / 10, value * 10)


def _optax(
    side: Any, length: int, base: float
) -> Iterator[tuple[str, str, str, RateArray]]:
    """Optax's nearest schedules, which bend elsewhere."""
    import jax
    import optax

    scheduler = side.scheduler
    candidates: list[tuple[str, Callable[[Any], Any]]] = []
    if isinstance(scheduler, torch.optim.lr_scheduler.OneCycleLR):
        peak = float(scheduler.optimizer.param_groups[0]["max_lr"])
        candidates.append(
            (
                "optax.cosine_onecycle_schedule",
                optax.cosine_onecycle_schedule(scheduler.total_steps, peak),
            )
        )
    if isinstance(scheduler, torch.optim.lr_scheduler.CosineAnnealingLR):
        ratio = scheduler.eta_min / base if base else 0.0
        candidates.append(
            (
                "optax.cosine_decay_schedule",
                optax.cosine_decay_schedule(base, scheduler.T_max, ratio),
            )
        )
    for name, schedule in candidates:
        with jax.enable_x64(True):
            rates = np.array([float(schedule(k // side.tick)) for k in range(length)])
        yield (
            "Optax's schedule",
            f"the port's rates are those of {name}",
            "It is another curve: use jaxtrain.lr_scheduler.",
            rates,
        )
