"""A scheduler's values at every step, PyTorch's and ours, for one case."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from jaxtrain import lr_scheduler
from parity.cases.schedulers import LRS, SchedulerCase
from parity.torch_names import torch_class

ENDS = (ValueError, ArithmeticError, NotImplementedError)
"""What PyTorch raises for a step that a schedule does not have."""

Values = list[list[float]]


def torch_values(case: SchedulerCase, steps: int) -> tuple[Values, Values]:
    """(rates, momenta) of the groups at each step, until PyTorch raises."""
    groups = [{"params": [torch.zeros(1)], "lr": lr} for lr in LRS]
    optimizer = torch.optim.SGD(groups, lr=1.0, momentum=0.5)
    scheduler = torch_scheduler(case, optimizer)
    rates: Values = []
    momenta: Values = []
    for step in range(steps):
        rates.append([group["lr"] for group in optimizer.param_groups])
        momenta.append([group["momentum"] for group in optimizer.param_groups])
        optimizer.step()
        try:
            scheduler.step(*watched(case, step))
        except ENDS:
            break
    return rates, momenta


def torch_scheduler(case: SchedulerCase, optimizer: Any) -> Any:
    """PyTorch's scheduler; the groups get what resuming asks for."""
    children = [torch_scheduler(child, optimizer) for child in case.children]
    if case.args.get("last_epoch", -1) != -1:
        for group in optimizer.param_groups:
            group.setdefault("initial_lr", case.args.get("base_lr", group["lr"]))
    if case.name == "sequential_lr":
        with warnings.catch_warnings():
            # Of its own second step of an inner chain, which it takes for the user's.
            warnings.simplefilter("ignore")
            kind = torch.optim.lr_scheduler.SequentialLR
            return kind(optimizer, children, **case.args)
    if case.name == "chained_scheduler":
        return torch.optim.lr_scheduler.ChainedScheduler(children, optimizer)
    if case.name == "swa_lr":
        return torch.optim.swa_utils.SWALR(optimizer, **case.args)
    kind = torch_class("scheduler", case.name, torch.optim.lr_scheduler)
    return kind(optimizer, **case.args)


def our_schedule(case: SchedulerCase) -> Any:
    """Our schedule of the same groups."""
    function = getattr(lr_scheduler, case.name)
    if case.children:
        return function([our_schedule(child) for child in case.children], **case.args)
    if not case.sets_lr:
        return function(list(LRS), **case.args)
    # Without base rates, the number of groups is that of the highest ones.
    highest = case.args["max_lr"]
    highest = highest if isinstance(highest, list) else [highest] * len(LRS)
    return function(**{**case.args, "max_lr": highest})


def our_values(case: SchedulerCase, steps: int) -> tuple[Values, Values | None]:
    """(rates, momenta) of our schedule; no momenta where none are cycled."""
    schedule = our_schedule(case)
    if case.name == "reduce_lr_on_plateau":
        return _stepped(schedule.host(), case, steps), None
    rates = _called(schedule, steps)
    cycled = schedule.momentum
    return rates, None if cycled is None else _called(cycled, steps)


def _stepped(scheduler: Any, case: SchedulerCase, steps: int) -> Values:
    rates = []
    for step in range(steps):
        rates.append(scheduler.get_last_lr())
        scheduler.step(*watched(case, step))
    return rates


def _called(function: Callable[[int], Any], steps: int) -> Values:
    values = []
    for count in range(steps):
        try:
            values.append(function(count))
        except ValueError:
            break
    return values


def watched(case: SchedulerCase, step: int) -> tuple[float, ...]:
    """The loss that a plateau is looked for in: a descent that levels off again."""
    if case.name != "reduce_lr_on_plateau":
        return ()
    noise = float(np.sin(7.0 * step) * 0.03)
    return (float(np.exp(-(step % 190) / 60)) + noise,)


def unequal(reference: Values, candidate: Values) -> int:
    """Steps at which a bit differs, and those that only one of the two has.

    Example:
        >>> unequal([[0.1], [0.0], [0.2]], [[0.1], [-0.0]])
        2
    """
    pairs = zip(reference, candidate, strict=False)
    differ = sum(
        np.array(a, np.float64).tobytes() != np.array(b, np.float64).tobytes()
        for a, b in pairs
    )
    return differ + abs(len(reference) - len(candidate))
