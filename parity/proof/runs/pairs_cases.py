"""Optimisers under schedulers: which, and with which arguments."""

from collections.abc import Mapping
from typing import Any

from jaxtrain.run.config import (
    Config,
    LoopConfig,
    ModelConfig,
    OptimizerConfig,
    SchedulerConfig,
)

Arguments = Mapping[str, Any]

OPTIMIZERS: Mapping[str, tuple[float, Arguments]] = {
    "adadelta": (1.0, {}),
    "adafactor": (0.01, {}),
    "adagrad": (0.01, {}),
    "adam": (1e-3, {}),
    "adamax": (2e-3, {}),
    "adamw": (1e-3, {"amsgrad": True}),
    "asgd": (0.05, {"t0": 100.0}),
    "nadam": (2e-3, {}),
    "radam": (1e-3, {"weight_decay": 0.01}),
    "rmsprop": (1e-3, {"momentum": 0.9}),
    "sgd": (0.05, {"momentum": 0.9, "nesterov": True}),
    "sparse_adam": (1e-3, {}),
}

WARM_UP = "linear_lr(start_factor=0.1,total_iters=30),cosine_annealing_lr(T_max=200)"
DECAYS = "constant_lr(factor=0.5,total_iters=39),exponential_lr(gamma=0.99)"

# Each moves within the first hundred steps.
SCHEDULERS: Mapping[str, Arguments] = {
    "chained_scheduler": {"schedulers": DECAYS},
    "constant": {},
    "constant_lr": {"total_iters": 40},
    "cosine_annealing_lr": {"T_max": 120},
    "cosine_annealing_warm_restarts": {"T_0": 30, "T_mult": 2},
    "cyclic_lr": {
        "base_lr": 1e-4,
        "max_lr": 3e-3,
        "step_size_up": 35,
        "mode": "exp_range",
        "gamma": 0.999,
    },
    "exponential_lr": {"gamma": 0.995},
    "geometric": {"ratio": 0.1, "total_iters": 400},
    "linear_lr": {"start_factor": 0.1, "total_iters": 80},
    "multi_step_lr": {"milestones": (50, 51, 90), "gamma": 0.3},
    "one_cycle_lr": {"max_lr": 5e-3},
    "polynomial_lr": {"total_iters": 600, "power": 2.0},
    "sequential_lr": {"schedulers": WARM_UP, "milestones": (30,)},
    "step_lr": {"step_size": 30, "gamma": 0.7},
    "swa_lr": {"swa_lr": 1e-4, "anneal_epochs": 300},
}

CYCLES = ("one_cycle_lr", "cyclic_lr")
"""They set the rate themselves, and the momentum with it."""
CYCLABLE = ("adam", "adamax", "adamw", "nadam", "radam", "rmsprop", "sgd")

_BY_TIME = tuple(name for name in SCHEDULERS if name not in CYCLES)
PAIRS = (
    *((o, s) for o in CYCLABLE for s in CYCLES),
    *((o, s) for o in ("sgd", "adam", "rmsprop") for s in _BY_TIME),
    *((o, "step_lr") for o in OPTIMIZERS if o not in ("sgd", "adam", "rmsprop")),
)

BATCHES = 20
"""In an epoch."""


def configure(optimizer: str, scheduler: str, steps: int, **changes: Any) -> Config:
    """A pair's run in float64: a small network, and a rate that moves at each step.

    Args:
        optimizer: its name.
        scheduler: its name.
        steps: a whole number of epochs of 20 batches, or fewer than one.
        changes: arguments of the scheduler that are to be others.

    Example:
        >>> configure("sgd", "one_cycle_lr", 100).scheduler.args["total_steps"]
        100
    """
    lr, args = OPTIMIZERS[optimizer]
    moves = {**SCHEDULERS[scheduler], **changes}
    if scheduler == "one_cycle_lr":
        moves["total_steps"] = steps
    return Config(
        model=ModelConfig(hidden=(16,)),
        optimizer=OptimizerConfig(optimizer, lr, dict(args)),
        scheduler=SchedulerConfig(scheduler, moves, "step"),
        loop=LoopConfig(epochs=max(steps // BATCHES, 1), dtype="float64"),
    )
