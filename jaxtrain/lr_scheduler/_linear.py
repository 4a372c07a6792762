"""Schedules that stay, or go from one value to another in a line or a power of it."""

from __future__ import annotations

from jaxtrain.lr_scheduler._host import Group, HostScheduler
from jaxtrain.lr_scheduler._schedule import BaseRates, Schedule, build


class ConstantLR(HostScheduler):
    """The host's `constant_lr`."""

    def __init__(
        self, groups: list[Group], factor: float, total_iters: int, last_epoch: int
    ) -> None:
        self.factor = factor
        self.total_iters = total_iters
        super().__init__(groups, last_epoch)

    def get_lr(self) -> list[float]:
        if self.last_epoch == 0:
            return self.times(self.factor)
        if self.last_epoch != self.total_iters:
            return self.current()
        # By the reciprocal, as in PyTorch, which rounds
        # twice: the rate need not be `lr` again.
        return self.times(1.0 / self.factor)

    def closed_form(self) -> list[float]:
        over = self.last_epoch >= self.total_iters
        factor = self.factor + over * (1 - self.factor)
        return [base * factor for base in self.base_lrs]

    @property
    def is_constant(self) -> bool:
        return self.last_epoch >= self.total_iters


def constant_lr(
    lr: BaseRates,
    factor: float = 1.0 / 3,
    total_iters: int = 5,
    last_epoch: int = -1,
) -> Schedule:
    """Hold the learning rate at `factor`·lr for `total_iters` steps.

    lr_0 = lr · factor, and lr_t = lr_{t-1} · (1 / factor) at t = `total_iters`: back to
    `lr`, but for a rounding.

    Args:
        lr: base learning rate, or a list with one for each group.
        factor: from 0 to 1. With 0 there is no way back: the schedule ends before
            `total_iters`, where PyTorch divides by 0.
        total_iters: steps until the rate is `lr`; with 0 it never is, as in PyTorch.
        last_epoch: the last step taken before this schedule; -1 starts anew.

    Raises:
        ValueError: `factor` lies outside [0, 1], or `lr` is negative.

    PyTorch: `torch.optim.lr_scheduler.ConstantLR`.

    Example:
        >>> schedule = constant_lr(1.0, factor=0.5, total_iters=2)
        >>> [schedule(count) for count in range(4)]
        [0.5, 0.5, 1.0, 1.0]
    """
    if factor > 1.0 or factor < 0:
        raise ValueError(f"factor must be between 0 and 1, but got {factor}")
    return build(
        "constant_lr",
        ConstantLR,
        lr,
        factor=factor,
        total_iters=total_iters,
        last_epoch=last_epoch,
    )


class Constant(ConstantLR):
    """The host's `constant`."""

    def __init__(self, groups: list[Group]) -> None:
        super().__init__(groups, factor=1.0, total_iters=0, last_epoch=-1)


def constant(lr: BaseRates) -> Schedule:
    """The same learning rate at every step: lr_t = lr.

    Args:
        lr: the learning rate, or a list with one for each group.

    Raises:
        ValueError: `lr` is negative.

    PyTorch: an optimiser without a scheduler.

    Example:
        >>> schedule = constant(0.1)
        >>> schedule(0), schedule(1000)
        (0.1, 0.1)
    """
    return build("constant", Constant, lr)


class LinearLR(HostScheduler):
    """The host's `linear_lr`."""

    def __init__(
        self,
        groups: list[Group],
        start_factor: float,
        end_factor: float,
        total_iters: int,
        last_epoch: int,
    ) -> None:
        self.start_factor = start_factor
        self.end_factor = end_factor
        self.total_iters = total_iters
        super().__init__(groups, last_epoch)

    def get_lr(self) -> list[float]:
        if self.last_epoch == 0:
            return self.times(self.start_factor)
        if self._is_initial or self.last_epoch > self.total_iters:
            return self.current()
        rise = self.end_factor - self.start_factor
        # T times the factor of the step before: 1 +
        # rise/before is the quotient of both factors.
        before = self.total_iters * self.start_factor + (self.last_epoch - 1) * rise
        return self.times(1.0 + rise / before)

    def closed_form(self) -> list[float]:
        rise = self.end_factor - self.start_factor
        step = min(self.total_iters, self.last_epoch)
        factor = self.start_factor + rise * step / self.total_iters
        return [base * factor for base in self.base_lrs]

    @property
    def is_constant(self) -> bool:
        return self.last_epoch >= self.total_iters


