from jaxtrain.lr_scheduler._host import Group, HostScheduler
from jaxtrain.lr_scheduler._schedule import Rates, Schedule, timed


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
        left = 1.0 - self.last_epoch / self.total_iters
        before = 1.0 - (self.last_epoch - 1) / self.total_iters
        return self.times((left / before) ** self.power)

    def closed_form(self) -> list[float]:
        done = min(self.total_iters, self.last_epoch)
        factor = (1.0 - done / self.total_iters) ** self.power
        return [base * factor for base in self.base_lrs]

    @property
    def settled(self) -> bool:
        return self.last_epoch >= self.total_iters


def polynomial_lr(
    lr: Rates, total_iters: int = 5, power: float = 1.0, last_epoch: int = -1
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
    return timed(
        "polynomial_lr",
        PolynomialLR,
        lr,
        total_iters=total_iters,
        power=power,
        last_epoch=last_epoch,
    )
