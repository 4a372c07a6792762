"""The 1cycle policy."""

from __future__ import annotations

import math
from typing import TypedDict

from jaxtrain.lr_scheduler._host import Group, HostScheduler, StepError, per_group
from jaxtrain.lr_scheduler._schedule import BaseRates, Schedule, build


class Phase(TypedDict):
    """What PyTorch saves of a phase: where it ends, and between which bounds it is."""

    end_step: float
    start_lr: str
    end_lr: str
    start_momentum: str
    end_momentum: str


class OneCycleLR(HostScheduler):
    """The host's `one_cycle_lr`."""

    def __init__(
        self,
        groups: list[Group],
        max_lr: BaseRates,
        base_momentum: BaseRates,
        max_momentum: BaseRates,
        total_steps: int,
        pct_start: float,
        anneal_strategy: str,
        cycle_momentum: bool,
        div_factor: float,
        final_div_factor: float,
        three_phase: bool,
        last_epoch: int,
    ) -> None:
        self.total_steps = total_steps
        self._schedule_phases = phases(total_steps, pct_start, three_phase)
        self._anneal_func_type = anneal_strategy
        self.cycle_momentum = cycle_momentum
        bounds = [
            _bounds(highest, div_factor, final_div_factor)
            for highest in per_group("max_lr", max_lr, groups)
        ]
        if cycle_momentum:
            highest = per_group("max_momentum", max_momentum, groups)
            lowest = per_group("base_momentum", base_momentum, groups)
            for bound, high, low in zip(bounds, highest, lowest, strict=True):
                bound |= {"max_momentum": high, "base_momentum": low, "momentum": high}
        for group, bound in zip(groups, bounds, strict=True):
            # Resumed groups come with bounds of their own, which stay.
            own = {} if last_epoch == -1 else group
            group.update({**bound, **own})
        super().__init__(groups, last_epoch)

    def get_lr(self) -> list[float]:
        if self.last_epoch > self.total_steps:
            raise StepError(
                f"step {self.last_epoch} is one too many: "
                f"the total number of steps is {self.total_steps}"
            )
        phase, pct = self._place()
        if self.cycle_momentum:
            for group in self.param_groups:
                ends = group[phase["start_momentum"]], group[phase["end_momentum"]]
                group["momentum"] = self._anneal(*ends, pct)
        return [
            self._anneal(group[phase["start_lr"]], group[phase["end_lr"]], pct)
            for group in self.param_groups
        ]

    def refresh(self) -> None:
        if self.cycle_momentum:
            # For the momenta that it sets; its rates are those in force.
            self.get_lr()

    def _place(self) -> tuple[Phase, float]:
        """The phase of this step, and how much of it is over: at the end more than 1.

        PyTorch accepts one step after the last, and extrapolates.
        """
        start = 0.0
        *earlier, last = self._schedule_phases
        for phase in earlier:
            end = phase["end_step"]
            if self.last_epoch <= end:
                return phase, (self.last_epoch - start) / (end - start)
            start = end
        return last, (self.last_epoch - start) / (last["end_step"] - start)

    def _anneal(self, start: float, end: float, pct: float) -> float:
        if self._anneal_func_type == "linear":
            return (end - start) * pct + start
        return end + (start - end) / 2.0 * (math.cos(math.pi * pct) + 1)


def phases(total_steps: int, pct_start: float, three_phase: bool) -> list[Phase]:
    """The phases of a cycle, as PyTorch saves them.

    Example:
        >>> [(p["end_step"], p["end_lr"]) for p in phases(10, 0.3, False)]
        [(2.0, 'max_lr'), (9, 'min_lr')]
    """
    high, low = "max_momentum", "base_momentum"
    # Ends are fractions of a step, as in PyTorch: the peak need not fall on a step.
    up = _phase(float(pct_start * total_steps) - 1, "initial_lr", "max_lr", high, low)
    if not three_phase:
        return [up, _phase(total_steps - 1, "max_lr", "min_lr", low, high)]
    return [
        up,
        _phase(
            float(2 * pct_start * total_steps) - 2, "max_lr", "initial_lr", low, high
        ),
        _phase(total_steps - 1, "initial_lr", "min_lr", high, high),
    ]


def _phase(
    end: float, start_lr: str, end_lr: str, start_momentum: str, end_momentum: str
) -> Phase:
    return {
        "end_step": end,
        "start_lr": start_lr,
        "end_lr": end_lr,
        "start_momentum": start_momentum,
        "end_momentum": end_momentum,
    }


