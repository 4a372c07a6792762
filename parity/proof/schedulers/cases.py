"""Argument sets of every scheduler: each argument off its default at least once.

A chain or a sequence holds cases. PyTorch has several schedulers that end or fail part
of the way; where it does, so must ours.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Arguments = Mapping[str, Any]

LRS = (0.1, 3.7e-3, 2.0)
"""Base learning rates of the groups; the first is that of cases with one group."""


@dataclass(frozen=True)
class SchedulerCase:
    """One scheduler with one set of arguments, or with others in it."""

    name: str
    args: Arguments = field(default_factory=dict)
    children: "tuple[SchedulerCase, ...]" = ()

    def __str__(self) -> str:
        inner = [str(child) for child in self.children]
        arguments = [f"{key}={_text(value)}" for key, value in self.args.items()]
        return f"{self.name}({', '.join(inner + arguments)})"

    @property
    def sets_lr(self) -> bool:
        """Whether it takes no base learning rate."""
        return self.name in ("one_cycle_lr", "cyclic_lr")

    @property
    def needs_groups(self) -> bool:
        """Whether an argument has a value for each group."""
        lists = (value for key, value in self.args.items() if key != "milestones")
        return any(isinstance(value, list) for value in lists) or any(
            child.needs_groups for child in self.children
        )


def _text(value: Any) -> str:
    if isinstance(value, list):
        # A function's own text holds its address, another in every process.
        return f"[{', '.join(map(_text, value))}]"
    return getattr(value, "__name__", None) or str(value)


def _cases(name: str, *argument_sets: Arguments) -> tuple[SchedulerCase, ...]:
    return tuple(SchedulerCase(name, arguments) for arguments in argument_sets)


def harmonic(step: int) -> float:
    """1/(1 + t)."""
    return 1 / (1 + step)


def staircase(step: int) -> int:
    """⌊t/30⌋, a whole number."""
    return step // 30


def wave(step: int) -> float:
    """1 + 0.9·sin t."""
    return 1 + 0.9 * math.sin(step)


def fade(step: int) -> float:
    """0.95^t."""
    return 0.95**step


def nearly_one(step: int) -> float:
    """1 - 1/(t + 3)."""
    return 1 - 1 / (step + 3)


def warm_up(step: int) -> float:
    """Up to 1 in 100 steps."""
    return min(1.0, (step + 1) / 100)


@dataclass
class Power:
    """A function with a state, which PyTorch saves with the scheduler's."""

    base: float

    def __call__(self, step: float) -> float:
        return self.base**step


LAMBDA = _cases(
    "lambda_lr",
    {"lr_lambda": harmonic},
    {"lr_lambda": staircase},
    {"lr_lambda": wave},
    {"lr_lambda": fade},
    {"lr_lambda": nearly_one},
    {"lr_lambda": warm_up},
    {"lr_lambda": Power(0.97)},
    {"lr_lambda": [harmonic, staircase, wave]},
    {"lr_lambda": [fade, Power(0.5), Power(1.01)]},
    {"lr_lambda": wave, "last_epoch": 10},
)

MULTIPLICATIVE = _cases(
    "multiplicative_lr",
    {"lr_lambda": harmonic},
    {"lr_lambda": staircase},
    {"lr_lambda": wave},
    {"lr_lambda": fade},
    {"lr_lambda": nearly_one},
    {"lr_lambda": warm_up},
    {"lr_lambda": Power(0.99)},
    {"lr_lambda": [nearly_one, Power(0.5), wave]},
    {"lr_lambda": [warm_up, fade, Power(1.0001)]},
    {"lr_lambda": nearly_one, "last_epoch": 10},
)

STEP = _cases(
    "step_lr",
    {"step_size": 1},
    {"step_size": 2},
    {"step_size": 7, "gamma": 0.5},
    {"step_size": 30},
    {"step_size": 5000, "gamma": 0.5},
    {"step_size": 10, "gamma": 0.97},
    {"step_size": 3, "gamma": 1.1},
    {"step_size": 4, "gamma": 1.0},
    {"step_size": 9, "gamma": 0.0},
    {"step_size": 9, "gamma": -0.5},
    {"step_size": 10, "gamma": 0.3, "last_epoch": 8},
)

