"""A scheduler's values at every step, PyTorch's and ours, for one case."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from jaxtrain import lr_scheduler
from parity.proof.schedulers.cases import LRS, SchedulerCase
from parity.proof.verdict import Verdict
from parity.pytorch.names import torch_class

STEPS = 1000
ENDS = (ValueError, ArithmeticError, NotImplementedError)
"""What PyTorch raises for a step that a schedule does not have."""

REASON = (
    "the same operations in Python's floats, in the same order: no rounding to allow"
)

GroupRates = tuple[float, ...]
ValueTable = list[list[float]]


def optimizer_for(lrs: GroupRates, kind: str = "sgd") -> torch.optim.Optimizer:
    """An optimiser with a group for each rate."""
    groups = [{"params": [torch.zeros(1)], "lr": lr} for lr in lrs]
    if kind == "sgd":
        return torch.optim.SGD(groups, lr=1.0, momentum=0.5)
    return torch.optim.Adam(groups, lr=1.0)


def momentum_of(group: dict[str, Any]) -> float:
    """The momentum or beta1 of one of PyTorch's groups."""
    return group["betas"][0] if "betas" in group else group["momentum"]


def torch_values(
    case: SchedulerCase, steps: int = STEPS, lrs: GroupRates = LRS, kind: str = "sgd"
) -> tuple[ValueTable, ValueTable]:
    """(rates, momenta) of the groups at each step, until PyTorch raises."""
    optimizer = optimizer_for(lrs, kind)
    scheduler = torch_scheduler(case, optimizer)
    rates: ValueTable = []
    momenta: ValueTable = []
    for step in range(steps):
        rates.append([group["lr"] for group in optimizer.param_groups])
        momenta.append([momentum_of(group) for group in optimizer.param_groups])
        optimizer.step()
        try:
            scheduler.step(*metrics(case, step))
        except ENDS:
            break
    return rates, momenta


def torch_scheduler(case: SchedulerCase, optimizer: torch.optim.Optimizer) -> Any:
    """PyTorch's scheduler; the groups get what resuming asks for."""
    children = [torch_scheduler(child, optimizer) for child in case.children]
    if case.args.get("last_epoch", -1) != -1:
        for group in optimizer.param_groups:
            group.setdefault("initial_lr", case.args.get("base_lr", group["lr"]))
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


def our_schedule(case: SchedulerCase, lrs: GroupRates | float = LRS) -> Any:
    """Our schedule of the same groups, or of a single rate."""
    function = getattr(lr_scheduler, case.name)
    if case.children:
        children = [our_schedule(child, lrs) for child in case.children]
        return function(children, **case.args)
    if not case.sets_lr:
        return function(list(lrs) if isinstance(lrs, tuple) else lrs, **case.args)
    # Without base rates, the number of groups is that of the highest ones.
    highest = case.args["max_lr"]
    if isinstance(lrs, tuple) and not isinstance(highest, list):
        highest = [highest] * len(lrs)
    return function(**{**case.args, "max_lr": highest})


def our_values(case: SchedulerCase, steps: int) -> tuple[ValueTable, ValueTable | None]:
    """(rates, momenta) of our schedule; no momenta where none are cycled."""
    schedule = our_schedule(case)
    if case.name == "reduce_lr_on_plateau":
        return _step_through(schedule.host(), case, steps), None
    rates = values_of(schedule, steps)
    momentum = schedule.momentum
    return rates, None if momentum is None else values_of(momentum, steps)


def _step_through(scheduler: Any, case: SchedulerCase, steps: int) -> ValueTable:
    rates = []
    for step in range(steps):
        rates.append(scheduler.get_last_lr())
        scheduler.step(*metrics(case, step))
    return rates


def values_of(schedule: Callable[[int], Any], steps: int = STEPS) -> ValueTable:
    """The groups' values at each step, until the schedule ends.

    Example:
        >>> values_of(lambda count: 0.5**count, 3)
        [[1.0], [0.5], [0.25]]
    """
    values = []
    for count in range(steps):
        try:
            row = schedule(count)
        except ValueError:
            break
        values.append(row if isinstance(row, list) else [row])
    return values


def metrics(case: SchedulerCase, step: int) -> tuple[float, ...]:
    """The loss that a plateau is looked for in: a descent that levels off again."""
    if case.name != "reduce_lr_on_plateau":
        return ()
    noise = float(np.sin(7.0 * step) * 0.03)
    return (float(np.exp(-(step % 190) / 60)) + noise,)


def unequal_steps(reference: ValueTable, candidate: ValueTable) -> list[int]:
    """Steps at which a bit differs, and those that only one of the two has.

    Example:
        >>> unequal_steps([[0.1], [0.0], [0.2]], [[0.1], [-0.0]])
        [1, 2]
    """
    lengths = len(reference), len(candidate)
    differ = [
        step
        for step, (a, b) in enumerate(zip(reference, candidate, strict=False))
        if np.array(a, np.float64).tobytes() != np.array(b, np.float64).tobytes()
    ]
    return [*differ, *range(min(lengths), max(lengths))]


def judge(
    case: SchedulerCase, ours: tuple[ValueTable, ValueTable | None], steps: int
) -> Verdict:
    """How many of our rates and momenta are not PyTorch's to the last bit."""
    rates, momenta = torch_values(case, steps)
    our_rates, our_momenta = ours
    wrong = len(unequal_steps(rates, our_rates))
    if our_momenta is not None:
        wrong += len(unequal_steps(momenta, our_momenta))
    return Verdict(
        "schedulers",
        case.name,
        f"{str(case).removeprefix(case.name)}, {len(rates)} steps",
        "float64",
        "same bits",
        "values that differ",
        float(wrong),
        0.0,
        REASON,
    )
