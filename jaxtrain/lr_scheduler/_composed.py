"""Schedules made of others: one after another, or all at once."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from jaxtrain.lr_scheduler._host import Group, HostScheduler
from jaxtrain.lr_scheduler._plateau import PlateauSchedule
from jaxtrain.lr_scheduler._schedule import Schedule


class Container(HostScheduler):
    """A host's scheduler of schedulers."""

    _schedulers: list[HostScheduler]

    def _own_state(self) -> dict[str, Any]:
        states = [child.state_dict() for child in self._schedulers]
        return super()._own_state() | {"_schedulers": states}

    def _restore(self, state: dict[str, Any]) -> None:
        children, states = self._schedulers, state.get("_schedulers", [])
        if len(states) != len(children):
            raise ValueError(
                f"the state is one of {len(states)} schedulers, "
                f"but this scheduler has {len(children)}"
            )
        super()._restore(state)
        self._schedulers = children
        for child, own in zip(children, states, strict=True):
            child._restore(own)

    def refresh(self) -> None:
        for child in self._schedulers:
            child.refresh()


def combine(
    name: str,
    kind: Callable[..., HostScheduler],
    schedules: Sequence[Schedule],
    **arguments: Any,
) -> Schedule:
    """A schedule of schedules.

    PyTorch makes the schedulers one by one with the same optimiser. So here: in the
    order of the list, each on the groups as the ones before have left them.

    Raises:
        ValueError: there is none, one waits for a metric, or their base learning rates
            or numbers of groups differ.
        TypeError: something is no schedule.
    """
    _check(name, schedules)
    lrs = [schedule.lr for schedule in schedules if schedule.lr is not None]
    if any(lr != lrs[0] for lr in lrs):
        raise ValueError(f"{name} needs one base learning rate, but got {lrs}")
    sizes = {s.size for s in schedules if s.lr is not None or s.size is not None}
    if len(sizes) > 1:
        raise ValueError(f"{name} needs one number of groups, but got {sizes}")
    return Schedule(
        name,
        partial(kind, schedulers=list(schedules), **arguments),
        lrs[0] if lrs else None,
        sizes.pop() if sizes else None,
        any(schedule.resumes for schedule in schedules),
    )


def _check(name: str, schedules: Sequence[Schedule]) -> None:
    if len(schedules) < 1:
        raise ValueError(f"{name} needs at least one schedule, but got {schedules!r}")
    for index, schedule in enumerate(schedules):
        if isinstance(schedule, Schedule):
            continue
        if isinstance(schedule, PlateauSchedule):
            raise ValueError(
                f"{name} cannot hold a schedule that waits for a metric, "
                f"but got {schedule!r} at index {index}"
            )
        raise TypeError(
            f"{name} needs schedules, but got {schedule!r} at index {index}"
        )


class ChainedScheduler(Container):
    """The host's `chained_scheduler`. PyTorch's has no `last_epoch` either."""

    def __init__(self, groups: list[Group], schedulers: Sequence[Schedule]) -> None:
        self.param_groups = groups
        self._schedulers = [schedule.rule(groups) for schedule in schedulers]
        self._last_lr = self.current()

    def step(self, epoch: float | None = None) -> None:
        """Step each scheduler, one after the other."""
        if epoch is not None:
            raise TypeError(f"chained schedulers go to no epoch, but got {epoch}")
        for scheduler in self._schedulers:
            scheduler.step()
        self._last_lr = self.current()

    @property
    def is_constant(self) -> bool:
        return all(scheduler.is_constant for scheduler in self._schedulers)


def chained_scheduler(schedulers: Sequence[Schedule]) -> Schedule:
    """Several schedules at once: each moves the rate that the one before has left.

    Args:
        schedulers: schedules of one base learning rate; those that set it themselves,
            such as `one_cycle_lr`, have none.

    Raises:
        ValueError: there is none, one waits for a metric, or their base learning rates
            or numbers of groups differ.
        TypeError: something is no schedule.

    PyTorch: `torch.optim.lr_scheduler.ChainedScheduler`, of schedulers made in the
    order of the list.

    Example:
        >>> from jaxtrain.lr_scheduler import constant_lr, exponential_lr
        >>> schedule = chained_scheduler(
        ...     [constant_lr(1.0, factor=0.5, total_iters=2), exponential_lr(1.0, 0.5)]
        ... )
        >>> [schedule(count) for count in range(4)]
        [0.5, 0.25, 0.25, 0.125]
    """
    return combine("chained_scheduler", ChainedScheduler, schedulers)


