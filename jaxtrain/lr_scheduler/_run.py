"""The values of a schedule, kept as far as anyone has asked for them."""

import enum
import threading
from array import array
from collections.abc import Callable
from typing import Protocol

import numpy as np

from jaxtrain.lr_scheduler._host import Group, StepError

TABLE_LIMIT = 2**16
"""Steps in a table for compiled code at most, unless `for_steps` asks for more."""

# Compiled code that is past its table calls back from another thread. One lock for all:
# a user's function may ask another schedule.
_LOCK = threading.RLock()


class Stepper(Protocol):
    """What has values, and goes on to the next ones."""

    @property
    def param_groups(self) -> list[Group]: ...
    @property
    def settled(self) -> bool: ...
    def step(self) -> None: ...


class Ending(enum.Enum):
    """What comes after the last value of a table."""

    SETTLED = enum.auto()
    """That value for ever."""
    ENDED = enum.auto()
    """Nothing: the schedule has no more."""
    OPEN = enum.auto()
    """Values that the table has no room for."""


class Run:
    """A scheduler's values from step 0 on, in any order of asking.

    Args:
        start: makes the scheduler, at step 0.
        length: steps after which there are no values; None if there is no end.
    """

    def __init__(self, start: Callable[[], Stepper], length: int | None = None) -> None:
        self._start = start
        self._length = length
        self._restart()

    def _restart(self) -> None:
        self._stepper = self._start()
        self._columns: dict[str, list[array[float]]] = {
            name: [array("d") for _ in self._stepper.param_groups]
            for name in ("lr", "momentum")
            if name in self._stepper.param_groups[0]
        }
        self._known = 0
        self._failure: StepError | None = None
        self._record()

    @property
    def quantities(self) -> tuple[str, ...]:
        """What is set: `"lr"`, and `"momentum"` where it is cycled."""
        return tuple(self._columns)

    def row(self, quantity: str, count: int) -> list[float]:
        """The groups' values at one step.

        Raises:
            StepError: the schedule ends before, or `count` is negative.
        """
        if count < 0:
            raise StepError(f"count must not be negative, but got {count}")
        self._advance(count + 1)
        if count >= self._known and self._failure is not None:
            raise self._failure
        index = min(count, self._known - 1)
        return [column[index] for column in self._columns[quantity]]

    def table(self, quantity: str, steps: int) -> np.ndarray:
        """The groups' values at the first steps, (steps, groups) in float64.

        Raises:
            StepError: the schedule ends before, or `steps` is negative.
        """
        if steps < 0:
            raise StepError(f"steps must not be negative, but got {steps}")
        if steps:
            self.row(quantity, steps - 1)
        indices = np.minimum(np.arange(steps), self._known - 1)
        return self._matrix(quantity)[indices]

    def known_table(self, quantity: str) -> tuple[np.ndarray, Ending]:
        """All values, or as many as a table takes, and what comes after them."""
        limit = TABLE_LIMIT if self._length is None else self._length
        # One more than fits: whether the schedule ends just there.
        self._advance(limit + 1)
        values = self._matrix(quantity)[:limit]
        if self._known > limit:
            return values, Ending.OPEN
        return values, Ending.SETTLED if self._failure is None else Ending.ENDED

    def rows(self, quantity: str, counts: np.ndarray) -> np.ndarray:
        """The groups' values, (*counts.shape, groups); NaN past the schedule's end."""
        self._advance(int(counts.max()) + 1)
        columns, last = self._columns[quantity], self._known - 1
        flat = np.clip(counts.reshape(-1), 0, last).tolist()
        values = np.array([[column[i] for column in columns] for i in flat])
        values = values.reshape(*counts.shape, len(columns))
        if self._failure is not None:
            values[counts > last] = np.nan
        return values

    def _matrix(self, quantity: str) -> np.ndarray:
        return np.array([column[: self._known] for column in self._columns[quantity]]).T

    def _advance(self, steps: int) -> None:
        """Take steps until there are values for so many, or there are no more."""
        with _LOCK:
            while self._known < steps and self._failure is None:
                if self._known == self._length:
                    self._failure = StepError(
                        f"the schedule was made for {self._length} steps: "
                        f"it has no value at step {self._length}, counted from 0"
                    )
                elif self._stepper.settled and self._length is None:
                    return
                else:
                    self._step()

    def _step(self) -> None:
        try:
            self._stepper.step()
        except StepError as error:
            self._failure = error
        except BaseException:
            # Half a step would put every later value in the wrong place.
            self._restart()
            raise
        else:
            self._record()

    def _record(self) -> None:
        for name, columns in self._columns.items():
            for column, group in zip(columns, self._stepper.param_groups, strict=True):
                column.append(group[name])
        self._known += 1
