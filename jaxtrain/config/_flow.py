from dataclasses import dataclass

from jaxtrain.config._fields import (
    GREATEST_SIZE,
    check_optional,
    check_range,
    option,
)
from jaxtrain.registry import GREATEST_NUMBER, ConfigError


@dataclass(frozen=True)
class FlowConfig:
    """How gradients become updates, and when training ends early."""

    accumulate: int = option(
        1,
        "--accumulate",
        "add up the gradients of so many batches for one update; those left at the end "
        "of an epoch make one too",
        type=int,
    )
    clip_grad_norm: float | None = option(
        None,
        "--clip-grad-norm",
        "shorten the gradients so that their norm, taken together, is at most X",
        type=float,
    )
    clip_grad_value: float | None = option(
        None,
        "--clip-grad-value",
        "cut every element of the gradients to at most X",
        type=float,
    )
    ema: float | None = option(
        None,
        "--ema",
        "test with an exponential moving average of the weights, say 0.999",
        type=float,
        metavar="DECAY",
    )
    swa: int | None = option(
        None,
        "--swa",
        "test with the mean of the weights at the ends of the epochs from EPOCH on",
        type=int,
        metavar="EPOCH",
    )
    early_stopping: int | None = option(
        None,
        "--early-stopping",
        "stop when so many epochs in a row have not lowered the test loss",
        type=int,
        metavar="PATIENCE",
    )
    min_delta: float = option(
        0.0,
        "--min-delta",
        "with --early-stopping: by how much a lower loss must be lower",
        type=float,
    )
    max_time: float | None = option(
        None,
        "--max-time",
        "stop at the first report after so many seconds",
        type=float,
        metavar="SECONDS",
    )

    def __post_init__(self) -> None:
        check_range("--accumulate", self.accumulate, 1, GREATEST_SIZE)
        for name in ("clip_grad_norm", "clip_grad_value"):
            check_optional(self, name, 0, GREATEST_NUMBER)
        check_optional(self, "ema", 0, 1)
        for name in ("swa", "early_stopping"):
            check_optional(self, name, 1, GREATEST_SIZE)
        check_range("--min-delta", self.min_delta, 0, GREATEST_NUMBER)
        check_optional(self, "max_time", 0, GREATEST_NUMBER)
        if self.ema is not None and self.swa is not None:
            raise ConfigError(
                f"--ema {self.ema} and --swa {self.swa} are two averages to test with: "
                "give one"
            )
        if self.min_delta and self.early_stopping is None:
            raise ConfigError(
                f"--min-delta {self.min_delta} is of no use without --early-stopping"
            )
