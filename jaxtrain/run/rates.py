"""What a scheduler sets, for every step of a run."""

import inspect
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from jax.typing import ArrayLike

from jaxtrain import optim
from jaxtrain.errors import ConfigError
from jaxtrain.run.config import Config, check_rates
from jaxtrain.run.recipe import build_schedule

HORIZON = 2**16
"""Steps that are computed in some tenths of a second."""


class Values(NamedTuple):
    """Learning rates of consecutive batches, and momenta where they are cycled."""

    lrs: list[Any]
    momenta: list[float]


class _Walk:
    """The values of a scheduler on the host, in the order in which a run takes them."""

    def __init__(self, host: Any, has_momentum: bool):
        self.host, self.has_momentum = host, has_momentum
        self.failure: ValueError | None = None

    def take(self, moves: Iterable[bool]) -> Values:
        """Those of the next batches; it steps after each for which that is true.

        Raises:
            ValueError: there is no value for one of them.
        """
        values, group = Values([], []), self.host.param_groups[0]
        for step in moves:
            if self.failure is not None:
                raise self.failure
            values.lrs.append(group["lr"])
            if self.has_momentum:
                values.momenta.append(group["momentum"])
            if step:
                self.step()
        return values

    def step(self, *metric: float) -> None:
        """Step; a step without a value fails only when that value is taken."""
        try:
            self.host.step(*metric)
        except ValueError as error:
            self.failure = error


class Rates:
    """The learning rate and momentum of every step, as PyTorch's scheduler sets them.

    Args:
        schedule: of `jaxtrain.lr_scheduler`; None where the rate stays.
        lr: the rate without one.
        every: `"step"` or `"epoch"`: after which it steps; None where it watches the
            tests, and without a schedule.
        momentum: the optimiser's argument that is cycled: `"momentum"`, `"betas"` or
            None.
        betas: the optimiser's, where the first of them is cycled.
        name: of the scheduler and of the optimiser, in errors.
    """

    def __init__(
        self,
        schedule: Any,
        lr: float | list[float],
        every: str | None,
        momentum: str | None = None,
        betas: tuple[float, float] | None = None,
        name: tuple[str, str] = ("", ""),
    ):
        self.schedule, self.lr, self.every = schedule, lr, every
        self.watches = schedule is not None and every is None
        self.momentum_name, self.name = momentum, name
        self._second_beta = None if betas is None else betas[1]
        self._walk = self._start()

    def _start(self) -> _Walk | None:
        if self.schedule is None:
            return None
        return _Walk(self.schedule.host(), self.momentum_name is not None)

    def take(self, updates: Iterable[bool]) -> Values:
        """Those of the next batches of an epoch.

        Args:
            updates: for each batch whether the weights are updated after it.

        Raises:
            ConfigError: the schedule has no value there, or one beyond float32.
        """
        return self._take(self._walk, updates, self.every == "step")

    def take_again(self, before: int, updates: Sequence[bool]) -> Values:
        """Those of the first batches of the epoch, as they were taken.

        Args:
            before: updates of the epochs before it.
            updates: for each batch whether the weights were updated after it.
        """
        if self.every != "step":
            # It steps between epochs alone: its values are still those.
            return self._take(self._walk, updates, False)
        walk = self._start()
        assert walk is not None
        for _ in range(before):
            walk.step()
        return self._take(walk, updates, True)

    def end_epoch(self, avg_loss: float) -> None:
        """Step a scheduler that does so after each epoch, by its test if it watches."""
        if self._walk is None:
            return
        if self.watches:
            self._walk.step(avg_loss)
        elif self.every == "epoch":
            self._walk.step()

    def forecast(self, epochs: int, updates: int) -> Values:
        """Those of a whole run, a value for each step of the scheduler.

        Args:
            epochs: of the run.
            updates: of the run; of more than `HORIZON` the rest is not looked at.

        Raises:
            ConfigError: as the run would.
        """
        count = epochs if self.every == "epoch" else updates
        moves = [self.every is not None] * min(count, HORIZON)
        return self._take(self._start(), moves, True)

    def _take(self, walk: _Walk | None, moves: Iterable[bool], move: bool) -> Values:
        if walk is None:
            return Values([self.lr for _ in moves], [])
        try:
            values = walk.take(each and move for each in moves)
        except ValueError as error:
            raise ConfigError(f"scheduler {self.name[0]}: {error}") from error
        check_rates(values.lrs)
        self._check_momenta(values.momenta)
        return values

    def state(self) -> dict[str, Any] | None:
        """The scheduler's state, as JSON can hold it; None if there is none."""
        if self._walk is None:
            return None
        plain: dict[str, Any] = _plain(self._walk.host.state_dict())
        return plain

    def load(self, state: Mapping[str, Any] | None, epochs: int, updates: int) -> None:
        """Go on from what `state` gave, or without it from so many steps.

        Args:
            state: of the scheduler; None of a run that saved none.
            epochs: that are done.
            updates: that are done.
        """
        self._walk = self._start()
        if self._walk is None:
            return
        if state is not None:
            try:
                self._walk.host.load_state_dict(state)
            except ValueError as error:  # the step after a schedule's last
                self._walk.failure = error
            return
        for _ in range({"epoch": epochs, "step": updates}.get(self.every or "", 0)):
            self._walk.step()

    def _check_momenta(self, momenta: list[float]) -> None:
        # As a beta, 1 has no bias correction: PyTorch divides by zero.
        for momentum in momenta if self.momentum_name == "betas" else ():
            if not 0 <= momentum < 1:
                raise ConfigError(
                    f"scheduler {self.name[0]} sets the first of "
                    f"{self.name[1]}'s betas to {momentum}; it must be "
                    "at least 0 and less than 1"
                )

    def arrays(self, values: Values, dtype: Any) -> Mapping[str, ArrayLike]:
        """The values as the optimiser's update takes them, a row for each step."""
        arrays: dict[str, Any] = {"lr": np.asarray(values.lrs, dtype)}
        if self.momentum_name == "momentum":
            arrays["momentum"] = np.asarray(values.momenta, dtype)
        elif self.momentum_name == "betas":
            rest = np.full(len(values.lrs), self._second_beta)
            betas = np.asarray(values.momenta), rest
            arrays["betas"] = tuple(map(optim.two_float, betas))
        return arrays

    def initial(self) -> dict[str, Any]:
        """Arguments with which the optimiser is built: those that will move."""
        if self.schedule is None or self.momentum_name is None:
            return {}
        first = self.schedule.momentum
        moves = (
            first if self.momentum_name == "momentum" else (first, self._second_beta)
        )
        return {self.momentum_name: moves}


