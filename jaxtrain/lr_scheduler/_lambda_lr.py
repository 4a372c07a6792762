from collections.abc import Sequence

from jaxtrain.lr_scheduler._factors import Factor, FactorScheduler
from jaxtrain.lr_scheduler._schedule import Rates, Schedule, timed


class LambdaLR(FactorScheduler):
    """The host's `lambda_lr`."""

    def get_lr(self) -> list[float]:
        return self.products(self.base_lrs)


def lambda_lr(
    lr: Rates, lr_lambda: Factor | Sequence[Factor], last_epoch: int = -1
) -> Schedule:
    """Multiply the base learning rate by a function of the step: lr_t = lr · f(t).

    Args:
        lr: base learning rate, or a list with one for each group.
        lr_lambda: f, called with a Python integer, or a list with one for each group.
            Compiled code has it called for every step of its table beforehand: where f
            has fewer values, say how many (`for_steps`).
        last_epoch: the last step taken before this schedule; -1 starts anew.

    Raises:
        TypeError: `lr_lambda` is no function.
        ValueError: there are not as many functions as groups, or `lr` is negative.

    PyTorch: `torch.optim.lr_scheduler.LambdaLR`.

    Example:
        >>> schedule = lambda_lr(1.0, lambda step: 1 / (1 + step))
        >>> [schedule(count) for count in range(4)]
        [1.0, 0.5, 0.3333333333333333, 0.25]
    """
    return timed("lambda_lr", LambdaLR, lr, lr_lambda=lr_lambda, last_epoch=last_epoch)
