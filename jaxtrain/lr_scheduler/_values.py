"""The values of a schedule: computed as far as asked for, looked up by step."""

from __future__ import annotations

import enum
import operator
import threading
from array import array
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from jaxtrain.lr_scheduler._host import Group, StepError


class TwoFloat(NamedTuple):
    """A float64 number in two: hi + lo, where hi is the nearest float32.

    A beta that moves enters compiled float32 code this way: 1 - float32(0.999) is
    1.3e-5 off 0.001.
    """

    hi: ArrayLike
    lo: ArrayLike


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
    def is_constant(self) -> bool: ...
    def step(self) -> None: ...


class Tail(enum.Enum):
    """What comes after the last value of a table."""

    CONSTANT = enum.auto()
    """That value for ever."""
    END = enum.auto()
    """Nothing: the schedule has no more."""
    OPEN = enum.auto()
    """Values that the table has no room for."""


class Timeline:
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
        self._count = 0
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
        if count >= self._count and self._failure is not None:
            raise self._failure
        # Settled: the last value stands for all that follow.
        index = min(count, self._count - 1)
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
        indices = np.minimum(np.arange(steps), self._count - 1)
        return self._matrix(quantity)[indices]

    def full_table(self, quantity: str) -> tuple[np.ndarray, Tail]:
        """All values, or as many as a table takes, and what comes after them."""
        limit = TABLE_LIMIT if self._length is None else self._length
        # One more than fits: whether the schedule ends just there.
        self._advance(limit + 1)
        values = self._matrix(quantity)[:limit]
        if self._count > limit:
            return values, Tail.OPEN
        return values, Tail.CONSTANT if self._failure is None else Tail.END

    def rows(self, quantity: str, counts: np.ndarray) -> np.ndarray:
        """The groups' values, (*counts.shape, groups); NaN past the schedule's end."""
        self._advance(int(counts.max()) + 1)
        columns, last = self._columns[quantity], self._count - 1
        # Of all counts at once: some lie in the table,
        # and negative ones become NaN later.
        flat = np.clip(counts.reshape(-1), 0, last).tolist()
        values = np.array([[column[i] for column in columns] for i in flat])
        values = values.reshape(*counts.shape, len(columns))
        if self._failure is not None:
            values[counts > last] = np.nan
        return values

    def _matrix(self, quantity: str) -> np.ndarray:
        return np.array([column[: self._count] for column in self._columns[quantity]]).T

    def _advance(self, steps: int) -> None:
        """Take steps until there are values for so many, or there are no more."""
        with _LOCK:
            while self._count < steps and self._failure is None:
                if self._count == self._length:
                    self._failure = StepError(
                        f"the schedule was made for {self._length} steps: "
                        f"it has no value at step {self._length}, counted from 0"
                    )
                # With a length it goes on to its end, past which
                # even a settled schedule has no value.
                elif self._stepper.is_constant and self._length is None:
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
        self._count += 1


