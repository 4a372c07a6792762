from jaxtrain.lr_scheduler._constant_lr import ConstantLR
from jaxtrain.lr_scheduler._host import Group
from jaxtrain.lr_scheduler._schedule import Rates, Schedule, timed


class Constant(ConstantLR):
    """The host's `constant`."""

    def __init__(self, groups: list[Group]) -> None:
        super().__init__(groups, factor=1.0, total_iters=0, last_epoch=-1)


def constant(lr: Rates) -> Schedule:
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
    return timed("constant", Constant, lr)
