from jaxtrain.lr_scheduler._host import Group, HostScheduler
from jaxtrain.lr_scheduler._schedule import Rates, Schedule, timed


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
    def settled(self) -> bool:
        return self.unmoved_by(self.gamma)


def exponential_lr(lr: Rates, gamma: float, last_epoch: int = -1) -> Schedule:
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
    return timed(
        "exponential_lr", ExponentialLR, lr, gamma=gamma, last_epoch=last_epoch
    )
