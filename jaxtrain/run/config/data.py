"""What a run trains on, what is done around its steps, what it records."""

import math
from dataclasses import dataclass
from pathlib import Path

from jaxtrain.errors import ConfigError
from jaxtrain.run.by_name import GREATEST_NUMBER, TRANSFORM, check_range, parse_calls
from jaxtrain.run.config.training import (
    GREATEST_SIZE,
    NOT_NEGATIVE,
    SIZE,
    Part,
    option,
)

PIXELS = (0.2860, 0.3530)
"""Mean and standard deviation of Fashion-MNIST's training pixels, over 255."""
LEAST_STD = 1e-30


@dataclass(frozen=True)
class DataConfig(Part):
    """Which images, and in which order."""

    source: str = option(
        "auto",
        "--data",
        "auto: Fashion-MNIST, found on this machine or fetched; synthetic: a stand-in "
        "drawn by code; DIR: a folder that holds Fashion-MNIST's files",
        metavar="auto|synthetic|DIR",
    )
    batch_size: int = option(
        64, "--batch-size", "images in a batch; the last may hold fewer", reach=SIZE
    )
    shuffle: bool = option(
        False,
        "--shuffle",
        "a new order every epoch, that of a shuffling DataLoader; without it, the "
        "stored order",
    )
    normalize: tuple[float, ...] | None = option(
        None,
        "--normalize",
        "subtract MEAN from the pixels, which are 0 to 1, and divide by STD; without "
        f"values, by Fashion-MNIST's {PIXELS[0]:.4f} and {PIXELS[1]:.4f}",
        nargs="*",
        metavar=("MEAN", "STD"),
    )

    augment: tuple[str, ...] = option(
        (),
        "--augment",
        "change every training image at random, such as 'random_crop(padding=4)' "
        "random_horizontal_flip 'random_rotation(degrees=10)' 'random_erasing(p=0.25)'",
        nargs="*",
        metavar="NAME(KEY=VALUE)",
    )
    validation: float = option(
        0.0,
        "--validation",
        "keep so many of the training images, or a share of them if below 1, drawn by "
        "the seed, and test on them after every epoch; on the test images at the end",
        reach=(0, GREATEST_SIZE),
    )
    limit_batches: int | None = option(
        None,
        "--limit-batches",
        "at most so many batches of each pass over training and test images",
        reach=SIZE,
    )
    overfit_batches: int | None = option(
        None,
        "--overfit-batches",
        "train on so many first batches alone, and test on them too",
        reach=SIZE,
    )

    @property
    def normalization(self) -> tuple[float, float] | None:
        """Mean and standard deviation, if pixels are normalised."""
        if self.normalize is None:
            return None
        mean, std = self.normalize or PIXELS
        return mean, std

    def check(self) -> None:
        if not self.source:
            raise ConfigError("--data is empty: give 'auto', 'synthetic' or a folder")
        if self.normalize:
            self._check_normalize(self.normalize)
        if self.validation >= 1 and self.validation != int(self.validation):
            raise ConfigError(
                "--validation must be a share below 1 or a whole number of images, but "
                f"got {self.validation}"
            )
        for text in self.augment:
            for call in parse_calls(text, TRANSFORM.form):
                TRANSFORM.check(call.name)
        self._check_overfit()

    def _check_overfit(self) -> None:
        if self.overfit_batches is None:
            return
        for name in ("validation", "shuffle"):
            if value := getattr(self, name):
                text = "" if value is True else f" {value:g}"
                raise ConfigError(
                    f"--{name}{text} does not fit --overfit-batches, which trains and "
                    "tests on the same batches"
                )

    @staticmethod
    def _check_normalize(values: tuple[float, ...]) -> None:
        if len(values) != 2:
            raise ConfigError(
                "--normalize takes a mean and a standard deviation, or nothing, but "
                f"got {' '.join(map(str, values))}"
            )
        check_range("--normalize MEAN", values[0], -GREATEST_NUMBER, GREATEST_NUMBER)
        check_range("--normalize STD", values[1], LEAST_STD, GREATEST_NUMBER)


@dataclass(frozen=True)
class FlowConfig(Part):
    """How gradients become updates, and when training ends early."""

    accumulate: int = option(
        1,
        "--accumulate",
        "add up the gradients of so many batches for one update; those left at the end "
        "of an epoch make one too",
        reach=SIZE,
    )
    clip_grad_norm: float | None = option(
        None,
        "--clip-grad-norm",
        "shorten the gradients so that their norm, taken together, is at most X",
        reach=NOT_NEGATIVE,
    )
    clip_grad_value: float | None = option(
        None,
        "--clip-grad-value",
        "cut every element of the gradients to at most X",
        reach=NOT_NEGATIVE,
    )
    ema: float | None = option(
        None,
        "--ema",
        "test with an exponential moving average of the weights, say 0.999",
        reach=(0, 1),
        metavar="DECAY",
    )
    swa: int | None = option(
        None,
        "--swa",
        "test with the mean of the weights at the ends of the epochs from EPOCH on",
        reach=SIZE,
        metavar="EPOCH",
    )
    early_stopping: int | None = option(
        None,
        "--early-stopping",
        "stop when so many epochs in a row have not lowered the test loss",
        reach=SIZE,
        metavar="PATIENCE",
    )
    min_delta: float = option(
        0.0,
        "--min-delta",
        "with --early-stopping: by how much a lower loss must be lower",
        reach=NOT_NEGATIVE,
    )
    max_time: float | None = option(
        None,
        "--max-time",
        "stop at the first report after so many seconds",
        reach=NOT_NEGATIVE,
        metavar="SECONDS",
    )

    def check(self) -> None:
        if self.ema is not None and self.swa is not None:
            raise ConfigError(
                f"--ema {self.ema} and --swa {self.swa} are two averages to test with: "
                "give one"
            )
        if self.min_delta and self.early_stopping is None:
            raise ConfigError(
                f"--min-delta {self.min_delta} is of no use without --early-stopping"
            )


@dataclass(frozen=True)
class RecordsConfig(Part):
    """What is watched and written."""

    out: Path | None = option(  # noqa: RUF009
        None,
        "--out",
        "the run's folder: configuration, every figure, checkpoints, predictions",
        metavar="DIR",
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
        reach=(0, math.inf),
        metavar="SECONDS",
    )
    keep: int = option(
        3, "--keep", "newest checkpoints that are kept, besides the best", reach=SIZE
    )
    monitor: int = option(
        100,
        "--monitor",
        "steps between two looks at gradients, updates and dead units, each at the "
        "first step of a report; 0 watches nothing, not even for NaN",
        reach=(0, GREATEST_SIZE),
    )
    tensorboard: bool = option(
        False, "--tensorboard", "write TensorBoard's event files into --out too"
    )
    history: Path | None = option(  # noqa: RUF009
        None,
        "--history",
        "write the configuration, every loss and each epoch's figures to FILE, as JSON",
        metavar="FILE",
    )

    def check(self) -> None:
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
