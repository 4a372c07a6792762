"""Cosine annealing, with and without restarts."""

from __future__ import annotations

import math

from jaxtrain.lr_scheduler._host import Group, HostScheduler
from jaxtrain.lr_scheduler._schedule import BaseRates, Schedule, build


class CosineAnnealingLR(HostScheduler):
    """The host's `cosine_annealing_lr`."""

    def __init__(
        self, groups: list[Group], T_max: int, eta_min: float, last_epoch: int
    ) -> None:
        self.T_max = T_max
        self.eta_min = eta_min
        super().__init__(groups, last_epoch)

    def get_lr(self) -> list[float]:
        t, period, floor = self.last_epoch, self.T_max, self.eta_min
        if self._is_initial:
            return self.current()
        if (t - 1 - period) % (2 * period) == 0:
            # At the floor there is nothing to scale: the rate rises by a first step.
            step = 1 - math.cos(math.pi / period)
            return [
                group["lr"] + (base - floor) * step / 2
                for base, group in zip(self.base_lrs, self.param_groups, strict=True)
            ]
        # From the rate of the step before: its rounding,
        # and what others did to it, stay.
        before = 1 + math.cos(math.pi * (t - 1) / period)
        ratio = (1 + math.cos(math.pi * t / period)) / before
        return [ratio * (rate - floor) + floor for rate in self.current()]

    def closed_form(self) -> list[float]:
        height = 1 + math.cos(math.pi * self.last_epoch / self.T_max)
        floor = self.eta_min
        return [floor + (base - floor) * height / 2 for base in self.base_lrs]


def cosine_annealing_lr(
    lr: BaseRates, T_max: int, eta_min: float = 0.0, last_epoch: int = -1
) -> Schedule:
    """Let the learning rate fall and rise along a cosine of half-period `T_max`.

    lr_t ≈ η + (lr - η)·(1 + cos(π·t/T))/2, with η = `eta_min` and T = `T_max`.
    Computed, as in PyTorch, from the rate of the step before:
    lr_t = (1 + cos(π·t/T)) / (1 + cos(π·(t - 1)/T)) · (lr_{t-1} - η) + η.

    Args:
        lr: base learning rate, or a list with one for each group.
        T_max: T, steps from `lr` down to `eta_min`; after T more it is back at `lr`.
        eta_min: η, the lowest rate; not a share of `lr`.
        last_epoch: the last step taken before this schedule; -1 starts anew.

    Raises:
        ValueError: `T_max` is 0 (PyTorch fails in its first step), or `lr` is negative.

    PyTorch: `torch.optim.lr_scheduler.CosineAnnealingLR`.
    Reference: Loshchilov and Hutter 2017, https://arxiv.org/abs/1608.03983

    Example:
        >>> schedule = cosine_annealing_lr(1.0, T_max=2)
        >>> [round(schedule(count), 12) for count in range(5)]
        [1.0, 0.5, 0.0, 0.5, 1.0]
    """
    if T_max == 0:
        raise ValueError(f"T_max must not be 0, but got {T_max}")
    return build(
        "cosine_annealing_lr",
        CosineAnnealingLR,
        lr,
        T_max=T_max,
        eta_min=eta_min,
        last_epoch=last_epoch,
    )


