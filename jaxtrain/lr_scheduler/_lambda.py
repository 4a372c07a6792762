"""Schedules that a function of the step sets."""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jaxtrain.lr_scheduler._host import Group, HostScheduler
from jaxtrain.lr_scheduler._schedule import BaseRates, Schedule, build

Factor = Callable[[int], float]
"""Step -> factor."""


class FactorScheduler(HostScheduler):
    """A host's scheduler with a function for each group.

    What is saved of a function is its attributes, if it is an object that has some.
    """

    def __init__(
        self, groups: list[Group], lr_lambda: Factor | Sequence[Factor], last_epoch: int
    ) -> None:
        is_list = isinstance(lr_lambda, list | tuple)
        functions = list(lr_lambda) if is_list else [lr_lambda] * len(groups)  # type: ignore[arg-type]
        if len(functions) != len(groups):
            raise ValueError(
                f"lr_lambda must have a function for each of {len(groups)} groups, "
                f"but has {len(functions)}: {lr_lambda!r}"
            )
        for function in functions:
            if not callable(function):
                raise TypeError(f"lr_lambda must be a function, but got {function!r}")
        self.lr_lambdas: list[Factor] = functions  # type: ignore[assignment]
        super().__init__(groups, last_epoch)

    def products(self, rates: Sequence[float]) -> list[float]:
        """Each group's rate times the factor of this step."""
        pairs = zip(self.lr_lambdas, rates, strict=True)
        return [rate * function(self.last_epoch) for function, rate in pairs]

    def _own_state(self) -> dict[str, Any]:
        return super()._own_state() | {
            "lr_lambdas": [state_of_function(f) for f in self.lr_lambdas]
        }

    def _restore(self, state: dict[str, Any]) -> None:
        functions = self.lr_lambdas
        super()._restore(state)
        self.lr_lambdas = functions
        for function, function_state in zip(
            functions, state["lr_lambdas"], strict=True
        ):
            restore_function(function, function_state)


def state_of_function(function: Any) -> dict[str, Any] | None:
    """A callable object's attributes; None of a plain function, which has no state."""
    plain = isinstance(function, types.FunctionType)
    return None if plain else dict(getattr(function, "__dict__", {}))


def restore_function(function: Any, state: Mapping[str, Any] | None) -> None:
    """Give a callable object the attributes that were saved of it."""
    if state:
        vars(function).update(state)


class LambdaLR(FactorScheduler):
    """The host's `lambda_lr`."""

    def get_lr(self) -> list[float]:
        return self.products(self.base_lrs)


def lambda_lr(
    lr: BaseRates, lr_lambda: Factor | Sequence[Factor], last_epoch: int = -1
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
    return build("lambda_lr", LambdaLR, lr, lr_lambda=lr_lambda, last_epoch=last_epoch)


class MultiplicativeLR(FactorScheduler):
    """The host's `multiplicative_lr`."""

    def get_lr(self) -> list[float]:
        rates = self.current()
        return rates if self._is_initial else self.products(rates)


def multiplicative_lr(
    lr: BaseRates, lr_lambda: Factor | Sequence[Factor], last_epoch: int = -1
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
    return build(
        "multiplicative_lr",
        MultiplicativeLR,
        lr,
        lr_lambda=lr_lambda,
        last_epoch=last_epoch,
    )


@dataclass(frozen=True)
class _Power:
    """ratio^(t/T)."""

    ratio: float
    steps: int

    def __call__(self, step: int) -> float:
        # From the step alone, as a power: `exponential_lr` would carry its rounding on.
        return self.ratio ** (step / self.steps)


class Geometric(LambdaLR):
    """The host's `geometric`."""

    def __init__(self, groups: list[Group], ratio: float, total_iters: int) -> None:
        super().__init__(groups, _Power(ratio, total_iters), last_epoch=-1)


def geometric(lr: BaseRates, ratio: float, total_iters: int) -> Schedule:
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
    return build("geometric", Geometric, lr, ratio=ratio, total_iters=total_iters)