MULTI_STEP = _cases(
    "multi_step_lr",
    {"milestones": [30, 80]},
    {"milestones": [30, 80], "gamma": 0.3},
    {"milestones": [80, 30, 400], "gamma": 0.7},
    {"milestones": [5, 5, 5, 6], "gamma": 0.7},
    {"milestones": []},
    {"milestones": [0, 1], "gamma": 0.5},
    {"milestones": list(range(3, 900, 7)), "gamma": 0.97},
    {"milestones": [2000]},
    {"milestones": [-1, 10], "gamma": 1.5},
    {"milestones": [10, 20], "gamma": 0.0},
    {"milestones": [10, 20], "gamma": 0.3, "last_epoch": 9},
)

CONSTANT = _cases(
    "constant_lr",
    {},
    {"factor": 0.5},
    {"factor": 0.7, "total_iters": 3},
    {"factor": 1.0, "total_iters": 100},
    {"factor": 0.1, "total_iters": 500},
    {"factor": 1e-3, "total_iters": 1},
    {"factor": 0.3, "total_iters": 0},
    {"factor": 0.0, "total_iters": 50},
    {"factor": 0.9, "total_iters": 5000},
    {"factor": 0.3, "total_iters": 20, "last_epoch": 7},
)

LINEAR = _cases(
    "linear_lr",
    {},
    {"start_factor": 0.1},
    {"start_factor": 1.0, "end_factor": 0.1, "total_iters": 100},
    {"start_factor": 1e-3, "total_iters": 937},
    {"start_factor": 0.7, "end_factor": 0.3, "total_iters": 17},
    {"start_factor": 0.5, "end_factor": 0.5, "total_iters": 9},
    {"start_factor": 1.0, "end_factor": 0.0, "total_iters": 50},
    {"start_factor": 0.3, "total_iters": 0},
    {"start_factor": 0.01, "end_factor": 0.9, "total_iters": 5000},
    {"start_factor": 0.2, "total_iters": 30, "last_epoch": 11},
)

EXPONENTIAL = _cases(
    "exponential_lr",
    {"gamma": 0.9},
    {"gamma": 0.99},
    {"gamma": 0.999},
    {"gamma": 0.1},
    {"gamma": 0.5},
    {"gamma": 1.0},
    {"gamma": 1.01},
    {"gamma": 3.0},
    {"gamma": 0.0},
    {"gamma": -0.9},
    {"gamma": 0.97, "last_epoch": 20},
)

POLYNOMIAL = _cases(
    "polynomial_lr",
    {},
    {"total_iters": 100},
    {"total_iters": 100, "power": 2.0},
    {"total_iters": 900, "power": 0.9},
    {"total_iters": 1500, "power": 0.5},
    {"total_iters": 37, "power": 3.3},
    {"total_iters": 50, "power": 0.0},
    {"total_iters": 40, "power": -1.0},
    {"total_iters": 0},
    {"total_iters": 60, "power": 1.7, "last_epoch": 12},
)

COSINE = _cases(
    "cosine_annealing_lr",
    {"T_max": 10},
    {"T_max": 1},
    {"T_max": 2},
    {"T_max": 50, "eta_min": 1e-3},
    {"T_max": 137, "eta_min": 0.05},
    {"T_max": 500},
    {"T_max": 1000, "eta_min": 1e-6},
    {"T_max": 3000},
    {"T_max": 33, "eta_min": 0.5},
    {"T_max": 7, "eta_min": -0.1},
    {"T_max": 40, "eta_min": 1e-4, "last_epoch": 25},
)

WARM_RESTARTS = _cases(
    "cosine_annealing_warm_restarts",
    {"T_0": 10},
    {"T_0": 1},
    {"T_0": 1, "T_mult": 2},
    {"T_0": 10, "T_mult": 2},
    {"T_0": 3, "T_mult": 3, "eta_min": 1e-3},
    {"T_0": 50, "eta_min": 1e-5},
    {"T_0": 7, "T_mult": 5},
    {"T_0": 2000},
    {"T_0": 33, "T_mult": 2, "eta_min": 0.5},
    {"T_0": 40, "T_mult": 2, "last_epoch": 25},
)

BOUNDS: Arguments = {"base_lr": 1e-3, "max_lr": 0.1}