def linear_lr(
    lr: BaseRates,
    start_factor: float = 1.0 / 3,
    end_factor: float = 1.0,
    total_iters: int = 5,
    last_epoch: int = -1,
) -> Schedule:
    """Move the factor of the learning rate evenly from one value to another.

    lr_t ≈ lr · (a + (b - a)·t/T) up to t = T, with a = `start_factor`, b = `end_factor`
    and T = `total_iters`; computed, as in PyTorch, from the rate of the step before:
    lr_t = lr_{t-1} · (1 + (b - a) / (T·a + (t - 1)·(b - a))).

    Args:
        lr: base learning rate, or a list with one for each group.
        start_factor: a, above 0 and at most 1.
        end_factor: b, from 0 to 1.
        total_iters: T, steps until the factor is b.
        last_epoch: the last step taken before this schedule; -1 starts anew.

    Raises:
        ValueError: `start_factor` lies outside (0, 1] or `end_factor` outside [0, 1],
            or `lr` is negative.

    PyTorch: `torch.optim.lr_scheduler.LinearLR`.

    Example:
        >>> schedule = linear_lr(1.0, start_factor=0.25, total_iters=3)
        >>> [schedule(count) for count in range(5)]
        [0.25, 0.5, 0.75, 1.0, 1.0]
    """
    if start_factor > 1.0 or start_factor <= 0:
        raise ValueError(
            f"start_factor must be above 0 and at most 1, but got {start_factor}"
        )
    if end_factor > 1.0 or end_factor < 0:
        raise ValueError(f"end_factor must be between 0 and 1, but got {end_factor}")
    return build(
        "linear_lr",
        LinearLR,
        lr,
        start_factor=start_factor,
        end_factor=end_factor,
        total_iters=total_iters,
        last_epoch=last_epoch,
    )


class PolynomialLR(HostScheduler):
    """The host's `polynomial_lr`."""

    def __init__(
        self, groups: list[Group], total_iters: int, power: float, last_epoch: int
    ) -> None:
        self.total_iters = total_iters
        self.power = power
        super().__init__(groups, last_epoch)

    def get_lr(self) -> list[float]:
        if self._is_initial or self.last_epoch > self.total_iters:
            return self.current()
        rest = 1.0 - self.last_epoch / self.total_iters
        before = 1.0 - (self.last_epoch - 1) / self.total_iters
        # A power of the quotient, as PyTorch has it, and not a quotient of powers.
        return self.times((rest / before) ** self.power)

    def closed_form(self) -> list[float]:
        step = min(self.total_iters, self.last_epoch)
        factor = (1.0 - step / self.total_iters) ** self.power
        return [base * factor for base in self.base_lrs]

    @property
    def is_constant(self) -> bool:
        return self.last_epoch >= self.total_iters


def polynomial_lr(
    lr: BaseRates, total_iters: int = 5, power: float = 1.0, last_epoch: int = -1
) -> Schedule:
    """Let the learning rate fall to 0 along a power: lr_t ≈ lr · (1 - t/T)^power.

    T = `total_iters`. Computed, as in PyTorch, from the rate of the step before:
    lr_t = lr_{t-1} · ((1 - t/T) / (1 - (t - 1)/T))^power.

    Args:
        lr: base learning rate, or a list with one for each group.
        total_iters: T, steps until the rate is 0.
        power: 1 falls along a line, more falls faster at first.
        last_epoch: the last step taken before this schedule; -1 starts anew.

    Raises:
        ValueError: `lr` is negative.

    PyTorch: `torch.optim.lr_scheduler.PolynomialLR`.

    Example:
        >>> schedule = polynomial_lr(1.0, total_iters=4, power=2.0)
        >>> [schedule(count) for count in range(6)]
        [1.0, 0.5625, 0.25, 0.0625, 0.0, 0.0]
    """
    return build(
        "polynomial_lr",
        PolynomialLR,
        lr,
        total_iters=total_iters,
        power=power,
        last_epoch=last_epoch,
    )
