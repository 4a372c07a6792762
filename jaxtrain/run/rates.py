"""What a scheduler sets, for every step of a run."""

import inspect
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from jax.typing import ArrayLike

from jaxtrain import optim
from jaxtrain.errors import ConfigError
from jaxtrain.run.config import Config, check_rates
from jaxtrain.run.recipe import build_schedule

FORESEEN = 2**16
"""Steps that are computed in some tenths of a second."""


class Values(NamedTuple):
    """Learning rates of consecutive steps, and momenta where they are cycled."""

    lrs: list[float]
    momenta: list[float]


class Rates:
    """The learning rate and momentum of every step, as PyTorch's scheduler sets them.

    Args:
        config: the run.

    Raises:
        ConfigError: the scheduler does not exist, its arguments do not fit, or it
            cycles a momentum that the optimiser does not have.
    """

    def __init__(self, config: Config):
        self.config = config
        self.schedule = build_schedule(config.scheduler, config.optimizer.lr)
        self._host = self.schedule.host() if config.scheduler.watches else None
        self.cycled = self._cycled()
        self._second_beta = self._betas()[1] if self.cycled == "betas" else None

    def _cycled(self) -> str | None:
        """The optimiser's argument that is cycled: `"momentum"`, `"betas"` or none."""
        if self._host is not None or self.schedule.momentum is None:
            return None
        name = self.config.optimizer.name
        for argument in ("betas", "momentum"):
            if argument in inspect.signature(getattr(optim, name)).parameters:
                return argument
        raise ConfigError(
            f"scheduler {self.config.scheduler.name} cycles the momentum, and "
            f"{name} has none: give --scheduler-args cycle_momentum=false"
        )

    def at(self, epoch: int, first: int, steps: int) -> Values:
        """Those of consecutive steps of an epoch; `first` counts from the run's start.

        Raises:
            ConfigError: the schedule has no value there, or one beyond float32.
        """
        if self._host is not None:
            return Values(self._host.get_last_lr() * steps, [])
        counts = range(first, first + steps)
        if self.config.scheduler.every == "epoch":
            counts = range(epoch - 1, epoch)
        repeat = steps // len(counts)
        try:
            lrs = [self.schedule(count) for count in counts] * repeat
        except ValueError as error:
            raise ConfigError(
                f"scheduler {self.config.scheduler.name}: {error}"
            ) from error
        check_rates(lrs)
        if self.cycled is None:
            return Values(lrs, [])
        momenta = [self.schedule.momentum(count) for count in counts] * repeat
        self._check_momenta(momenta)
        return Values(lrs, momenta)

    def at_updates(self, epoch: int, numbers: np.ndarray) -> Values:
        """Those of batches of an epoch, given the number of each one's update."""
        first = int(numbers[0])
        values = self.at(epoch, first, int(numbers[-1]) - first + 1)
        places = (numbers - first).tolist()
        return Values(*([each[i] for i in places] if each else [] for each in values))

    def state(self) -> dict[str, Any] | None:
        """State of a scheduler that watches the test loss; the others have none."""
        return None if self._host is None else dict(self._host.state_dict())

    def load(self, state: Mapping[str, Any] | None) -> None:
        """Go on from what `state` gave."""
        if self._host is not None and state is not None:
            self._host.load_state_dict(state)

    def _check_momenta(self, momenta: list[float]) -> None:
        # As a beta, 1 has no bias correction: PyTorch divides by zero.
        for momentum in momenta if self.cycled == "betas" else ():
            if not 0 <= momentum < 1:
                raise ConfigError(
                    f"scheduler {self.config.scheduler.name} sets the first of "
                    f"{self.config.optimizer.name}'s betas to {momentum}; it must be "
                    "at least 0 and less than 1"
                )

    def check(self, epochs: int, steps: int) -> None:
        """Raise `ConfigError` before a run, and not in it, for a step without a value.

        Args:
            epochs: of the run.
            steps: of the run; of more than `FORESEEN` the rest is not looked at.
        """
        if self.config.scheduler.every == "epoch":
            for epoch in range(1, min(epochs, FORESEEN) + 1):
                self.at(epoch, 0, 1)
        elif steps:
            self.at(1, 0, min(steps, FORESEEN))

    def tested(self, avg_loss: float) -> None:
        """Tell a scheduler that watches the average test loss."""
        if self._host is not None:
            self._host.step(avg_loss)

    def arrays(self, values: Values, dtype: Any) -> Mapping[str, ArrayLike]:
        """The values as the optimiser's update takes them, a row for each step."""
        arrays: dict[str, Any] = {"lr": np.asarray(values.lrs, dtype)}
        if self.cycled == "momentum":
            arrays["momentum"] = np.asarray(values.momenta, dtype)
        elif self.cycled == "betas":
            rest = np.full(len(values.lrs), self._second_beta)
            betas = np.asarray(values.momenta), rest
            arrays["betas"] = tuple(map(optim.two_float, betas))
        return arrays

    def initial(self) -> dict[str, Any]:
        """Arguments with which the optimiser is built: those that will move."""
        if self.cycled is None:
            return {}
        first = self.schedule.momentum
        moves = first if self.cycled == "momentum" else (first, self._second_beta)
        return {self.cycled: moves}

    def _betas(self) -> tuple[float, float]:
        chosen = self.config.optimizer
        default = inspect.signature(getattr(optim, chosen.name)).parameters["betas"]
        betas = chosen.arguments.get("betas", default.default)
        if not isinstance(betas, tuple | list) or len(betas) != 2:
            raise ConfigError(
                f"optimizer {chosen.name}: betas must be 2 values, such as 0.9,0.999, "
                f"but got {betas!r}"
            )
        return betas[0], betas[1]
