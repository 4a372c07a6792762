"""Schedulers on the host, stepped as PyTorch's are, in Python's floats."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping, Sequence
from numbers import Real
from typing import Any

Group = dict[str, Any]
"""What a scheduler keeps in one group of PyTorch's optimiser: lr, initial_lr, …"""

ENTRIES = (
    "lr",
    "initial_lr",
    "max_lr",
    "min_lr",
    "swa_lr",
    "max_momentum",
    "base_momentum",
)
"""Entries of an optimiser's groups that schedulers put there, but for the momentum."""

_OPTIONAL = {"_is_initial", "_get_lr_called_within_step", "_step_count", "use_beta1"}
"""Entries that some version or some optimiser of PyTorch's leaves out."""


class StepError(ValueError):
    """A step that the schedule has no value for; PyTorch raises there too."""


class Scheduler:
    """What the host's schedulers have in common: groups, last values, saving."""

    param_groups: list[Group]
    """The groups that the scheduler moves; shared by those of a chain or sequence."""
    last_epoch: int
    _last_lr: list[float]

    def get_last_lr(self) -> list[float]:
        """The learning rates in force, one for each group."""
        return list(self._last_lr)

    def print_lr(self) -> None:
        """Print the learning rate in force, a line for each group.

        PyTorch: what `verbose=True` printed in earlier versions.
        """
        for index, rate in enumerate(self._last_lr):
            print(f"learning rate of group {index}: {rate:.4e}")

    def state_dict(self) -> dict[str, Any]:
        """What PyTorch's `state_dict()` of the same scheduler holds, as a copy.

        Only `use_beta1` is missing, unless it was loaded: it tells which optimiser
        PyTorch's scheduler moves.
        """
        return copy.deepcopy(self._own_state())

    def load_state_dict(
        self,
        state_dict: Mapping[str, Any],
        param_groups: Sequence[Mapping[str, Any]] | None = None,
    ) -> None:
        """Go on from a state that this scheduler or PyTorch's has saved.

        Args:
            state_dict: the scheduler's state.
            param_groups: those of PyTorch's `optimizer.state_dict()`. PyTorch's
                schedulers keep the current rates, and some of their bounds, there.
                Without it the rates are those that were in force when the state was
                saved, and the bounds stay this scheduler's own.

        Raises:
            ValueError: an entry is missing, or the numbers of groups differ.
        """
        last_rates = state_dict.get("_last_lr", self._last_lr)
        _check_length("_last_lr", last_rates, self.param_groups)
        if param_groups is not None:
            _check_length("param_groups", param_groups, self.param_groups)
        self._restore(copy.deepcopy(dict(state_dict)))
        if param_groups is None:
            for group, rate in zip(self.param_groups, self._last_lr, strict=True):
                group["lr"] = rate
            self.refresh()
            return
        for group, entry in zip(self.param_groups, param_groups, strict=True):
            has_momentum = "momentum" in group
            group.update(entries(entry))
            if has_momentum:
                betas = entry.get("betas")
                group["momentum"] = betas[0] if betas else entry["momentum"]

    def refresh(self) -> None:
        """Set the momentum to that of the current step, where it is cycled."""

    def current(self) -> list[float]:
        """The groups' learning rates."""
        return [group["lr"] for group in self.param_groups]

    def _own_state(self) -> dict[str, Any]:
        return {k: v for k, v in vars(self).items() if k != "param_groups"}

    def _restore(self, state: dict[str, Any]) -> None:
        self._take(state, vars(self))

    def _take(self, state: dict[str, Any], own: Mapping[str, Any]) -> None:
        missing = sorted(own.keys() - state.keys() - _OPTIONAL - {"param_groups"})
        if missing:
            raise ValueError(
                f"no state of a {type(self).__name__}: it lacks {missing}, "
                f"and holds {sorted(state)}"
            )
        state.pop("param_groups", None)
        vars(self).update(state)


