from jaxtrain.lr_scheduler._host import Group, HostScheduler
from jaxtrain.lr_scheduler._schedule import Rates, Schedule, timed


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
        before = self.total_iters * self.start_factor + (self.last_epoch - 1) * rise
        return self.times(1.0 + rise / before)

    def closed_form(self) -> list[float]:
        rise = self.end_factor - self.start_factor
        done = min(self.total_iters, self.last_epoch)
        factor = self.start_factor + rise * done / self.total_iters
        return [base * factor for base in self.base_lrs]

    @property
    def settled(self) -> bool:
        return self.last_epoch >= self.total_iters


def linear_lr(
    lr: Rates,
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
    return timed(
        "linear_lr",
        LinearLR,
        lr,
        start_factor=start_factor,
        end_factor=end_factor,
        total_iters=total_iters,
        last_epoch=last_epoch,
    )