def look_up(
    timeline: Timeline, quantity: str, index: jax.Array, exact: bool
) -> jax.Array:
    """The groups' values at `index`, each rounded once from the host's float64.

    Past the end of a schedule, and below 0, they are NaN: PyTorch raises there, which
    compiled code cannot. Past the end of a table that has no room for more, the host
    is asked: as exact, and slower.

    Args:
        timeline: the schedule's values.
        quantity: `"lr"` or `"momentum"`.
        index: whole numbers of any shape.
        exact: whether the values come in two parts, of which the first is the nearest
            float32 and the second what is missing.

    Returns:
        (*index.shape, groups), or with `exact` twice as many columns.
    """
    if not jnp.issubdtype(index.dtype, jnp.integer):
        raise TypeError(f"count must be a whole number, but got {index.dtype} values")
    dtype = np.dtype(jnp.result_type(float))
    values, tail = timeline.full_table(quantity)
    # A constant of the compiled code, since XLA contracts a·b + c and multiplies by
    # rounded reciprocals where it is to divide: a schedule computed there would drift.
    table = jnp.asarray(_columns(values, dtype, exact))
    last = len(values) - 1

    def near(index: jax.Array) -> jax.Array:
        return table[jnp.clip(index, 0, last)]

    def far(index: jax.Array) -> jax.Array:
        shape = jax.ShapeDtypeStruct((*index.shape, table.shape[1]), dtype)

        def ask(counts: jax.Array) -> np.ndarray:
            rows = timeline.rows(quantity, np.asarray(counts))
            return _columns(rows, dtype, exact)

        return jax.pure_callback(ask, shape, index, vmap_method="expand_dims")

    if tail is Tail.OPEN:
        # A call of the host costs far more than a
        # look-up: only past the table is it made.
        entry = jax.lax.cond(jnp.any(index > last), far, near, index)
    else:
        entry = near(index)
    missing = index < 0
    if tail is Tail.END:
        missing |= index > last
    return jnp.where(missing[..., None], jnp.nan, entry)


def _columns(values: np.ndarray, dtype: np.dtype, exact: bool) -> np.ndarray:
    # What float32 has no room for becomes infinite, as it does in PyTorch's kernels.
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        if not exact:
            return values.astype(dtype)
        hi = values.astype(np.float32)
        return np.concatenate([hi.astype(dtype), (values - hi).astype(dtype)], axis=-1)


class Track:
    """One quantity of a schedule, as a function of the number of steps taken.

    `track(count)` of a Python or NumPy integer is the host's value, a float: PyTorch's
    to the last bit. Of a JAX integer, traced or not, it is an array: the host's value
    rounded once. Where there are several groups it is a list, and `track[i]` is the
    track of one of them. An `optax.Schedule`.

    Args:
        timeline: the schedule's values.
        quantity: which of them.
        group: the only group to show; None shows all, in a list if `listed`.
        is_list: whether there are several groups.
        exact: whether JAX integers give a `TwoFloat`.
    """

    def __init__(
        self,
        timeline: Timeline,
        quantity: str,
        is_list: bool,
        group: int | None = None,
        exact: bool = False,
    ) -> None:
        self._timeline = timeline
        self._quantity = quantity
        self._is_list = is_list
        self._group = group
        self._exact = exact

    def __call__(self, count: Any) -> Any:
        if isinstance(count, jax.Array):
            return self._pick(self._arrays(count))
        try:
            index = operator.index(count)
        except TypeError:
            raise TypeError(
                f"count must be a whole number, but got {count!r}"
            ) from None
        return self._pick(self._timeline.row(self._quantity, index))

    def __getitem__(self, group: int) -> Track:
        """The track of one group."""
        groups = len(self._timeline.row(self._quantity, 0))
        if not 0 <= group < groups or not self._is_list:
            what = f"{groups} groups" if self._is_list else "no list of groups"
            raise IndexError(f"the schedule has {what}, and so no group {group}")
        return Track(self._timeline, self._quantity, False, group, self._exact)

    def table(self, steps: int) -> np.ndarray:
        """The host's values at the first steps, in float64.

        Returns:
            (steps,), or (steps, groups) where there are several groups.

        Raises:
            ValueError: the schedule ends before.
        """
        values = self._timeline.table(self._quantity, steps)
        return values if self._is_list else values[:, self._group or 0]

    def _arrays(self, count: jax.Array) -> list[Any]:
        rows = look_up(self._timeline, self._quantity, count, self._exact)
        columns = [rows[..., i] for i in range(rows.shape[-1])]
        if not self._exact:
            return columns
        half = len(columns) // 2
        pairs = zip(columns[:half], columns[half:], strict=True)
        return [TwoFloat(hi, lo) for hi, lo in pairs]

    def _pick(self, values: list[Any]) -> Any:
        return values if self._is_list else values[self._group or 0]
