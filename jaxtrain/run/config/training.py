"""How a network is trained: network, loss, optimiser, schedule, loop."""

import math
import os
import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from numbers import Integral
from pathlib import Path
from typing import Any

from jaxtrain.errors import ConfigError, check_name, excerpt
from jaxtrain.run.by_name import (
    GREATEST_NUMBER,
    LOSS,
    MODEL,
    OPTIMIZER,
    SCHEDULER,
    Kind,
    check_range,
    check_type,
)
from jaxtrain.store.codec import TOO_LARGE
from jaxtrain.training import DTYPES

GREATEST_SIZE = 2**31 - 1
SIZE = (1, GREATEST_SIZE)
NOT_NEGATIVE = (0, GREATEST_NUMBER)


def option(default: Any, flag: str, help: str, **more: Any) -> Any:
    """A field with its command-line flag.

    Args:
        default: of the field.
        flag: on the command line.
        help: what it says of it.
        more: `reach`, least and greatest of a number; `kind`, the `Kind` whose names it
            takes; other keywords are argparse's.
    """
    if "kind" in more:
        more["choices"] = more["kind"].names
    metadata = {"flag": flag, "help": help, **more}
    if isinstance(default, dict):
        return field(default_factory=lambda: dict(default), metadata=metadata)
    return field(default=default, metadata=metadata)


def arguments_option(flag: str, help: str) -> Any:
    """A field of `key=value` arguments for what another flag names."""
    return option({}, flag, help, nargs="+", action="extend", metavar="KEY=VALUE")


class Part:
    """Part of a configuration: its fields are judged wherever its values come from.

    Raises:
        ConfigError: at construction, for a value of the wrong type or out of reach,
            an unknown name, or fields that do not fit each other.

    Example:
        >>> OptimizerConfig(lr=1).lr, ModelConfig(hidden=[8]).hidden
        (1.0, (8,))
        >>> OptimizerConfig(lr="fast")
        Traceback (most recent call last):
            ...
        jaxtrain.errors.ConfigError: --lr must be a number, but got 'fast'
    """

    def __post_init__(self) -> None:
        for each in fields(self):  # type: ignore[arg-type]
            value = _judge(each.type, getattr(self, each.name), each.metadata)
            object.__setattr__(self, each.name, value)
        self.check()

    def check(self) -> None:
        """Raise `ConfigError` for fields that do not fit each other."""


def _judge(kind: Any, value: Any, about: Mapping[str, Any]) -> Any:
    """A value as a field of that type holds it, or `ConfigError`."""
    if isinstance(kind, types.UnionType):
        if value is None:
            return None
        kind = kind.__args__[0]
    origin, flag = typing.get_origin(kind), about["flag"]
    if origin is tuple:
        if not isinstance(value, list | tuple):
            raise ConfigError(f"{flag} must be a list, but got {excerpt(value)}")
        return tuple(_judge(kind.__args__[0], item, about) for item in value)
    if origin is not None:
        if not isinstance(value, Mapping):
            got = excerpt(value)
            raise ConfigError(f"{flag} must be a table of arguments, but got {got}")
        return {key: _argument(flag, key, item) for key, item in value.items()}
    return _scalar(flag, kind, value, about)


def _scalar(flag: str, kind: type, value: Any, about: Mapping[str, Any]) -> Any:
    if kind is float and isinstance(value, str) and value in ("inf", "-inf", "nan"):
        value = float(value)  # as earlier versions wrote them
    check_type(flag, kind, value)
    if "reach" in about:
        check_range(flag, value, *about["reach"])
    if "choices" in about:
        kind_of_name: Kind | None = about.get("kind")
        check_name(kind_of_name.noun if kind_of_name else flag, value, about["choices"])
    if kind is Path and value == "":
        raise ConfigError(f"{flag} is empty: give a path")
    try:
        if kind in (str, Path) and b"\0" in os.fsencode(value):
            raise ValueError("it has a null byte in it")
        return value if kind is bool else kind(value)
    except (OverflowError, ValueError) as error:
        raise ConfigError(f"{flag} cannot be {excerpt(value)}: {error}") from error


DEEPEST = 8
"""Lists within one another that an argument may be."""