class CosineAnnealingWarmRestarts(HostScheduler):
    """The host's `cosine_annealing_warm_restarts`."""

    def __init__(
        self,
        groups: list[Group],
        T_0: int,
        T_mult: int,
        eta_min: float,
        last_epoch: int,
    ) -> None:
        self.T_0 = T_0
        self.T_i = T_0
        self.T_mult = T_mult
        self.eta_min = eta_min
        self.T_cur: float = last_epoch
        super().__init__(groups, last_epoch)

    def get_lr(self) -> list[float]:
        # Equation 5 of the paper, of the steps since the
        # restart alone: nothing accumulates.
        height = 1 + math.cos(math.pi * self.T_cur / self.T_i)
        floor = self.eta_min
        return [floor + (base - floor) * height / 2 for base in self.base_lrs]

    def step(self, epoch: float | None = None) -> None:
        """Move on by one step, or to `epoch`, which may be a fraction.

        Raises:
            ValueError: `epoch` is negative.
        """
        if epoch is None and self.last_epoch < 0:
            epoch = 0
        if epoch is None:
            epoch = self.last_epoch + 1
            self._follow()
        elif epoch < 0:
            raise ValueError(f"epoch must not be negative, but got {epoch}")
        else:
            self._go_to(epoch)
        self.last_epoch = math.floor(epoch)
        self._set(self.get_lr)

    def _follow(self) -> None:
        self.T_cur += 1
        if self.T_cur >= self.T_i:
            self.T_cur %= self.T_i
            self.T_i *= self.T_mult

    def _go_to(self, epoch: float) -> None:
        if epoch < self.T_0:
            self.T_i, self.T_cur = self.T_0, epoch
        elif self.T_mult == 1:
            self.T_cur = epoch % self.T_0
        else:
            growth = epoch / self.T_0 * (self.T_mult - 1) + 1
            # Rounds down at some restarts (3⁵ is one), and so stays in the old cycle:
            # PyTorch's does.
            cycle = int(math.log(growth, self.T_mult))
            start = self.T_0 * (self.T_mult**cycle - 1) / (self.T_mult - 1)
            self.T_cur = epoch - start
            self.T_i = self.T_0 * self.T_mult**cycle


def cosine_annealing_warm_restarts(
    lr: BaseRates, T_0: int, T_mult: int = 1, eta_min: float = 0.0, last_epoch: int = -1
) -> Schedule:
    """Let the learning rate fall along a cosine, and start again from the top.

    lr_t = η + (lr - η)·(1 + cos(π·c/T))/2, with η = `eta_min`, c the steps since the
    last restart and T the length of the cycle: `T_0` first, then `T_mult` times the
    one before.

    Args:
        lr: base learning rate, or a list with one for each group.
        T_0: steps until the first restart.
        T_mult: how many times as long each cycle is as the one before.
        eta_min: η, the lowest rate; not a share of `lr`.
        last_epoch: the last step taken before this schedule; -1 starts anew. PyTorch
            then counts the cycle from there, beyond its end if need be.

    The host's scheduler takes fractions of epochs: `step(epoch + batch / batches)`.

    Raises:
        ValueError: `T_0` is no positive integer, `T_mult` no integer from 1 on,
            `eta_min` no number, or `lr` is negative.

    PyTorch: `torch.optim.lr_scheduler.CosineAnnealingWarmRestarts`.
    Reference: Loshchilov and Hutter 2017, https://arxiv.org/abs/1608.03983

    Example:
        >>> schedule = cosine_annealing_warm_restarts(1.0, T_0=2)
        >>> [round(schedule(count), 12) for count in range(5)]
        [1.0, 0.5, 1.0, 0.5, 1.0]
        >>> scheduler = schedule.host()
        >>> scheduler.step(1 + 1 / 2)
        >>> [round(rate, 6) for rate in scheduler.get_last_lr()]
        [0.146447]
    """
    if T_0 <= 0 or not isinstance(T_0, int):
        raise ValueError(f"T_0 must be a positive integer, but got {T_0}")
    if T_mult < 1 or not isinstance(T_mult, int):
        raise ValueError(f"T_mult must be an integer of at least 1, but got {T_mult}")
    if not isinstance(eta_min, float | int):
        raise ValueError(f"eta_min must be a number, but got {eta_min!r}")
    return build(
        "cosine_annealing_warm_restarts",
        CosineAnnealingWarmRestarts,
        lr,
        T_0=T_0,
        T_mult=T_mult,
        eta_min=eta_min,
        last_epoch=last_epoch,
    )
