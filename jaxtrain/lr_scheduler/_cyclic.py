"""Rates and momenta that go up and down."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from jaxtrain.lr_scheduler._host import Group, HostScheduler, per_group
from jaxtrain.lr_scheduler._lambda import restore_function, state_of_function
from jaxtrain.lr_scheduler._schedule import BaseRates, Schedule, build

_MODES = ("triangular", "triangular2", "exp_range")


class CyclicLR(HostScheduler):
    """The host's `cyclic_lr`."""

    def __init__(
        self,
        groups: list[Group],
        base_lr: BaseRates,
        max_lr: BaseRates,
        base_momentum: BaseRates,
        max_momentum: BaseRates,
        step_size_up: int,
        step_size_down: int | None,
        mode: str,
        gamma: float,
        scale_fn: Callable[[float], float] | None,
        scale_mode: str,
        cycle_momentum: bool,
        last_epoch: int,
    ) -> None:
        bases = per_group("base_lr", base_lr, groups)
        _put_rates(groups, bases, last_epoch)
        self.max_lrs = per_group("max_lr", max_lr, groups)
        self._set_sizes(step_size_up, step_size_down)
        self.mode = mode
        self.gamma = gamma
        self._scale_fn_custom = scale_fn
        self.scale_mode = scale_mode
        if scale_fn is None:
            self.scale_mode = "iterations" if mode == "exp_range" else "cycle"
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self.base_momentums = per_group("base_momentum", base_momentum, groups)
            self.max_momentums = per_group("max_momentum", max_momentum, groups)
            self._put_momenta(groups, last_epoch)
        super().__init__(groups, last_epoch)
        # Not the groups' initial rates, which an earlier scheduler of them has set.
        self.base_lrs = bases

    def _set_sizes(self, step_size_up: int, step_size_down: int | None) -> None:
        up = float(step_size_up)
        down = up if step_size_down is None else float(step_size_down)
        self.total_size = up + down
        self.step_ratio = up / self.total_size

    def _put_momenta(self, groups: list[Group], last_epoch: int) -> None:
        bounds = zip(self.max_momentums, self.base_momentums, strict=True)
        for group, (highest, lowest) in zip(groups, bounds, strict=True):
            if last_epoch == -1:
                group["max_momentum"] = highest
                group["base_momentum"] = lowest
            group["momentum"] = highest

    def get_lr(self) -> list[float]:
        # x is where in the cycle a step is, in [0, 1), by PyTorch's two divisions.
        cycle = math.floor(1 + self.last_epoch / self.total_size)
        x = 1.0 + self.last_epoch / self.total_size - cycle
        if x <= self.step_ratio:
            height = x / self.step_ratio
        else:
            # From 1 at the peak, x = ratio, back to 0 at x = 1.
            height = (x - 1) / (self.step_ratio - 1)
        at = cycle if self.scale_mode == "cycle" else self.last_epoch
        if self.cycle_momentum:
            pairs = zip(self.base_momentums, self.max_momentums, strict=True)
            for group, (low, high) in zip(self.param_groups, pairs, strict=True):
                group["momentum"] = high - (high - low) * height * self.scale(at)
        return [
            low + (high - low) * height * self.scale(at)
            for low, high in zip(self.base_lrs, self.max_lrs, strict=True)
        ]

    def scale(self, x: float) -> float:
        """The height of a cycle, or of a step, relative to the first."""
        if self._scale_fn_custom is not None:
            return self._scale_fn_custom(x)
        if self.mode == "exp_range":
            return self.gamma**x
        return 1 / 2.0 ** (x - 1) if self.mode == "triangular2" else 1.0

    def refresh(self) -> None:
        if self.cycle_momentum:
            # For the momenta that it sets; its rates are those in force.
            self.get_lr()

    def _own_state(self) -> dict[str, Any]:
        custom = self._scale_fn_custom
        state = None if custom is None else state_of_function(custom)
        return super()._own_state() | {"_scale_fn_custom": state}

    def _restore(self, state: dict[str, Any]) -> None:
        custom = self._scale_fn_custom
        super()._restore(state)
        self._scale_fn_custom = custom
        restore_function(custom, state["_scale_fn_custom"])


def _put_rates(groups: list[Group], bases: list[float], last_epoch: int) -> None:
    for group, base in zip(groups, bases, strict=True):
        if last_epoch == -1:
            group["lr"] = base
        else:
            group.setdefault("initial_lr", base)


def cyclic_lr(
    base_lr: BaseRates,
    max_lr: BaseRates,
    step_size_up: int = 2000,
    step_size_down: int | None = None,
    mode: str = "triangular",
    gamma: float = 1.0,
    scale_fn: Callable[[float], float] | None = None,
    scale_mode: str = "cycle",
    cycle_momentum: bool = True,
    base_momentum: BaseRates = 0.8,
    max_momentum: BaseRates = 0.9,
    last_epoch: int = -1,
) -> Schedule:
    """Move the learning rate up and down between two bounds, in triangles.

    lr_t = base + (max - base)·h·s, where h runs from 0 to 1 and back, and s shrinks the
    triangles: 1, 1/2^(cycle - 1) or gamma^t. The momentum, `schedule.momentum`, runs
    the other way.

    Args:
        base_lr: lower bound, or a list with one for each group.
        max_lr: upper bound, likewise.
        step_size_up: steps from the lower bound to the upper.
        step_size_down: steps back; None takes as many.
        mode: `"triangular"`, `"triangular2"` or `"exp_range"`: the three s above.
        gamma: of `"exp_range"`.
        scale_fn: s itself, in place of `mode`.
        scale_mode: what `scale_fn` is called with: `"cycle"`, from 1, or
            `"iterations"`, the steps so far.
        cycle_momentum: whether there is a momentum.
        base_momentum: lower bound of the momentum, or a list likewise.
        max_momentum: upper bound of the momentum, or a list likewise.
        last_epoch: the last step taken before this schedule; -1 starts anew.

    Raises:
        ValueError: `mode` is none of these and there is no `scale_fn`, lists differ in
            length, or `step_size_up` is 0 (PyTorch divides by
            it).

    PyTorch: `torch.optim.lr_scheduler.CyclicLR`.
    Reference: Smith 2017, https://arxiv.org/abs/1506.01186

    Example:
        >>> schedule = cyclic_lr(0.5, 1.0, step_size_up=2)
        >>> [schedule(count) for count in range(5)]
        [0.5, 0.75, 1.0, 0.75, 0.5]
        >>> [round(schedule.momentum(count), 6) for count in range(5)]
        [0.9, 0.85, 0.8, 0.85, 0.9]
    """
    _check(mode, scale_fn, step_size_up)
    return build(
        "cyclic_lr",
        CyclicLR,
        bounds={
            "base_lr": base_lr,
            "max_lr": max_lr,
            "base_momentum": base_momentum,
            "max_momentum": max_momentum,
        },
        step_size_up=step_size_up,
        step_size_down=step_size_down,
        mode=mode,
        gamma=gamma,
        scale_fn=scale_fn,
        scale_mode=scale_mode,
        cycle_momentum=cycle_momentum,
        last_epoch=last_epoch,
    )


def _check(
    mode: str, scale_fn: Callable[[float], float] | None, step_size_up: int
) -> None:
    if mode not in _MODES and scale_fn is None:
        raise ValueError(f"mode must be one of {', '.join(_MODES)}, but got {mode!r}")
    if step_size_up == 0:
        raise ValueError(f"step_size_up must not be 0, but got {step_size_up}")
