"""What a run is: frozen dataclasses, one for each part, nested in one.

Each field's metadata holds its command-line flag, so the command line is derived from
this page and nothing is said twice. Names that a registry resolves (optimisers,
schedulers, losses) are checked here; their arguments are checked by what they name,
when a backend builds it.
"""

import dataclasses
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jaxtrain import losses, lr_scheduler, optim
from jaxtrain.registry import GREATEST_NUMBER, ConfigError, check_name

DTYPES = ("float32", "float64", "bfloat16")
DEVICES = ("auto", "cpu", "gpu", "tpu")
MASKS = ("torch", "jax")
INTERVALS = ("epoch", "step")
MODELS = {
    "mlp": "MLP",
    "cnn": "CNN",
    "resnet_small": "small ResNet",
    "transformer": "vision transformer",
}
"""The networks on offer, and what they are called in a printed line."""
BATCH_NORMALISED = ("cnn", "resnet_small")
PIXELS = (0.2860, 0.3530)
"""Mean and standard deviation of Fashion-MNIST's training pixels, over 255."""
LOSSES = tuple(sorted(losses.CLASSIFICATION))
SCHEDULERS = tuple(
    sorted((*lr_scheduler.SCHEDULERS, *lr_scheduler.SETTING_LR, *lr_scheduler.COMPOSED))
)
LEAST_SEED, GREATEST_SEED = -(2**63), 2**64 - 1
GREATEST_SIZE = 2**31 - 1
GREATEST_LR = GREATEST_NUMBER
LEAST_STD = 1e-30


def option(default: Any, flag: str, help: str, **argparse_options: Any) -> Any:
    """A field with its command-line flag; extra keywords are argparse's."""
    metadata = {"flag": flag, "help": help, **argparse_options}
    if isinstance(default, dict):
        return field(default_factory=lambda: dict(default), metadata=metadata)
    return field(default=default, metadata=metadata)


def arguments_option(flag: str, help: str) -> Any:
    """A field of `key=value` arguments for what another flag names."""
    return option({}, flag, help, nargs="+", action="extend", metavar="KEY=VALUE")


def _check_range(name: str, value: float, least: float, greatest: float) -> None:
    # Asked this way round, NaN is refused too.
    if not least <= value <= greatest:
        bounds = f"from {least} to {greatest}"
        if greatest == math.inf:
            bounds = f"at least {least}"
        raise ConfigError(f"{name} must be {bounds}, but got {value}")


def check_rates(rates: Iterable[float]) -> None:
    """Raise `ConfigError` for a rate that a schedule has let grow too large."""
    for rate in rates:
        if not abs(rate) <= GREATEST_LR:
            raise ConfigError(
                f"the scheduler has set the learning rate to {rate}; it must stay "
                f"within {GREATEST_LR:g}"
            )


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
        _check_range("--batch-size", self.batch_size, 1, GREATEST_SIZE)
        if self.normalize:
            self._check_normalize(self.normalize)

    @staticmethod
    def _check_normalize(given: tuple[float, ...]) -> None:
        if len(given) != 2:
            raise ConfigError(
                "--normalize takes a mean and a standard deviation, or nothing, but "
                f"got {' '.join(map(str, given))}"
            )
        _check_range("--normalize MEAN", given[0], -GREATEST_NUMBER, GREATEST_NUMBER)
        _check_range("--normalize STD", given[1], LEAST_STD, GREATEST_NUMBER)


@dataclass(frozen=True)
class ModelConfig:
    """Which network."""

    name: str = option("mlp", "--model", "network", choices=tuple(MODELS))
    hidden: tuple[int, ...] = option(
        (512, 512),
        "--hidden",
        "sizes of the MLP's hidden layers; without any, a linear model",
        type=int,
        nargs="*",
    )
    dropout: float = option(
        0.0,
        "--dropout",
        "probability, 0 to 1, of zeroing an activation, where the network drops out",
        type=float,
    )
    dropout_masks: str = option(
        "torch",
        "--dropout-masks",
        "torch: the masks that PyTorch's CPU generator draws; jax: other masks, drawn "
        "faster",
        choices=MASKS,
    )

    def title(self, inputs: int, outputs: int) -> str:
        """The network in a line, such as `MLP 784-512-512-10`."""
        if self.name != "mlp":
            return MODELS[self.name]
        return f"MLP {'-'.join(map(str, (inputs, *self.hidden, outputs)))}"

    def __post_init__(self) -> None:
        check_name("--model", self.name, MODELS)
        if self.name != "mlp" and self.hidden != type(self).hidden:
            sizes = " ".join(map(str, self.hidden))
            raise ConfigError(f"--hidden {sizes} is for --model mlp, not {self.name}")
        for size in self.hidden:
            _check_range("--hidden", size, 1, GREATEST_SIZE)
        _check_range("--dropout", self.dropout, 0, 1)
        check_name("--dropout-masks", self.dropout_masks, MASKS)


@dataclass(frozen=True)
class LossConfig:
    """Which loss."""

    name: str = option(
        "cross_entropy",
        "--loss",
        "loss function",
        metavar="NAME",
        choices=LOSSES,
    )
    args: Mapping[str, Any] = arguments_option(
        "--loss-args",
        "its arguments, as torch.nn.functional names them, say label_smoothing=0.1",
    )
    l1: float = option(
        0.0, "--l1", "factor of the sum of all |weights|, added to the loss", type=float
    )
    l2: float = option(
        0.0, "--l2", "factor of the sum of all weights squared, added too", type=float
    )

    def __post_init__(self) -> None:
        check_name("loss", self.name, LOSSES)
        _check_range("--l1", self.l1, 0, GREATEST_NUMBER)
        _check_range("--l2", self.l2, 0, GREATEST_NUMBER)


