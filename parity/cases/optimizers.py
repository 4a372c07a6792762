"""Argument sets of every optimiser: each argument off its default at least once."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Arguments = Mapping[str, Any]


@dataclass(frozen=True)
class OptimizerCase:
    """One optimiser with one set of arguments."""

    name: str
    args: Arguments = field(default_factory=dict)

    def __str__(self) -> str:
        given = ", ".join(f"{key}={value}" for key, value in self.args.items())
        return f"{self.name}({given})"


def _cases(name: str, *argument_sets: Arguments) -> tuple[OptimizerCase, ...]:
    return tuple(OptimizerCase(name, arguments) for arguments in argument_sets)


SGD = _cases(
    "sgd",
    {},
    {"lr": 0.1},
    {"momentum": 0.9},
    {"momentum": 0.9, "dampening": 0.5},
    {"momentum": 0.9, "dampening": 1.0},
    {"momentum": 0.9, "nesterov": True},
    {"weight_decay": 0.1},
    {"momentum": 0.9, "weight_decay": 0.1, "nesterov": True},
    {"momentum": 0.5, "dampening": 0.3, "weight_decay": 0.01, "maximize": True},
)

ADAM = _cases(
    "adam",
    {},
    {"lr": 0.1},
    {"betas": (0.5, 0.9)},
    {"betas": (0.0, 0.99999)},
    {"eps": 1e-3},
    {"eps": 0.0},
    {"weight_decay": 0.1},
    {"amsgrad": True},
    {"maximize": True},
    {"weight_decay": 0.1, "decoupled_weight_decay": True},
    {"amsgrad": True, "weight_decay": 0.1, "betas": (0.3, 0.6), "maximize": True},
)

ADAMW = _cases(
    "adamw",
    {},
    {"lr": 0.1},
    {"betas": (0.5, 0.9)},
    {"eps": 1e-3},
    {"weight_decay": 0.0},
    {"weight_decay": 0.5, "lr": 0.5},
    {"amsgrad": True},
    {"maximize": True},
    {"amsgrad": True, "weight_decay": 0.1, "betas": (0.3, 0.6), "maximize": True},
)

CASES = (*SGD, *ADAM, *ADAMW)