CYCLIC = _cases(
    "cyclic_lr",
    {**BOUNDS},
    {**BOUNDS, "step_size_up": 10},
    {**BOUNDS, "step_size_up": 10, "step_size_down": 27},
    {**BOUNDS, "step_size_up": 40, "mode": "triangular2"},
    {**BOUNDS, "step_size_up": 30, "mode": "exp_range", "gamma": 0.995},
    {**BOUNDS, "step_size_up": 13, "scale_fn": Power(0.8)},
    {**BOUNDS, "step_size_up": 13, "scale_fn": harmonic, "scale_mode": "iterations"},
    {**BOUNDS, "step_size_up": 25, "cycle_momentum": False},
    {**BOUNDS, "step_size_up": 25, "base_momentum": 0.5, "max_momentum": 0.99},
    {**BOUNDS, "step_size_up": 1, "step_size_down": 0},
    {**BOUNDS, "step_size_up": 11, "mode": "exp_range", "gamma": 3.0},
    {
        "base_lr": [0.1, 0.2, 1e-4],
        "max_lr": [0.3, 0.2, 5.0],
        "step_size_up": 21,
        "base_momentum": [0.1, 0.8, 0.85],
        "max_momentum": [0.9, 0.95, 0.9],
        "mode": "triangular2",
    },
    {**BOUNDS, "step_size_up": 17, "last_epoch": 30},
)

ONE_CYCLE = _cases(
    "one_cycle_lr",
    {"max_lr": 0.1, "total_steps": 1000},
    {"max_lr": 0.1, "total_steps": 938},
    {"max_lr": 0.1, "total_steps": 20},
    {"max_lr": 0.1, "total_steps": 1},
    {"max_lr": 0.3, "epochs": 7, "steps_per_epoch": 31},
    {"max_lr": 0.3, "total_steps": 500, "anneal_strategy": "linear"},
    {"max_lr": 0.3, "total_steps": 500, "three_phase": True},
    {
        "max_lr": 1.0,
        "total_steps": 777,
        "three_phase": True,
        "anneal_strategy": "linear",
        "pct_start": 0.21,
    },
    {"max_lr": 0.1, "total_steps": 300, "pct_start": 0.0},
    {"max_lr": 0.1, "total_steps": 300, "pct_start": 1.0},
    {"max_lr": 0.1, "total_steps": 300, "cycle_momentum": False},
    {"max_lr": 0.1, "total_steps": 300, "base_momentum": 0.5, "max_momentum": 0.99},
    {"max_lr": 0.1, "total_steps": 300, "div_factor": 3.0, "final_div_factor": 7.0},
    {
        "max_lr": [0.1, 1.0, 3e-4],
        "total_steps": 900,
        "base_momentum": [0.1, 0.8, 0.85],
        "max_momentum": [0.9, 0.95, 0.9],
    },
)

SWA = _cases(
    "swa_lr",
    {"swa_lr": 0.05},
    {"swa_lr": 0.05, "anneal_strategy": "linear"},
    {"swa_lr": 0.05, "anneal_epochs": 0},
    {"swa_lr": 0.05, "anneal_epochs": 1},
    {"swa_lr": 0.01, "anneal_epochs": 100},
    {"swa_lr": 0.01, "anneal_epochs": 100, "anneal_strategy": "linear"},
    {"swa_lr": 0.5, "anneal_epochs": 333},
    {"swa_lr": 0.1, "anneal_epochs": 7},
    {"swa_lr": [0.05, 1e-4, 1.0], "anneal_epochs": 50},
    {"swa_lr": 0.02, "anneal_epochs": 2000},
    {"swa_lr": 0.02, "anneal_epochs": 20, "last_epoch": 5},
)

_WARM = SchedulerCase("linear_lr", {"start_factor": 0.1, "total_iters": 20})
_COSINE = SchedulerCase("cosine_annealing_lr", {"T_max": 100, "eta_min": 1e-4})
_DECAY = SchedulerCase("exponential_lr", {"gamma": 0.99})
_STEPS = SchedulerCase("step_lr", {"step_size": 13, "gamma": 0.5})
_HOLD = SchedulerCase("constant_lr", {"factor": 0.3, "total_iters": 15})
_RESTARTS = SchedulerCase("cosine_annealing_warm_restarts", {"T_0": 9, "T_mult": 2})
_POWER = SchedulerCase("polynomial_lr", {"total_iters": 60, "power": 2.0})
_TIMES = SchedulerCase("multiplicative_lr", {"lr_lambda": nearly_one})
_WAVE = SchedulerCase("lambda_lr", {"lr_lambda": wave})
_CYCLE = SchedulerCase("cyclic_lr", {**BOUNDS, "step_size_up": 12})
_ONE = SchedulerCase("one_cycle_lr", {"max_lr": 0.1, "total_steps": 200})
_SWA = SchedulerCase("swa_lr", {"swa_lr": 0.03, "anneal_epochs": 25})
_PLACES = SchedulerCase("multi_step_lr", {"milestones": [10, 40], "gamma": 0.3})


