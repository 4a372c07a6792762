from jaxtrain.lr_scheduler._host import Group, HostScheduler
from jaxtrain.lr_scheduler._schedule import Rates, Schedule, timed


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
        return self.times(1.0 / self.factor)

    def closed_form(self) -> list[float]:
        over = self.last_epoch >= self.total_iters
        factor = self.factor + over * (1 - self.factor)
        return [base * factor for base in self.base_lrs]

    @property
    def settled(self) -> bool:
        return self.last_epoch >= self.total_iters


def constant_lr(
    lr: Rates,
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
    return timed(
        "constant_lr",
        ConstantLR,
        lr,
        factor=factor,
        total_iters=total_iters,
        last_epoch=last_epoch,
    )