def _bounds(highest: float, div_factor: float, final_div_factor: float) -> Group:
    initial = highest / div_factor
    return {
        "initial_lr": initial,
        "max_lr": highest,
        "min_lr": initial / final_div_factor,
    }


def one_cycle_lr(
    max_lr: BaseRates,
    total_steps: int | None = None,
    epochs: int | None = None,
    steps_per_epoch: int | None = None,
    pct_start: float = 0.3,
    anneal_strategy: str = "cos",
    cycle_momentum: bool = True,
    base_momentum: BaseRates = 0.85,
    max_momentum: BaseRates = 0.95,
    div_factor: float = 25.0,
    final_div_factor: float = 1e4,
    three_phase: bool = False,
    last_epoch: int = -1,
) -> Schedule:
    """One rise of the learning rate to `max_lr`, and one long fall.

    From max_lr/div_factor up to max_lr at step pct_start·T - 1, then down to the first
    rate over `final_div_factor` at step T - 1; along a cosine, or a line. The momentum
    runs the other way: `sgd(lr=schedule, momentum=schedule.momentum)` or
    `adam(lr=schedule, betas=(schedule.beta1, 0.999))`.

    Args:
        max_lr: the highest rate, or a list with one for each group.
        total_steps: T; None takes `epochs` · `steps_per_epoch`.
        epochs: number of epochs, without `total_steps`.
        steps_per_epoch: steps in each of them.
        pct_start: share of T, from 0 to 1, in which the rate rises.
        anneal_strategy: `"cos"` or `"linear"`.
        cycle_momentum: whether there is a momentum.
        base_momentum: lower bound of the momentum, or a list likewise.
        max_momentum: upper bound of the momentum, or a list likewise.
        div_factor: `max_lr` over the first rate.
        final_div_factor: the first rate over the last.
        three_phase: fall to the first rate as fast as it rose, and only then further.
        last_epoch: the last step taken before this schedule; -1 starts anew.

    The schedule has T + 1 values: PyTorch accepts one step after the last.

    Raises:
        ValueError: there is no T, or it is no positive integer; `pct_start` is no float
            from 0 to 1; `anneal_strategy` is neither; lists differ in length; or a
            phase has no length (`pct_start` = 1/T: PyTorch divides by 0).

    PyTorch: `torch.optim.lr_scheduler.OneCycleLR`.
    Reference: Smith and Topin 2018, https://arxiv.org/abs/1708.07120

    Example:
        >>> schedule = one_cycle_lr(1.0, total_steps=10, anneal_strategy="linear")
        >>> [round(schedule(count), 2) for count in (0, 1, 2, 9)]
        [0.04, 0.52, 1.0, 0.0]
        >>> [round(schedule.momentum(count), 2) for count in (0, 1, 2, 9)]
        [0.95, 0.9, 0.85, 0.95]
    """
    _check(pct_start, anneal_strategy)
    return build(
        "one_cycle_lr",
        OneCycleLR,
        bounds={
            "max_lr": max_lr,
            "base_momentum": base_momentum,
            "max_momentum": max_momentum,
        },
        total_steps=_total(total_steps, epochs, steps_per_epoch),
        pct_start=pct_start,
        anneal_strategy=anneal_strategy,
        cycle_momentum=cycle_momentum,
        div_factor=div_factor,
        final_div_factor=final_div_factor,
        three_phase=three_phase,
        last_epoch=last_epoch,
    )


def _check(pct_start: float, anneal_strategy: str) -> None:
    if not isinstance(pct_start, float) or not 0 <= pct_start <= 1:
        raise ValueError(f"pct_start must be a float from 0 to 1, but got {pct_start}")
    if anneal_strategy not in ("cos", "linear"):
        raise ValueError(
            f"anneal_strategy must be 'cos' or 'linear', but got {anneal_strategy!r}"
        )


def _total(
    total_steps: int | None, epochs: int | None, steps_per_epoch: int | None
) -> int:
    if total_steps is not None:
        return _positive("total_steps", total_steps)
    if epochs is None or steps_per_epoch is None:
        raise ValueError(
            "either total_steps or both epochs and steps_per_epoch must be given, but "
            f"got epochs={epochs} and steps_per_epoch={steps_per_epoch}"
        )
    return _positive("epochs", epochs) * _positive("steps_per_epoch", steps_per_epoch)


def _positive(name: str, value: int) -> int:
    if not isinstance(value, int) or value <= 0:
        raise ValueError(f"{name} must be a positive integer, but got {value!r}")
    return value
