"""PyTorch's scheduler of a configuration."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import torch

from jaxtrain.run.config import Config
from jaxtrain.run.scheduler_by_name import Constructor, build_by_name
from parity.pytorch.names import torch_class


def torch_scheduler(config: Config, optimizer: torch.optim.Optimizer) -> Any:
    """The scheduler that a configuration names, None if it names none.

    Raises:
        ConfigError: PyTorch has none of that name, or it does not fit.
    """
    chosen = config.scheduler
    if chosen.name is None:
        return None

    def constructor(name: str) -> Constructor:
        return Constructor(_tried(_kind(name)), (optimizer,))

    return build_by_name(chosen.name, chosen.args, constructor)


def _tried(kind: Callable[..., Any]) -> Callable[..., Any]:
    """`kind`, tried out for a step: some values are not refused before the first."""

    @wraps(kind)
    def tried(optimizer: torch.optim.Optimizer, **arguments: Any) -> Any:
        if not {"schedulers", "mode"} & arguments.keys():
            other = type(optimizer)([torch.zeros(1, 1)])
            # Another scheduler may have left a rate that a constructor refuses.
            other.param_groups[0]["lr"] = optimizer.param_groups[0]["lr"]
            trial = kind(other, **arguments)
            if not isinstance(trial, torch.optim.lr_scheduler.ReduceLROnPlateau):
                other.step(lambda: 0.0)
                trial.step()
        return kind(optimizer, **arguments)

    return tried


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
    if ratio <= 0:
        raise ValueError(f"ratio must be positive, but got {ratio}")
    return torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: ratio ** (step / total_iters)
    )


OWN: dict[str, Callable[..., Any]] = {"constant": _constant, "geometric": _geometric}
"""Forms of the articles, as one writes them in PyTorch."""
