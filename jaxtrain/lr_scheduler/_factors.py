"""Functions that a user gives a scheduler, one for each group, and their state."""

import types
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jaxtrain.lr_scheduler._host import Group, HostScheduler

Factor = Callable[[int], float]
"""Step -> factor."""


class FactorScheduler(HostScheduler):
    """A host's scheduler with a function for each group.

    What is saved of a function is its attributes, if it is an object that has some.
    """

    def __init__(
        self, groups: list[Group], lr_lambda: Factor | Sequence[Factor], last_epoch: int
    ) -> None:
        listed = isinstance(lr_lambda, list | tuple)
        functions = list(lr_lambda) if listed else [lr_lambda] * len(groups)  # type: ignore[arg-type]
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

    def _saved(self) -> dict[str, Any]:
        return super()._saved() | {
            "lr_lambdas": [saved_function(f) for f in self.lr_lambdas]
        }

    def _restore(self, state: dict[str, Any]) -> None:
        functions = self.lr_lambdas
        super()._restore(state)
        self.lr_lambdas = functions
        for function, saved in zip(functions, state["lr_lambdas"], strict=True):
            restore_function(function, saved)


def saved_function(function: Any) -> dict[str, Any] | None:
    """A callable object's attributes; None of a plain function, which has no state."""
    plain = isinstance(function, types.FunctionType)
    return None if plain else dict(getattr(function, "__dict__", {}))


def restore_function(function: Any, saved: Mapping[str, Any] | None) -> None:
    """Give a callable object the attributes that were saved of it."""
    if saved:
        vars(function).update(saved)
