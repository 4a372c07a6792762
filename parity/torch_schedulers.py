"""PyTorch's scheduler of a configuration."""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

import torch

from jaxtrain import registry
from jaxtrain.config import Config
from parity.torch_names import torch_class

HIDDEN = ("last_epoch",)
"""Arguments that resume a schedule, which the program does by itself."""


def torch_scheduler(config: Config, optimizer: torch.optim.Optimizer) -> Any:
    """The scheduler that a configuration names, None if it names none.

    Raises:
        ConfigError: PyTorch has none of that name, or it does not fit.
    """
    chosen = config.scheduler
    if chosen.name is None:
        return None
    return _built(chosen.name, chosen.args, optimizer)


def _built(
    name: str, arguments: Mapping[str, Any], optimizer: torch.optim.Optimizer
) -> Any:
    kind = _kind(name)

    @wraps(kind)
    def tried(optimizer: torch.optim.Optimizer, **arguments: Any) -> Any:
        # Some values are not refused before a scheduler's first step.
        if not {"schedulers", "mode"} & arguments.keys():
            group = optimizer.param_groups[0]
            other = type(optimizer)([torch.zeros(1, 1)], lr=group["lr"])
            trial = kind(other, **arguments)
            if not isinstance(trial, torch.optim.lr_scheduler.ReduceLROnPlateau):
                other.step(lambda: 0.0)
                trial.step()
        return kind(optimizer, **arguments)

    if "schedulers" in arguments:
        calls = registry.parse_calls(arguments["schedulers"])
        children = [_built(call.name, call.arguments, optimizer) for call in calls]
        arguments = {**arguments, "schedulers": children}
    return registry.build(
        tried,
        optimizer,
        kind="scheduler",
        name=name,
        arguments=registry.with_list(arguments, "milestones"),
        hidden=HIDDEN,
    )


def cycles_momentum(scheduler: Any) -> bool:
    """Whether it, or one that it is made of, moves the momentum too."""
    children = getattr(scheduler, "_schedulers", ())
    return getattr(scheduler, "cycle_momentum", False) or any(
        map(cycles_momentum, children)
    )


def _kind(name: str) -> Callable[..., Any]:
    own = OWN.get(name)
    if own is not None:
        return own
    if name == "swa_lr":
        return torch.optim.swa_utils.SWALR
    if name == "chained_scheduler":
        return _chained
    return torch_class("scheduler", name, torch.optim.lr_scheduler)


def _chained(optimizer: torch.optim.Optimizer, schedulers: list[Any]) -> Any:
    return torch.optim.lr_scheduler.ChainedScheduler(schedulers, optimizer)


def _constant(optimizer: torch.optim.Optimizer) -> Any:
    return torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1.0)


def _geometric(optimizer: torch.optim.Optimizer, ratio: float, total_iters: int) -> Any:
    return torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: ratio ** (step / total_iters)
    )


OWN: dict[str, Callable[..., Any]] = {"constant": _constant, "geometric": _geometric}
"""Forms of the articles, as one writes them in PyTorch."""
