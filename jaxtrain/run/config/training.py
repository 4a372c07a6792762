"""How a network is trained: network, loss, optimiser, schedule, loop."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from jaxtrain import lr_scheduler, optim
from jaxtrain.errors import ConfigError, check_name
from jaxtrain.losses._fits import CLASSIFICATION
from jaxtrain.run.by_name import GREATEST_NUMBER
from jaxtrain.training import DTYPES

GREATEST_SIZE = 2**31 - 1
GREATEST_LR = GREATEST_NUMBER


def option(default: Any, flag: str, help: str, **argparse_options: Any) -> Any:
    """A field with its command-line flag; extra keywords are argparse's."""
    metadata = {"flag": flag, "help": help, **argparse_options}
    if isinstance(default, dict):
        return field(default_factory=lambda: dict(default), metadata=metadata)
    return field(default=default, metadata=metadata)


def arguments_option(flag: str, help: str) -> Any:
    """A field of `key=value` arguments for what another flag names."""
    return option({}, flag, help, nargs="+", action="extend", metavar="KEY=VALUE")


def check_range(name: str, value: float, least: float, greatest: float) -> None:
    # Asked this way round, NaN is refused too.
    if not least <= value <= greatest:
        bounds = f"from {least} to {greatest}"
        if greatest == math.inf:
            bounds = f"at least {least}"
        raise ConfigError(f"{name} must be {bounds}, but got {value}")


def check_optional(part: Any, name: str, least: float, greatest: float) -> None:
    """The same for a field of a part, by its flag; None passes."""
    value = getattr(part, name)
    if value is not None:
        flags = {each.name: each.metadata["flag"] for each in fields(part)}
        check_range(flags[name], value, least, greatest)


MASKS = ("torch", "jax")
MODELS = {
    "mlp": "MLP",
    "cnn": "CNN",
    "resnet_small": "small ResNet",
    "transformer": "vision transformer",
}
"""The networks on offer, and what they are called in a printed line."""
BATCH_NORMALISED = ("cnn", "resnet_small")


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
            check_range("--hidden", size, 1, GREATEST_SIZE)
        check_range("--dropout", self.dropout, 0, 1)
        check_name("--dropout-masks", self.dropout_masks, MASKS)


LOSSES = tuple(sorted(CLASSIFICATION))


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
        check_range("--l1", self.l1, 0, GREATEST_NUMBER)
        check_range("--l2", self.l2, 0, GREATEST_NUMBER)


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

    weight_decay: float | None = option(
        None,
        "--weight-decay",
        "its weight_decay: added to the gradient, or in adamw taken from the weight",
        type=float,
    )

    @property
    def arguments(self) -> Mapping[str, Any]:
        """All that it is built with besides the learning rate."""
        if self.weight_decay is None:
            return self.args
        return {**self.args, "weight_decay": self.weight_decay}

    @property
    def rest(self) -> str | None:
        """What moves the parameters that `name` cannot: Muon takes matrices alone."""
        return "sgd" if self.name == "muon" else None

    def __post_init__(self) -> None:
        check_name("optimizer", self.name, optim.OPTIMIZERS)
        check_range("--lr", self.lr, 0, GREATEST_LR)
        if "lr" in self.args:
            raise ConfigError(
                f"--optimizer-args lr={self.args['lr']}: the learning rate is given by "
                "--lr"
            )
        if self.weight_decay is not None and "weight_decay" in self.args:
            raise ConfigError(
                f"--weight-decay {self.weight_decay} and --optimizer-args "
                f"weight_decay={self.args['weight_decay']} are one thing given twice"
            )


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


DEVICES = ("auto", "cpu", "gpu", "tpu")
LEAST_SEED, GREATEST_SEED = -(2**63), 2**64 - 1


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
        check_range("--epochs", self.epochs, 0, math.inf)
        check_range("--seed", self.seed, LEAST_SEED, GREATEST_SEED)
        check_name("--dtype", self.dtype, DTYPES)
        check_name("--device", self.device, DEVICES)