def configured_rates(config: Config) -> Rates:
    """Those of a configured run.

    Raises:
        ConfigError: the scheduler does not exist, its arguments do not fit, or it
            cycles a momentum that the optimiser does not have.
    """
    settings, schedule = config.scheduler, None
    if settings.name is not None:
        schedule = build_schedule(settings, config.optimizer.lr)
    by_time = settings.name is not None and not settings.watches
    momentum = _momentum_name(config, schedule)
    return Rates(
        schedule,
        config.optimizer.lr,
        settings.every if by_time else None,
        momentum,
        _betas(config) if momentum == "betas" else None,
        (settings.name or "", config.optimizer.name),
    )


def _momentum_name(config: Config, schedule: Any) -> str | None:
    """The optimiser's argument that is cycled: `"momentum"`, `"betas"` or none."""
    if schedule is None or config.scheduler.watches or schedule.momentum is None:
        return None
    name = config.optimizer.name
    for argument in ("betas", "momentum"):
        if argument in inspect.signature(getattr(optim, name)).parameters:
            return argument
    raise ConfigError(
        f"scheduler {config.scheduler.name} cycles the momentum, and "
        f"{name} has none: give --scheduler-args cycle_momentum=false"
    )


def _betas(config: Config) -> tuple[float, float]:
    options = config.optimizer
    default = inspect.signature(getattr(optim, options.name)).parameters["betas"]
    betas = options.arguments.get("betas", default.default)
    if not isinstance(betas, tuple | list) or len(betas) != 2:
        raise ConfigError(
            f"optimizer {options.name}: betas must be 2 values, such as 0.9,0.999, "
            f"but got {betas!r}"
        )
    return betas[0], betas[1]


def alike(theirs: Any, ours: Any) -> bool:
    """Whether two states hold values of the same kinds under the same names.

    Example:
        >>> alike({"best": 1.5, "_last_lr": [0.1]}, {"best": 2, "_last_lr": [0.2]})
        True
        >>> alike({"best": "1.5"}, {"best": 2})
        False
    """
    if isinstance(ours, dict):
        same = isinstance(theirs, dict) and theirs.keys() == ours.keys()
        return same and all(alike(theirs[name], ours[name]) for name in ours)
    if isinstance(ours, list):
        same = isinstance(theirs, list) and len(theirs) == len(ours)
        return same and all(map(alike, theirs, ours))
    if isinstance(ours, int | float):
        return isinstance(theirs, int | float)
    return type(theirs) is type(ours)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
