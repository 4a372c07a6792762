"""What chains and sequences have in common: schedules that share their groups."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from jaxtrain.lr_scheduler._host import HostScheduler
from jaxtrain.lr_scheduler._reduce_lr_on_plateau import PlateauSchedule
from jaxtrain.lr_scheduler._schedule import Schedule


class Container(HostScheduler):
    """A host's scheduler of schedulers."""

    _schedulers: list[HostScheduler]

    def _saved(self) -> dict[str, Any]:
        states = [child.state_dict() for child in self._schedulers]
        return super()._saved() | {"_schedulers": states}

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


def combined(
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
