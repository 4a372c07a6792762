"""PyTorch's scheduler and ours for one case, and how both are driven and compared."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from jaxtrain import lr_scheduler
from parity.cases.schedulers import LRS, SchedulerCase
from parity.torch_names import torch_class

STEPS = 1000
ENDS = (ValueError, ArithmeticError, NotImplementedError)
"""What PyTorch raises for a step that a schedule does not have."""


def optimizer_for(lrs: tuple[float, ...], kind: str = "sgd") -> torch.optim.Optimizer:
    """An optimiser with a group for each rate."""
    groups = [{"params": [torch.zeros(1)], "lr": lr} for lr in lrs]
    if kind == "sgd":
        return torch.optim.SGD(groups, lr=1.0, momentum=0.5)
    return torch.optim.Adam(groups, lr=1.0)


def theirs(case: SchedulerCase, optimizer: torch.optim.Optimizer) -> Any:
    """PyTorch's scheduler; the groups get what resuming asks for."""
    children = [theirs(child, optimizer) for child in case.children]
    if case.args.get("last_epoch", -1) != -1:
        for group in optimizer.param_groups:
            first = case.args.get("base_lr", group["lr"])
            group.setdefault("initial_lr", first)
    if case.name == "sequential_lr":
        with warnings.catch_warnings():
            # It takes the first step of an inner chain or sequence twice, and says
            # that the user has.
            warnings.simplefilter("ignore")
            kind = torch.optim.lr_scheduler.SequentialLR
            return kind(optimizer, children, **case.args)
    if case.name == "chained_scheduler":
        return torch.optim.lr_scheduler.ChainedScheduler(children, optimizer)
    if case.name == "swa_lr":
        return torch.optim.swa_utils.SWALR(optimizer, **case.args)
    kind = torch_class("scheduler", case.name, torch.optim.lr_scheduler)
    return kind(optimizer, **case.args)


def ours(case: SchedulerCase, lrs: tuple[float, ...] | float = LRS) -> Any:
    """Our schedule."""
    function = getattr(lr_scheduler, case.name)
    if case.children:
        return function([ours(child, lrs) for child in case.children], **case.args)
    if not case.sets_lr:
        return function(list(lrs) if isinstance(lrs, tuple) else lrs, **case.args)
    # Without base rates, the number of groups is that of the highest ones.
    highest = case.args["max_lr"]
    if isinstance(lrs, tuple) and not isinstance(highest, list):
        highest = [highest] * len(lrs)
    return function(**{**case.args, "max_lr": highest})


def momentum_of(group: dict[str, Any]) -> float:
    """The momentum or beta1 of one of PyTorch's groups."""
    return group["betas"][0] if "betas" in group else group["momentum"]


Values = list[list[float]]


def torch_values(
    case: SchedulerCase, lrs: tuple[float, ...], steps: int = STEPS, kind: str = "sgd"
) -> tuple[Values, Values]:
    """(rates, momenta) of the groups at each step, until PyTorch raises."""
    optimizer = optimizer_for(lrs, kind)
    scheduler = theirs(case, optimizer)
    rates: Values = []
    momenta: Values = []
    for _ in range(steps):
        rates.append([group["lr"] for group in optimizer.param_groups])
        momenta.append([momentum_of(group) for group in optimizer.param_groups])
        optimizer.step()
        try:
            scheduler.step()
        except ENDS:
            break
    return rates, momenta


def our_values(function: Callable[[int], Any], steps: int = STEPS) -> Values:
    """The groups' values at each step, until the schedule ends."""
    values = []
    for count in range(steps):
        try:
            found = function(count)
        except ValueError:
            break
        values.append(found if isinstance(found, list) else [found])
    return values


def first_difference(reference: Values, candidate: Values) -> int | None:
    """The first step at which a bit differs, or a schedule ends; None if none does."""
    for step, (a, b) in enumerate(zip(reference, candidate, strict=False)):
        if np.array(a, np.float64).tobytes() != np.array(b, np.float64).tobytes():
            return step
    shorter = min(len(reference), len(candidate))
    return None if len(reference) == len(candidate) else shorter