def _argument(flag: str, key: Any, value: Any, depth: int = 0) -> Any:
    """An argument as JSON can hold it, lists as tuples, or `ConfigError`."""
    if not isinstance(key, str) or not key.isidentifier():
        raise ConfigError(f"{flag}: {excerpt(key)} is no name of an argument")
    if isinstance(value, list | tuple) and depth < DEEPEST:
        return tuple(_argument(flag, key, item, depth + 1) for item in value)
    if isinstance(value, str) and value in ("inf", "-inf"):
        return float(value)
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, Integral) and abs(int(value)) < TOO_LARGE:
        return int(value)
    if isinstance(value, float) and not math.isnan(value):
        return float(value)
    raise ConfigError(
        f"{flag} {key} cannot be {excerpt(value)}: give numbers, words or lists of them"
    )


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
class ModelConfig(Part):
    """Which network."""

    name: str = option("mlp", "--model", "network", kind=MODEL)
    hidden: tuple[int, ...] = option(
        (512, 512),
        "--hidden",
        "sizes of the MLP's hidden layers; without any, a linear model",
        reach=SIZE,
        nargs="*",
    )
    dropout: float = option(
        0.0,
        "--dropout",
        "probability, 0 to 1, of zeroing an activation, where the network drops out",
        reach=(0, 1),
    )
    dropout_masks: str = option(
        "torch",
        "--dropout-masks",
        "torch: the masks that PyTorch's CPU generator draws; jax: other masks, drawn "
        "faster",
        choices=MASKS,
    )

    @property
    def arguments(self) -> Mapping[str, Any]:
        """What its class is built with, besides what the run says."""
        sizes = {"hidden": self.hidden} if self.name == "mlp" else {}
        return {**sizes, "dropout": self.dropout}

    def title(self, inputs: int, outputs: int) -> str:
        """The network in a line, such as `MLP 784-512-512-10`."""
        if self.name != "mlp":
            return MODELS[self.name]
        return f"MLP {'-'.join(map(str, (inputs, *self.hidden, outputs)))}"

    def check(self) -> None:
        if self.name != "mlp" and self.hidden != type(self).hidden:
            sizes = " ".join(map(str, self.hidden))
            raise ConfigError(f"--hidden {sizes} is for --model mlp, not {self.name}")


@dataclass(frozen=True)
class LossConfig(Part):
    """Which loss."""

    name: str = option(
        "cross_entropy",
        "--loss",
        "loss function",
        metavar="NAME",
        kind=LOSS,
    )
    args: Mapping[str, Any] = arguments_option(
        "--loss-args",
        "its arguments, as torch.nn.functional names them, say label_smoothing=0.1",
    )
    l1: float = option(
        0.0,
        "--l1",
        "factor of the sum of all |weights|, added to the loss",
        reach=NOT_NEGATIVE,
    )
    l2: float = option(
        0.0,
        "--l2",
        "factor of the sum of all weights squared, added too",
        reach=NOT_NEGATIVE,
    )


@dataclass(frozen=True)
class OptimizerConfig(Part):
    """Which optimiser."""

    name: str = option(
        "sgd",
        "--optimizer",
        "what moves the weights; muon leaves the biases to sgd",
        metavar="NAME",
        kind=OPTIMIZER,
    )
    lr: float = option(1e-3, "--lr", "learning rate", reach=NOT_NEGATIVE)
    args: Mapping[str, Any] = arguments_option(
        "--optimizer-args",
        "its other arguments, as torch.optim names them, say momentum=0.9",
    )

    weight_decay: float | None = option(
        None,
        "--weight-decay",
        "its weight_decay: added to the gradient, or in adamw taken from the weight",
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

    def check(self) -> None:
        if "lr" in self.args:
            lr = excerpt(self.args["lr"])
            raise ConfigError(
                f"--optimizer-args lr={lr}: the learning rate is given by --lr"
            )
        if self.weight_decay is not None and "weight_decay" in self.args:
            other = excerpt(self.args["weight_decay"])
            raise ConfigError(
                f"--weight-decay {self.weight_decay} and --optimizer-args "
                f"weight_decay={other} are one thing given twice"
            )


INTERVALS = ("epoch", "step")


def check_rates(rates: Iterable[float]) -> None:
    """Raise `ConfigError` for a rate that a schedule has let grow too large."""
    for rate in rates:
        if not abs(rate) <= GREATEST_NUMBER:
            raise ConfigError(
                f"the scheduler has set the learning rate to {rate}; it must stay "
                f"within {GREATEST_NUMBER:g}"
            )


@dataclass(frozen=True)
class SchedulerConfig(Part):
    """How the learning rate moves."""

    name: str | None = option(
        None,
        "--scheduler",
        "what moves the learning rate; without one it stays",
        metavar="NAME",
        kind=SCHEDULER,
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

    def check(self) -> None:
        if self.name is not None:
            if self.watches and self.every == "step":
                raise ConfigError(
                    f"--scheduler {self.name} watches the average test loss, which "
                    "comes once an epoch: leave out --scheduler-every step"
                )
            return
        useless = [f"--scheduler-args {k}={excerpt(v)}" for k, v in self.args.items()]
        useless += [f"--scheduler-every {self.every}"] * (self.every != "epoch")
        if useless:
            raise ConfigError(f"{useless[0]} is of no use without a --scheduler")


DEVICES = ("auto", "cpu", "gpu", "tpu")


@dataclass(frozen=True)
class LoopConfig(Part):
    """How long, where, and in which numbers."""

    epochs: int = option(
        10,
        "--epochs",
        "passes over the training images; 0 trains nothing",
        reach=(0, math.inf),
    )
    seed: int = option(
        0,
        "--seed",
        "as torch.manual_seed takes it; fixes initial weights, order and dropout masks",
        reach=(-(2**63), 2**64 - 1),
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
