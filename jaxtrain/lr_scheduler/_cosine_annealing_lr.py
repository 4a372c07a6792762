import math

from jaxtrain.lr_scheduler._host import Group, HostScheduler
from jaxtrain.lr_scheduler._schedule import Rates, Schedule, timed


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
        before = 1 + math.cos(math.pi * (t - 1) / period)
        ratio = (1 + math.cos(math.pi * t / period)) / before
        return [ratio * (rate - floor) + floor for rate in self.current()]

    def closed_form(self) -> list[float]:
        height = 1 + math.cos(math.pi * self.last_epoch / self.T_max)
        floor = self.eta_min
        return [floor + (base - floor) * height / 2 for base in self.base_lrs]


def cosine_annealing_lr(
    lr: Rates, T_max: int, eta_min: float = 0.0, last_epoch: int = -1
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
    return timed(
        "cosine_annealing_lr",
        CosineAnnealingLR,
        lr,
        T_max=T_max,
        eta_min=eta_min,
        last_epoch=last_epoch,
    )
