from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from jaxtrain import lr_scheduler
from jaxtrain.config._fields import GREATEST_LR, arguments_option, option
from jaxtrain.registry import ConfigError, check_name

INTERVALS = ("epoch", "step")
SCHEDULERS = tuple(
    sorted((*lr_scheduler.SCHEDULERS, *lr_scheduler.SETTING_LR, *lr_scheduler.COMPOSED))
)


def check_rates(rates: Iterable[float]) -> None:
    """Raise `ConfigError` for a rate that a schedule has let grow too large."""
    for rate in rates:
        if not abs(rate) <= GREATEST_LR:
            raise ConfigError(
                f"the scheduler has set the learning rate to {rate}; it must stay "
                f"within {GREATEST_LR:g}"
            )


@dataclass(frozen=True)
class SchedulerConfig:
    """How the learning rate moves."""

    name: str | None = option(
        None,
        "--scheduler",
        "what moves the learning rate; without one it stays",
        metavar="NAME",
        choices=SCHEDULERS,
    )
    args: Mapping[str, Any] = arguments_option(
        "--scheduler-args",
        "its arguments, as torch.optim.lr_scheduler names them, say step_size=3; "
        "for a sequential_lr "
        "schedulers='linear_lr(total_iters=5),step_lr(step_size=9)' milestones=5",
    )
    every: str = option(
        "epoch",
        "--scheduler-every",
        "whether it steps after every epoch or after every batch",
        choices=INTERVALS,
    )

    @property
    def watches(self) -> bool:
        """Whether it goes by the average test loss."""
        return self.name == "reduce_lr_on_plateau"

    def __post_init__(self) -> None:
        check_name("--scheduler-every", self.every, INTERVALS)
        if self.name is not None:
            check_name("scheduler", self.name, SCHEDULERS)
            if self.watches and self.every == "step":
                raise ConfigError(
                    f"--scheduler {self.name} watches the average test loss, which "
                    "comes once an epoch: leave out --scheduler-every step"
                )
            return
        useless = [f"--scheduler-args {key}={v}" for key, v in self.args.items()]
        useless += [f"--scheduler-every {self.every}"] * (self.every != "epoch")
        if useless:
            raise ConfigError(f"{useless[0]} is of no use without a --scheduler")