class SequentialLR(Container):
    """The host's `sequential_lr`."""

    def __init__(
        self,
        groups: list[Group],
        schedulers: Sequence[Schedule],
        milestones: list[int],
        last_epoch: int,
    ) -> None:
        self.param_groups = groups
        self._schedulers = [schedule.rule(groups) for schedule in schedulers]
        self._milestones = milestones
        self.last_epoch = last_epoch + 1
        for group in groups:
            # The schedulers have taken their first steps on
            # these groups when they were made.
            group["lr"] = group["initial_lr"]
        _undo_first_steps(self)
        first = self._schedulers[bisect_right(milestones, 0)]
        first.initial_step()
        self._last_lr = first.get_last_lr()

    def step(self, epoch: float | None = None) -> None:
        """Step the scheduler whose turn it is; at a milestone the next one starts."""
        if epoch is not None:
            raise TypeError(f"a sequence goes to no epoch, but got {epoch}")
        self.last_epoch += 1
        turn = bisect_right(self._milestones, self.last_epoch)
        scheduler = self._schedulers[turn]
        if turn > 0 and self._milestones[turn - 1] == self.last_epoch:
            # PyTorch's `_update_lr(0)`: by the closed form,
            # and without counting a step.
            scheduler.move(0)
        else:
            scheduler.step()
        self._last_lr = scheduler.get_last_lr()

    def refresh(self) -> None:
        turn = bisect_right(self._milestones, self.last_epoch)
        for scheduler in self._schedulers[: turn + 1]:
            scheduler.refresh()

    @property
    def is_constant(self) -> bool:
        over = self.last_epoch >= max(self._milestones, default=self.last_epoch)
        return over and self._schedulers[-1].is_constant


def _undo_first_steps(scheduler: HostScheduler) -> None:
    """Take back the step that each scheduler has taken when it was made.

    Not those of inner sequences: an inner sequence that comes first is a step ahead,
    as PyTorch's is.
    """
    if not isinstance(scheduler, Container):
        scheduler.last_epoch -= 1
        return
    for child in scheduler._schedulers:
        _undo_first_steps(child)


def sequential_lr(
    schedulers: Sequence[Schedule], milestones: Sequence[int], last_epoch: int = -1
) -> Schedule:
    """One schedule after another: the next one starts, from its step 0, at a milestone.

    Args:
        schedulers: schedules of one base learning rate; those that set it themselves,
            such as `one_cycle_lr`, have none.
        milestones: the step at which each but the first starts, in rising order.
        last_epoch: the last step taken before this schedule; -1 starts anew.

    A sequence or a chain can only come first: PyTorch cannot restart one, so there the
    schedule ends.

    Raises:
        ValueError: there is no schedule, one waits for a metric, the milestones are not
            one fewer, or base learning rates or numbers of groups differ.
        TypeError: something is no schedule.

    PyTorch: `torch.optim.lr_scheduler.SequentialLR`, of schedulers made in the order of
    the list.

    Example:
        >>> from jaxtrain.lr_scheduler import constant_lr, exponential_lr
        >>> schedule = sequential_lr(
        ...     [constant_lr(1.0, factor=0.5, total_iters=9), exponential_lr(1.0, 0.5)],
        ...     milestones=[2],
        ... )
        >>> [schedule(count) for count in range(5)]
        [0.5, 0.5, 1.0, 0.5, 0.25]
    """
    if len(schedulers) and len(milestones) != len(schedulers) - 1:
        raise ValueError(
            "milestones must be one fewer than the schedules, but there are "
            f"{len(schedulers)} schedules and milestones {milestones!r}"
        )
    return combine(
        "sequential_lr",
        SequentialLR,
        schedulers,
        milestones=list(milestones),
        last_epoch=last_epoch,
    )
