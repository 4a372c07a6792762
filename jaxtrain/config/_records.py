import math
from dataclasses import dataclass
from pathlib import Path

from jaxtrain.config._fields import GREATEST_SIZE, check_range, option
from jaxtrain.registry import ConfigError


@dataclass(frozen=True)
class RecordsConfig:
    """What is watched and written."""

    out: Path | None = option(  # noqa: RUF009
        None,
        "--out",
        "the run's folder: configuration, every figure, checkpoints, predictions",
        metavar="DIR",
        type=Path,
    )
    resume: str | None = option(
        None,
        "--resume",
        "go on from the newest whole checkpoint of --out, or begin if there is none "
        "(auto); or from a run's folder or one of its checkpoints",
        metavar="auto|PATH",
    )
    save_every: float = option(
        300.0,
        "--save-every",
        "seconds between checkpoints, besides those at the ends of the epochs",
        type=float,
        metavar="SECONDS",
    )
    keep: int = option(
        3, "--keep", "newest checkpoints that are kept, besides the best", type=int
    )
    monitor: int = option(
        100,
        "--monitor",
        "steps between two looks at gradients, updates and dead units, each at the "
        "first step of a report; 0 watches nothing, not even for NaN",
        type=int,
    )
    tensorboard: bool = option(
        False, "--tensorboard", "write TensorBoard's event files into --out too"
    )
    history: Path | None = option(  # noqa: RUF009
        None,
        "--history",
        "write the configuration, every loss and each epoch's figures to FILE, as JSON",
        metavar="FILE",
        type=Path,
    )

    def __post_init__(self) -> None:
        check_range("--save-every", self.save_every, 0, math.inf)
        check_range("--keep", self.keep, 1, GREATEST_SIZE)
        check_range("--monitor", self.monitor, 0, GREATEST_SIZE)
        if self.resume == "":
            raise ConfigError("--resume is empty: give auto, or a run's folder")
        if self.out is None and self.resume == "auto":
            raise ConfigError("--resume auto needs a run's folder: give --out DIR")
        for name in ("keep", "save_every"):
            value, field = getattr(self, name), type(self).__dataclass_fields__[name]
            if self.out is None and value != field.default:
                flag = field.metadata["flag"]
                raise ConfigError(
                    f"{flag} {value} needs a run's folder: give --out DIR"
                )
        if self.out is None and self.tensorboard:
            raise ConfigError("--tensorboard needs a run's folder: give --out DIR")
