from collections.abc import Sequence

from jaxtrain.lr_scheduler._children import Container, combined
from jaxtrain.lr_scheduler._host import Group
from jaxtrain.lr_scheduler._schedule import Schedule


class ChainedScheduler(Container):
    """The host's `chained_scheduler`. PyTorch's has no `last_epoch` either."""

    def __init__(self, groups: list[Group], schedulers: Sequence[Schedule]) -> None:
        self.param_groups = groups
        self._schedulers = [schedule.rule(groups) for schedule in schedulers]
        self._last_lr = self.current()

    def step(self, epoch: float | None = None) -> None:
        """Step each scheduler, one after the other."""
        if epoch is not None:
            raise TypeError(f"chained schedulers go to no epoch, but got {epoch}")
        for scheduler in self._schedulers:
            scheduler.step()
        self._last_lr = self.current()

    @property
    def settled(self) -> bool:
        return all(scheduler.settled for scheduler in self._schedulers)


def chained_scheduler(schedulers: Sequence[Schedule]) -> Schedule:
    """Several schedules at once: each moves the rate that the one before has left.

    Args:
        schedulers: schedules of one base learning rate; those that set it themselves,
            such as `one_cycle_lr`, have none.

    Raises:
        ValueError: there is none, one waits for a metric, or their base learning rates
            or numbers of groups differ.
        TypeError: something is no schedule.

    PyTorch: `torch.optim.lr_scheduler.ChainedScheduler`, of schedulers made in the
    order of the list.

    Example:
        >>> from jaxtrain.lr_scheduler import constant_lr, exponential_lr
        >>> schedule = chained_scheduler(
        ...     [constant_lr(1.0, factor=0.5, total_iters=2), exponential_lr(1.0, 0.5)]
        ... )
        >>> [schedule(count) for count in range(4)]
        [0.5, 0.25, 0.25, 0.125]
    """
    return combined("chained_scheduler", ChainedScheduler, schedulers)