def _chain(*children: SchedulerCase) -> SchedulerCase:
    return SchedulerCase("chained_scheduler", {}, children)


def _sequence(milestones: list[int], *children: SchedulerCase) -> SchedulerCase:
    return SchedulerCase("sequential_lr", {"milestones": milestones}, children)


CHAINED = (
    _chain(_DECAY),
    _chain(_WARM, _DECAY),
    _chain(_HOLD, _DECAY, _STEPS),
    _chain(_COSINE, _STEPS),
    _chain(_POWER, _PLACES),
    _chain(_WAVE, _TIMES),
    _chain(_CYCLE, _DECAY),
    _chain(_WARM, _ONE),
    _chain(_STEPS, _SWA),
    _chain(_SWA, _STEPS),
    _chain(_RESTARTS, _HOLD),
    _chain(_PLACES, _HOLD, _WARM),
)

SEQUENTIAL = (
    _sequence([20], _WARM, _COSINE),
    _sequence([20], _HOLD, _DECAY),
    _sequence([15, 70], _WARM, _COSINE, _DECAY),
    _sequence([10, 200, 205], _STEPS, _POWER, _PLACES, _TIMES),
    _sequence([30], _CYCLE, _STEPS),
    _sequence([30], _STEPS, _CYCLE),
    _sequence([30], _WARM, _ONE),
    _sequence([40], _ONE, _CYCLE),
    _sequence([25, 60], _RESTARTS, _WAVE, _RESTARTS),
    _sequence([50], _COSINE, _SWA),
    _sequence([0], _WARM, _DECAY),
    _sequence([7, 7], _WARM, _STEPS, _DECAY),
    _sequence([], _POWER),
    _sequence([5000], _DECAY, _STEPS),
    SchedulerCase(
        "sequential_lr", {"milestones": [9], "last_epoch": 4}, (_CYCLE, _ONE)
    ),
    _sequence([10], SchedulerCase("step_lr", {"step_size": 4, "last_epoch": 5}), _WARM),
)

NESTED = (
    _chain(_sequence([20], _WARM, _COSINE), _STEPS),
    _chain(_STEPS, _sequence([20], _HOLD, _DECAY)),
    _chain(_chain(_HOLD, _DECAY), _PLACES),
    _sequence([30], _chain(_HOLD, _DECAY), _COSINE),
    _sequence([30], _sequence([10], _WARM, _STEPS), _DECAY),
    _sequence([40], _chain(_sequence([10], _WARM, _POWER), _STEPS), _TIMES),
    _sequence([30], _chain(_CYCLE, _STEPS), _ONE),
    # PyTorch cannot restart these.
    _sequence([30], _WARM, _chain(_HOLD, _DECAY)),
    _sequence([30], _WARM, _sequence([10], _HOLD, _DECAY)),
)

SINGLE = (
    *LAMBDA,
    *MULTIPLICATIVE,
    *STEP,
    *MULTI_STEP,
    *CONSTANT,
    *LINEAR,
    *EXPONENTIAL,
    *POLYNOMIAL,
    *COSINE,
    *WARM_RESTARTS,
    *CYCLIC,
    *ONE_CYCLE,
    *SWA,
)

CASES = (*SINGLE, *CHAINED, *SEQUENTIAL, *NESTED)

PLATEAU = _cases(
    "reduce_lr_on_plateau",
    {},
    {"patience": 0},
    {"patience": 2, "factor": 0.5},
    {"mode": "max", "patience": 3},
    {"threshold_mode": "abs", "patience": 3, "threshold": 0.05},
    {"mode": "max", "threshold_mode": "abs", "patience": 1, "threshold": 0.05},
    {"patience": 2, "cooldown": 5, "factor": 0.7},
    {"patience": 1, "min_lr": 1e-3},
    {"patience": 1, "min_lr": [1e-3, 1e-3, 0.5], "factor": 0.3},
    {"patience": 1, "eps": 1e-2, "factor": 0.5},
    {"patience": 2, "threshold": 0.0, "factor": 0.9},
    {"patience": 0, "threshold": 1.0, "cooldown": 1, "factor": 0.5},
    {"patience": 3, "threshold": -0.1, "mode": "max", "factor": 0.8, "eps": 0.0},
    # Half of 2 is 1 less: just no more than eps.
    {"patience": 0, "factor": 0.5, "eps": 1.0},
)
