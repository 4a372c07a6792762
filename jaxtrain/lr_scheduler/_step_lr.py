from jaxtrain.lr_scheduler._host import Group, HostScheduler
from jaxtrain.lr_scheduler._schedule import Rates, Schedule, timed


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
    def settled(self) -> bool:
        return self.unmoved_by(self.gamma)


def step_lr(
    lr: Rates, step_size: int, gamma: float = 0.1, last_epoch: int = -1
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
    return timed(
        "step_lr",
        StepLR,
        lr,
        step_size=step_size,
        gamma=gamma,
        last_epoch=last_epoch,
    )
