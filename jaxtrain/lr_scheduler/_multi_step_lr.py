from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable

from jaxtrain.lr_scheduler._host import Group, HostScheduler, number
from jaxtrain.lr_scheduler._schedule import Rates, Schedule, timed


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
        return self.times(self.gamma ** self.milestones[self.last_epoch])

    def closed_form(self) -> list[float]:
        passed = bisect_right(sorted(self.milestones.elements()), self.last_epoch)
        factor = self.gamma**passed
        return [base * factor for base in self.base_lrs]

    @property
    def settled(self) -> bool:
        return self.last_epoch >= max(self.milestones, default=self.last_epoch)


def multi_step_lr(
    lr: Rates, milestones: Iterable[int], gamma: float = 0.1, last_epoch: int = -1
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
    return timed(
        "multi_step_lr",
        MultiStepLR,
        lr,
        milestones=[number("milestones", step) for step in milestones],
        gamma=gamma,
        last_epoch=last_epoch,
    )
