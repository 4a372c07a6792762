from dataclasses import dataclass

from jaxtrain.lr_scheduler._host import Group
from jaxtrain.lr_scheduler._lambda_lr import LambdaLR
from jaxtrain.lr_scheduler._schedule import Rates, Schedule, timed


@dataclass(frozen=True)
class _Power:
    """ratio^(t/T)."""

    ratio: float
    steps: int

    def __call__(self, step: int) -> float:
        return self.ratio ** (step / self.steps)


class Geometric(LambdaLR):
    """The host's `geometric`."""

    def __init__(self, groups: list[Group], ratio: float, total_iters: int) -> None:
        super().__init__(groups, _Power(ratio, total_iters), last_epoch=-1)


def geometric(lr: Rates, ratio: float, total_iters: int) -> Schedule:
    """Divide a change by a ratio evenly among steps: lr_t = lr · ratio^(t/T).

    T = `total_iters`. `exponential_lr` with gamma = ratio^(1/T) is the same up to
    rounding. It goes on after T.

    Args:
        lr: base learning rate, or a list with one for each group.
        ratio: what the rate is multiplied by in T steps; above 0.
        total_iters: T.

    Raises:
        ValueError: `ratio` or `total_iters` is not positive, or `lr` is negative.

    PyTorch: `torch.optim.lr_scheduler.LambdaLR` with that function.

    Example:
        >>> schedule = geometric(1.0, ratio=0.25, total_iters=4)
        >>> [schedule(count) for count in (0, 2, 4, 8)]
        [1.0, 0.5, 0.25, 0.0625]
    """
    if not ratio > 0:
        raise ValueError(f"ratio must be positive, but got {ratio}")
    if not total_iters > 0:
        raise ValueError(f"total_iters must be positive, but got {total_iters}")
    return timed("geometric", Geometric, lr, ratio=ratio, total_iters=total_iters)
