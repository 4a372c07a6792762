from dataclasses import dataclass

from jaxtrain.config._fields import GREATEST_SIZE, check_optional, check_range, option
from jaxtrain.data import augment
from jaxtrain.data.augment import by_name
from jaxtrain.registry import GREATEST_NUMBER, ConfigError, check_name

PIXELS = (0.2860, 0.3530)
"""Mean and standard deviation of Fashion-MNIST's training pixels, over 255."""
LEAST_STD = 1e-30


@dataclass(frozen=True)
class DataConfig:
    """Which images, and in which order."""

    source: str = option(
        "auto",
        "--data",
        "auto: Fashion-MNIST, found on this machine or fetched; synthetic: a stand-in "
        "drawn by code; DIR: a folder that holds Fashion-MNIST's files",
        metavar="auto|synthetic|DIR",
    )
    batch_size: int = option(
        64, "--batch-size", "images in a batch; the last may hold fewer", type=int
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
        type=float,
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
        type=float,
    )
    limit_batches: int | None = option(
        None,
        "--limit-batches",
        "at most so many batches of each pass over training and test images",
        type=int,
    )
    overfit_batches: int | None = option(
        None,
        "--overfit-batches",
        "train on so many first batches alone, and test on them too",
        type=int,
    )

    @property
    def normalization(self) -> tuple[float, float] | None:
        """Mean and standard deviation, if pixels are normalised."""
        if self.normalize is None:
            return None
        mean, std = self.normalize or PIXELS
        return mean, std

    def __post_init__(self) -> None:
        if not self.source:
            raise ConfigError("--data is empty: give 'auto', 'synthetic' or a folder")
        check_range("--batch-size", self.batch_size, 1, GREATEST_SIZE)
        if self.normalize:
            self._check_normalize(self.normalize)
        check_range("--validation", self.validation, 0, GREATEST_SIZE)
        if self.validation >= 1 and self.validation != int(self.validation):
            raise ConfigError(
                "--validation must be a share below 1 or a whole number of images, but "
                f"got {self.validation}"
            )
        for call in (call for text in self.augment for call in by_name.parse(text)):
            check_name("transform", call.name, augment.TRANSFORMS)
        for name in ("limit_batches", "overfit_batches"):
            check_optional(self, name, 1, GREATEST_SIZE)
        self._check_overfit()

    def _check_overfit(self) -> None:
        if self.overfit_batches is None:
            return
        for name in ("validation", "shuffle"):
            if value := getattr(self, name):
                shown = "" if value is True else f" {value:g}"
                raise ConfigError(
                    f"--{name}{shown} does not fit --overfit-batches, which trains and "
                    "tests on the same batches"
                )

    @staticmethod
    def _check_normalize(given: tuple[float, ...]) -> None:
        if len(given) != 2:
            raise ConfigError(
                "--normalize takes a mean and a standard deviation, or nothing, but "
                f"got {' '.join(map(str, given))}"
            )
        check_range("--normalize MEAN", given[0], -GREATEST_NUMBER, GREATEST_NUMBER)
        check_range("--normalize STD", given[1], LEAST_STD, GREATEST_NUMBER)
