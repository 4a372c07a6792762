"""Schedules that multiply the rate: now and then, or at every step."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable
from typing import Any

from jaxtrain.lr_scheduler._host import Group, HostScheduler, number
from jaxtrain.lr_scheduler._schedule import BaseRates, Schedule, build


class StepLR(HostScheduler):
    """The host's `step_lr`."""

    def __init__(
        self, groups: list[Group], step_size: int, gamma: float, last_epoch: int
    ) -> None:
        self.step_size = step_size
        self.gamma = gamma
        super().__init__(groups, last_epoch)

    def get_lr(self) -> list[float]:
        if self.last_epoch == 0 or self.last_epoch % self.step_size != 0:
            return self.current()
        return self.times(self.gamma)

    def closed_form(self) -> list[float]:
        factor = self.gamma ** (self.last_epoch // self.step_size)
        return [base * factor for base in self.base_lrs]

    @property
    def is_constant(self) -> bool:
        return self.is_neutral(self.gamma)


def step_lr(
    lr: BaseRates, step_size: int, gamma: float = 0.1, last_epoch: int = -1
) -> Schedule:
    """Multiply the learning rate by `gamma` every `step_size` steps.

    lr_t = lr_{t-1} · gamma where step_size divides t, else lr_{t-1}: a running product,
    which rounds as PyTorch's does, and not lr · gamma^k.

    Args:
        lr: base learning rate, or a list with one for each group.
        step_size: steps between two decays.
        gamma: factor of each decay.
        last_epoch: the last step taken before this schedule; -1 starts anew.

    Raises:
        ValueError: `step_size` is not positive (PyTorch fails at 0 in its first step,
            and takes a negative one for its absolute value), or `lr` is negative.

    PyTorch: `torch.optim.lr_scheduler.StepLR`.

    Example:
        >>> schedule = step_lr(0.1, step_size=2)
        >>> [schedule(count) for count in range(5)]
        [0.1, 0.1, 0.010000000000000002, 0.010000000000000002, 0.0010000000000000002]
    """
    if step_size <= 0:
        raise ValueError(f"step_size must be positive, but got {step_size}")
    return build(
        "step_lr",
        StepLR,
        lr,
        step_size=step_size,
        gamma=gamma,
        last_epoch=last_epoch,
    )


class MultiStepLR(HostScheduler):
    """The host's `multi_step_lr`."""

    def __init__(
        self, groups: list[Group], milestones: list[int], gamma: float, last_epoch: int
    ) -> None:
        self.milestones = Counter(milestones)
        self.gamma = gamma
        super().__init__(groups, last_epoch)

    def get_lr(self) -> list[float]:
        if self.last_epoch not in self.milestones:
            return self.current()
        # One product with a power, as in PyTorch, and not as many products.
        return self.times(self.gamma ** self.milestones[self.last_epoch])

    def closed_form(self) -> list[float]:
        count = bisect_right(sorted(self.milestones.elements()), self.last_epoch)
        factor = self.gamma**count
        return [base * factor for base in self.base_lrs]

    def _restore(self, state: dict[str, Any]) -> None:
        super()._restore(state)
        # JSON makes text of the keys.
        self.milestones = Counter({int(k): n for k, n in self.milestones.items()})

    @property
    def is_constant(self) -> bool:
        return self.last_epoch >= max(self.milestones, default=self.last_epoch)


def multi_step_lr(
    lr: BaseRates, milestones: Iterable[int], gamma: float = 0.1, last_epoch: int = -1
) -> Schedule:
    """Multiply the learning rate by `gamma` at each milestone.

    lr_t = lr_{t-1} · gamma^n, where n is how often t is among the milestones.

    Args:
        lr: base learning rate, or a list with one for each group.
        milestones: steps, in any order; one that is listed twice decays twice.
        gamma: factor of each decay.
        last_epoch: the last step taken before this schedule; -1 starts anew.

    Raises:
        TypeError: `milestones` is no collection of numbers.
        ValueError: `lr` is negative.

    PyTorch: `torch.optim.lr_scheduler.MultiStepLR`.

    Example:
        >>> schedule = multi_step_lr(1.0, milestones=[2, 3], gamma=0.5)
        >>> [schedule(count) for count in range(5)]
        [1.0, 1.0, 0.5, 0.25, 0.25]
    """
    if isinstance(milestones, str) or not isinstance(milestones, Iterable):
        raise TypeError(f"milestones must be a list of steps, but got {milestones!r}")
    return build(
        "multi_step_lr",
        MultiStepLR,
        lr,
        milestones=[number("milestones", step) for step in milestones],
        gamma=gamma,
        last_epoch=last_epoch,
    )


class ExponentialLR(HostScheduler):
    """The host's `exponential_lr`."""

    def __init__(self, groups: list[Group], gamma: float, last_epoch: int) -> None:
        self.gamma = gamma
        super().__init__(groups, last_epoch)

    def get_lr(self) -> list[float]:
        return self.current() if self._is_initial else self.times(self.gamma)

    def closed_form(self) -> list[float]:
        factor = self.gamma**self.last_epoch
        return [base * factor for base in self.base_lrs]

    @property
    def is_constant(self) -> bool:
        return self.is_neutral(self.gamma)


def exponential_lr(lr: BaseRates, gamma: float, last_epoch: int = -1) -> Schedule:
    """Multiply the learning rate by `gamma` at every step: lr_t = lr_{t-1} · gamma.

    Args:
        lr: base learning rate, or a list with one for each group.
        gamma: factor of each step.
        last_epoch: the last step taken before this schedule; -1 starts anew.

    Raises:
        ValueError: `lr` is negative.

    PyTorch: `torch.optim.lr_scheduler.ExponentialLR`.

    Example:
        >>> schedule = exponential_lr([1.0, 8.0], gamma=0.5)
        >>> [schedule(count) for count in range(3)]
        [[1.0, 8.0], [0.5, 4.0], [0.25, 2.0]]
    """
    return build(
        "exponential_lr", ExponentialLR, lr, gamma=gamma, last_epoch=last_epoch
    )
