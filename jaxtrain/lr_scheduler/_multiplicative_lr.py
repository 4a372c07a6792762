from collections.abc import Sequence

from jaxtrain.lr_scheduler._factors import Factor, FactorScheduler
from jaxtrain.lr_scheduler._schedule import Rates, Schedule, timed


class MultiplicativeLR(FactorScheduler):
    """The host's `multiplicative_lr`."""

    def get_lr(self) -> list[float]:
        rates = self.current()
        return rates if self._is_initial else self.products(rates)


def multiplicative_lr(
    lr: Rates, lr_lambda: Factor | Sequence[Factor], last_epoch: int = -1
) -> Schedule:
    """Multiply the rate of the step before by a function: lr_t = lr_{t-1} · f(t).

    Arguments as for `lambda_lr`; f is first called for step 1.

    Raises:
        TypeError: `lr_lambda` is no function.
        ValueError: there are not as many functions as groups, or `lr` is negative.

    PyTorch: `torch.optim.lr_scheduler.MultiplicativeLR`.

    Example:
        >>> schedule = multiplicative_lr(1.0, lambda step: 0.5)
        >>> [schedule(count) for count in range(4)]
        [1.0, 0.5, 0.25, 0.125]
    """
    return timed(
        "multiplicative_lr",
        MultiplicativeLR,
        lr,
        lr_lambda=lr_lambda,
        last_epoch=last_epoch,
    )