class HostScheduler(Scheduler):
    """A scheduler that time alone moves.

    Args:
        groups: those to move, of which each holds `"lr"`; they are changed in place.
        last_epoch: the last step taken; -1 starts anew.

    PyTorch: `torch.optim.lr_scheduler.LRScheduler`.
    """

    def __init__(self, groups: list[Group], last_epoch: int = -1) -> None:
        self.param_groups = groups
        for index, group in enumerate(groups):
            if last_epoch == -1:
                # What an earlier scheduler of these groups has
                # put there stays, as in PyTorch.
                group.setdefault("initial_lr", group["lr"])
            elif "initial_lr" not in group:
                raise ValueError(
                    f"group {index} has no 'initial_lr' to resume from, which "
                    f"last_epoch={last_epoch} needs: it has {sorted(group)}"
                )
        self.base_lrs: list[float] = [group["initial_lr"] for group in groups]
        self.last_epoch = last_epoch
        # An entry of PyTorch's dictionaries, and False whenever one is saved.
        self._get_lr_called_within_step = False
        self.initial_step()

    def initial_step(self) -> None:
        """The step that a scheduler takes when it is made."""
        self._step_count = 0
        self._is_initial = True
        self.step()
        self._is_initial = False

    def step(self, epoch: float | None = None) -> None:
        """Move on by one step.

        Args:
            epoch: go there instead, by the closed form where there is one: PyTorch's
                deprecated way, of which nobody is warned here.

        Raises:
            StepError: there is no value for that step.
        """
        self._step_count += 1
        self.move(epoch)

    def move(self, epoch: float | None = None) -> None:
        """Set the groups' rates to those of the next step, or of `epoch`."""
        if epoch is None:
            self.last_epoch += 1
            self._set(self.get_lr)
        else:
            self.last_epoch = epoch  # type: ignore[assignment]
            self._set(self.closed_form)

    def get_lr(self) -> list[float]:
        """The rates of step `last_epoch`, given those of the step before."""
        raise StepError(
            f"PyTorch cannot restart a {type(self).__name__}: it can only come first "
            "in a sequence"
        )

    def closed_form(self) -> list[float]:
        """The rates of step `last_epoch`, whatever went before."""
        return self.get_lr()

    @property
    def is_constant(self) -> bool:
        """Whether no further step changes anything."""
        return False

    def times(self, factor: float) -> list[float]:
        """The groups' learning rates times a factor."""
        return [group["lr"] * factor for group in self.param_groups]

    def is_neutral(self, factor: float) -> bool:
        """Whether a factor changes no rate, not even the sign of a zero."""
        # -0.0 equals 0.0, but a rate of 0 that turns negative shows in what is saved.
        return math.copysign(1, factor) > 0 and self.times(factor) == self.current()

    def _set(self, rates: Callable[[], list[float]]) -> None:
        try:
            values = rates()
        # Such as the way back from a factor of 0, where PyTorch divides by 0.
        except ArithmeticError as error:
            raise StepError(f"no value for step {self.last_epoch}: {error}") from error
        for group, value in zip(self.param_groups, values, strict=True):
            group["lr"] = value
        self._last_lr = values


def entries(group: Mapping[str, Any]) -> Group:
    """What a scheduler needs of one of PyTorch's groups.

    Example:
        >>> entries({"params": [0], "lr": 0.1, "initial_lr": 1.0, "foreach": None})
        {'lr': 0.1, 'initial_lr': 1.0}
    """
    return {name: group[name] for name in ENTRIES if name in group}


def per_group(name: str, value: Any, groups: Sequence[Group]) -> list[float]:
    """A list with one number for each group, of such a list or of one number.

    Raises:
        ValueError: a list is not as long as there are groups.
        TypeError: something is no number.

    Example:
        >>> per_group("max_lr", 0.1, [{}, {}])
        [0.1, 0.1]
    """
    if not isinstance(value, list | tuple):
        return [number(name, value)] * len(groups)
    _check_length(name, value, groups)
    return [number(name, item) for item in value]


def number(name: str, value: Any) -> float:
    """A Python number, or `TypeError`."""
    if not isinstance(value, Real) or isinstance(value, bool):
        raise TypeError(f"{name} must be a number or a list of them, but got {value!r}")
    return value if isinstance(value, int | float) else float(value)


def _check_length(name: str, values: Sequence[Any], groups: Sequence[Group]) -> None:
    if len(values) != len(groups):
        raise ValueError(
            f"{name} must have as many values as there are groups, {len(groups)}, "
            f"but has {len(values)}: {values!r}"
        )
