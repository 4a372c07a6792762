"""A schedule: a function of the step, with a host's scheduler behind it."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxtrain.lr_scheduler._host import Group, HostScheduler, entries, number
from jaxtrain.lr_scheduler._values import Timeline, Track

BaseRates = float | Sequence[float]
"""One learning rate, or one for each group of parameters."""


class ScheduleState(NamedTuple):
    """State of a schedule that time alone moves."""

    count: jax.Array  # type: ignore[assignment]
    """Steps so far."""


class Schedule(Track):
    """A learning rate as a function of the number of scheduler steps taken.

    `schedule(count)` is the value in force after `count` steps. A Python or NumPy
    integer gives PyTorch's float64, to the last bit, computed by running the scheduler
    on the host once. A JAX integer, traced or not, gives that value rounded once to
    float32 (with x64 not at all), looked up in a table of the host's values: all of
    them where the schedule ends, settles or was told its length (`for_steps`), else
    the first 65,536, after which the host is called back. Past a schedule's end, where
    PyTorch raises, so does the host; compiled code gets NaN.

    `schedule.momentum` and `schedule.beta1` are the momentum that `one_cycle_lr` and
    `cyclic_lr` cycle, else None: `momentum` gives numbers, `beta1` gives compiled code
    a `TwoFloat` for the betas of Adam and its like. Lists of rates, for groups of
    parameters, give lists; `schedule[i]` is the schedule of one group.

    With a `last_epoch` step 0 is the one after it, and rules that go by the rate of the
    step before take `lr` for that, as PyTorch's take the optimiser's. To go on with
    both rates as they were, give `host` PyTorch's groups, or load a saved state.

    Example:
        >>> from jaxtrain.lr_scheduler import exponential_lr
        >>> schedule = exponential_lr(0.1, gamma=0.5)
        >>> schedule(2), jax.jit(schedule)(2)
        (0.025, Array(0.025, dtype=float32))
        >>> schedule.table(3)
        array([0.1  , 0.05 , 0.025])
        >>> state = schedule.step(schedule.init())
        >>> schedule.value(state)
        Array(0.05, dtype=float32)
        >>> scheduler = schedule.host()
        >>> scheduler.step()
        >>> scheduler.get_last_lr()
        [0.05]
    """

    def __init__(
        self,
        name: str,
        rule: partial[HostScheduler],
        lr: BaseRates | None,
        size: int | None,
        resumes: bool,
        length: int | None = None,
    ) -> None:
        self.name = name
        self.rule = rule
        self.lr = lr
        self.size = size
        self.resumes = resumes
        timeline = Timeline(self.host, length)
        super().__init__(timeline, "lr", is_list=size is not None)
        has_momentum = "momentum" in timeline.quantities
        self.momentum = (
            Track(timeline, "momentum", self._is_list) if has_momentum else None
        )
        self.beta1 = (
            Track(timeline, "momentum", self._is_list, exact=True)
            if has_momentum
            else None
        )

    def __repr__(self) -> str:
        arguments = self.rule.keywords
        if self.lr is not None and "schedulers" not in arguments:
            arguments = {"lr": self.lr, **arguments}
        text = ", ".join(f"{key}={value!r}" for key, value in arguments.items())
        return f"{self.name}({text})"

    def for_steps(self, steps: int) -> Schedule:
        """The same schedule with values at `steps` steps, from 0, and no others.

        Compiled code then finds all of them in a table. Past its end the host raises
        `ValueError`, and compiled code gets NaN.

        Raises:
            ValueError: `steps` is not positive.

        Example:
            >>> from jaxtrain.lr_scheduler import exponential_lr
            >>> exponential_lr(0.1, gamma=0.5).for_steps(2)(jnp.arange(3))
            Array([0.1 , 0.05,  nan], dtype=float32)
        """
        if operator.index(steps) <= 0:
            raise ValueError(f"steps must be positive, but got {steps}")
        return Schedule(
            self.name, self.rule, self.lr, self.size, self.resumes, int(steps)
        )

    def host(
        self, param_groups: Sequence[Mapping[str, Any]] | None = None
    ) -> HostScheduler:
        """A scheduler for a loop on the host, as PyTorch's is used.

        Args:
            param_groups: those of PyTorch's optimiser, with the rates to start from,
                instead of this schedule's; for `last_epoch` other than -1 with
                `"initial_lr"` in each.
        """
        if param_groups is None:
            return self.rule(self._groups())
        if self.size not in (None, len(param_groups)):
            raise ValueError(
                f"the schedule has {self.size} groups, "
                f"but was given {len(param_groups)}: {param_groups!r}"
            )
        return self.rule([entries(group) for group in param_groups])

    def init(self) -> ScheduleState:
        """The state before the first step."""
        return ScheduleState(jnp.zeros([], jnp.int32))

    def step(self, state: ScheduleState, metric: Any = None) -> ScheduleState:
        """The state after one step more; pure, for compiled code.

        Args:
            state: the state before.
            metric: ignored; `reduce_lr_on_plateau` is called alike.
        """
        del metric
        return ScheduleState(state.count + 1)

    def value(self, state: ScheduleState) -> Any:
        """The learning rate in force; `schedule.momentum(state.count)` likewise."""
        return self(state.count)

    def _groups(self) -> list[Group]:
        lr = self.lr
        if lr is None:
            # The rule sets the rate itself before anyone reads it.
            return [{"lr": float("nan")} for _ in range(self.size or 1)]
        rates = list(lr) if isinstance(lr, list | tuple) else [lr]
        extra = ("initial_lr",) if self.resumes else ()
        return [dict.fromkeys(("lr", *extra), rate) for rate in rates]


def build(
    name: str,
    kind: Callable[..., HostScheduler],
    lr: BaseRates | None = None,
    bounds: Mapping[str, Any] | None = None,
    **arguments: Any,
) -> Schedule:
    """A schedule of one family; what its scheduler refuses is refused here.

    Args:
        name: of the function that the user called.
        kind: the host's scheduler, called with groups and the arguments.
        lr: base learning rate or rates.
        bounds: in their place, what may be one number or one for each group, where the
            rule sets the rates itself.
        arguments: of `kind`.
    """
    size = len(lr) if isinstance(lr, list | tuple) else None
    for value in (bounds or {}).values():
        if size is None and isinstance(value, list | tuple):
            size = len(value)
    if size == 0:
        rates = lr if bounds is None else bounds
        raise ValueError(f"there must be at least one group, but got {rates!r}")
    resumes = arguments.get("last_epoch", -1) != -1
    return Schedule(
        name,
        partial(kind, **(bounds or {}), **arguments),
        check_rates(lr) if bounds is None else None,
        size,
        resumes,
    )


def check_rates(lr: Any) -> BaseRates:
    """Base learning rates, of which none is negative or NaN, as optimisers demand."""
    rates = lr if isinstance(lr, list | tuple) else [lr]
    for rate in rates:
        if not number("lr", rate) >= 0.0:
            raise ValueError(f"Invalid learning rate: {rate}")
    values = [number("lr", rate) for rate in rates]
    return values if isinstance(lr, list | tuple) else values[0]