@dataclass(frozen=True)
class OptimizerConfig:
    """Which optimiser."""

    name: str = option(
        "sgd",
        "--optimizer",
        "what moves the weights; muon leaves the biases to sgd",
        metavar="NAME",
        choices=optim.OPTIMIZERS,
    )
    lr: float = option(1e-3, "--lr", "learning rate", type=float)
    args: Mapping[str, Any] = arguments_option(
        "--optimizer-args",
        "its other arguments, as torch.optim names them, say momentum=0.9",
    )

    @property
    def rest(self) -> str | None:
        """What moves the parameters that `name` cannot: Muon takes matrices alone."""
        return "sgd" if self.name == "muon" else None

    def __post_init__(self) -> None:
        check_name("optimizer", self.name, optim.OPTIMIZERS)
        _check_range("--lr", self.lr, 0, GREATEST_LR)
        if "lr" in self.args:
            raise ConfigError(
                f"--optimizer-args lr={self.args['lr']}: the learning rate is given by "
                "--lr"
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


@dataclass(frozen=True)
class LoopConfig:
    """How long, where, and in which numbers."""

    epochs: int = option(
        10, "--epochs", "passes over the training images; 0 trains nothing", type=int
    )
    seed: int = option(
        0,
        "--seed",
        "as torch.manual_seed takes it; fixes initial weights, order and dropout masks",
        type=int,
    )
    dtype: str = option(
        "float32",
        "--dtype",
        "type of the weights and of all arithmetic",
        choices=DTYPES,
    )
    backend: str = option(
        "jax",
        "--backend",
        "what trains: jax; torch, if the extra parity is installed; or a plug-in",
        metavar="NAME",
    )
    device: str = option(
        "auto",
        "--device",
        "auto: what the backend prefers; a device that is not there is an error",
        choices=DEVICES,
    )

    def __post_init__(self) -> None:
        _check_range("--epochs", self.epochs, 0, math.inf)
        _check_range("--seed", self.seed, LEAST_SEED, GREATEST_SEED)
        check_name("--dtype", self.dtype, DTYPES)
        check_name("--device", self.device, DEVICES)


@dataclass(frozen=True)
class RecordsConfig:
    """What is written."""

    history: Path | None = option(  # noqa: RUF009
        None,
        "--history",
        "write the configuration, every loss and each epoch's figures to FILE, as JSON",
        metavar="FILE",
        type=Path,
    )


@dataclass(frozen=True)
class Config:
    """A whole run.

    Example:
        >>> config = Config(loop=LoopConfig(epochs=2))
        >>> config.loop.epochs, config.optimizer.name, config.data.batch_size
        (2, 'sgd', 64)
    """

    data: DataConfig = field(default_factory=DataConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    scheduler: SchedulerConfig = field(default_factory=SchedulerConfig)
    loop: LoopConfig = field(default_factory=LoopConfig)
    records: RecordsConfig = field(default_factory=RecordsConfig)

    def __post_init__(self) -> None:
        if self.optimizer.name == "lbfgs":
            self._check_lbfgs()

    def _check_lbfgs(self) -> None:
        """It evaluates the network several times for one step."""
        if self.model.dropout:
            raise ConfigError(
                f"--dropout {self.model.dropout} does not fit --optimizer lbfgs, which "
                "compares losses of one batch: they would have different masks"
            )
        if self.model.name in BATCH_NORMALISED:
            raise ConfigError(
                f"--model {self.model.name} does not fit --optimizer lbfgs, which "
                "evaluates a batch several times: running statistics would count it "
                "as often"
            )

    def to_dict(self) -> dict[str, Any]:
        """The configuration as JSON can hold it; `from_dict` makes it whole again."""
        return _jsonable(dataclasses.asdict(self))

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> "Config":
        """What `to_dict` gave; parts and fields left out keep their defaults.

        Raises:
            ConfigError: a part or field is unknown, or a value is not possible.

        Example:
            >>> Config.from_dict({"loop": {"epochs": 2}}) == Config(
            ...     loop=LoopConfig(epochs=2)
            ... )
            True
        """
        kinds = {part.name: part.type for part in dataclasses.fields(cls)}
        parts = {}
        for name, values in content.items():
            check_name("part of a configuration", name, kinds)
            kind = kinds[name]
            assert isinstance(kind, type)
            parts[name] = kind(**_restored_fields(kind, values))
        return cls(**parts)


def _jsonable(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _jsonable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_jsonable(item) for item in value]
    # JSON has no infinity: it is written as the command line spells it.
    infinite = isinstance(value, float) and not math.isfinite(value)
    return str(value) if infinite or isinstance(value, Path) else value


def _restored_fields(kind: type, values: Mapping[str, Any]) -> dict[str, Any]:
    fields = {field.name: field for field in dataclasses.fields(kind)}
    restored = {}
    for name, value in values.items():
        check_name(f"field of {kind.__name__}", name, fields)
        metadata = fields[name].metadata
        if metadata.get("type") is Path and value is not None:
            value = Path(value)
        elif metadata.get("metavar") == "KEY=VALUE":
            value = _restored(value)
        restored[name] = tuple(value) if isinstance(value, list) else value
    return restored


def _restored(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _restored(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return tuple(_restored(item) for item in value)
    return float(value) if value in ("inf", "-inf") else value
