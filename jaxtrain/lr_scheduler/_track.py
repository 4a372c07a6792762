import operator
from typing import Any

import jax
import numpy as np

from jaxtrain.lr_scheduler._lookup import look_up
from jaxtrain.lr_scheduler._run import Run
from jaxtrain.lr_scheduler._two_float import TwoFloat


class Track:
    """One quantity of a schedule, as a function of the number of steps taken.

    `track(count)` of a Python or NumPy integer is the host's value, a float: PyTorch's
    to the last bit. Of a JAX integer, traced or not, it is an array: the host's value
    rounded once. Where there are several groups it is a list, and `track[i]` is the
    track of one of them. An `optax.Schedule`.

    Args:
        run: the schedule's values.
        quantity: which of them.
        group: the only group to show; None shows all, in a list if `listed`.
        listed: whether there are several groups.
        exact: whether JAX integers give a `TwoFloat`.
    """

    def __init__(
        self,
        run: Run,
        quantity: str,
        listed: bool,
        group: int | None = None,
        exact: bool = False,
    ) -> None:
        self._run = run
        self._quantity = quantity
        self._listed = listed
        self._group = group
        self._exact = exact

    def __call__(self, count: Any) -> Any:
        if isinstance(count, jax.Array):
            return self._picked(self._arrays(count))
        try:
            index = operator.index(count)
        except TypeError:
            raise TypeError(
                f"count must be a whole number, but got {count!r}"
            ) from None
        return self._picked(self._run.row(self._quantity, index))

    def __getitem__(self, group: int) -> "Track":
        """The track of one group."""
        groups = len(self._run.row(self._quantity, 0))
        if not 0 <= group < groups or not self._listed:
            what = f"{groups} groups" if self._listed else "no list of groups"
            raise IndexError(f"the schedule has {what}, and so no group {group}")
        return Track(self._run, self._quantity, False, group, self._exact)

    def table(self, steps: int) -> np.ndarray:
        """The host's values at the first steps, in float64.

        Returns:
            (steps,), or (steps, groups) where there are several groups.

        Raises:
            ValueError: the schedule ends before.
        """
        values = self._run.table(self._quantity, steps)
        return values if self._listed else values[:, self._group or 0]

    def _arrays(self, count: jax.Array) -> list[Any]:
        found = look_up(self._run, self._quantity, count, self._exact)
        columns = [found[..., i] for i in range(found.shape[-1])]
        if not self._exact:
            return columns
        half = len(columns) // 2
        pairs = zip(columns[:half], columns[half:], strict=True)
        return [TwoFloat(hi, lo) for hi, lo in pairs]

    def _picked(self, values: list[Any]) -> Any:
        return values if self._listed else values[self._group or 0]
