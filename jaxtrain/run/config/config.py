"""A whole configuration, as Python and as JSON."""

import dataclasses
import math
import os
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jaxtrain.errors import ConfigError, check_name
from jaxtrain.run.config.data import DataConfig, FlowConfig, RecordsConfig
from jaxtrain.run.config.training import (
    BATCH_NORMALISED,
    LoopConfig,
    LossConfig,
    ModelConfig,
    OptimizerConfig,
    SchedulerConfig,
)

_WORDS = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a word",
    Path: "a path",
}


def jsonable(value: Any) -> Any:
    """`value` as JSON can hold it.

    Example:
        >>> jsonable({"lr": float("inf"), "out": Path("runs")})
        {'lr': 'inf', 'out': 'runs'}
    """
    if isinstance(value, Mapping):
        return {key: jsonable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [jsonable(item) for item in value]
    # JSON has no infinity: it is written as the command line spells it.
    infinite = isinstance(value, float) and not math.isfinite(value)
    return str(value) if infinite or isinstance(value, Path) else value


def restored(kind: type, values: Any) -> dict[str, Any]:
    """The fields of a part, of the types that they are declared with.

    Raises:
        ConfigError: a field is unknown, or its value is of another type.
    """
    if not isinstance(values, Mapping):
        raise ConfigError(f"{kind.__name__} is a table of fields, but got {values!r}")
    fields = {field.name: field for field in dataclasses.fields(kind)}
    found = {}
    for name, value in values.items():
        check_name(f"field of {kind.__name__}", name, fields)
        found[name] = _of_type(fields[name].type, value, fields[name].metadata["flag"])
    return found


def _of_type(kind: Any, value: Any, flag: str) -> Any:
    if isinstance(kind, types.UnionType):
        if value is None:
            return None
        kind = next(each for each in kind.__args__ if each is not type(None))
    origin = typing.get_origin(kind)
    if origin is tuple:
        if not isinstance(value, list | tuple):
            raise ConfigError(f"{flag} must be a list, but got {value!r}")
        return tuple(_of_type(kind.__args__[0], item, flag) for item in value)
    if origin is not None:
        return _arguments(value, flag)
    return _scalar(kind, value, flag)


def _scalar(kind: type, value: Any, flag: str) -> Any:
    if kind is float and value in ("inf", "-inf", "nan"):
        return float(value)
    accepted = {float: (int, float), Path: (str, Path)}.get(kind, (kind,))
    # Python takes True for a number.
    if not isinstance(value, accepted) or (
        isinstance(value, bool) and kind is not bool
    ):
        raise ConfigError(f"{flag} must be {_WORDS[kind]}, but got {value!r}")
    try:
        if kind is Path and value == "":
            raise ValueError("give a path")
        if kind is Path and b"\0" in os.fsencode(str(value)):
            raise ValueError("it has a null byte in it")
        return value if kind is bool else kind(value)
    except (OverflowError, ValueError) as error:
        raise ConfigError(f"{flag} cannot be {str(value)!r:.50}: {error}") from error


def _arguments(value: Any, flag: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise ConfigError(f"{flag} must be a table of arguments, but got {value!r}")
    return {key: _argument(item, flag) for key, item in value.items()}


def _argument(value: Any, flag: str) -> Any:
    if isinstance(value, list | tuple):
        return tuple(_argument(item, flag) for item in value)
    if isinstance(value, Mapping):
        return {key: _argument(item, flag) for key, item in value.items()}
    if value is not None and not isinstance(value, bool | int | float | str):
        raise ConfigError(f"{flag}: {value!r} is no value that an argument can have")
    return float(value) if value in ("inf", "-inf") else value


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
    flow: FlowConfig = field(default_factory=FlowConfig)
    loop: LoopConfig = field(default_factory=LoopConfig)
    records: RecordsConfig = field(default_factory=RecordsConfig)

    def __post_init__(self) -> None:
        if self.optimizer.name == "lbfgs":
            self._check_lbfgs()
        if self.flow.swa is not None and self.flow.swa > self.loop.epochs:
            raise ConfigError(
                f"--swa {self.flow.swa} begins after the last of --epochs "
                f"{self.loop.epochs}"
            )
        if self.flow.swa is not None and self.model.name in BATCH_NORMALISED:
            raise ConfigError(
                f"--swa {self.flow.swa} does not fit --model {self.model.name}: its "
                "running statistics are not those of averaged weights"
            )

    def _check_lbfgs(self) -> None:
        """It evaluates the network several times for one step."""
        for name in ("accumulate", "clip_grad_norm", "clip_grad_value"):
            value = getattr(self.flow, name)
            if value != getattr(FlowConfig(), name):
                raise ConfigError(
                    f"--{name.replace('_', '-')} {value} does not fit --optimizer "
                    "lbfgs, which asks for the gradient of a batch itself"
                )
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
        return jsonable(dataclasses.asdict(self))

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
        if not isinstance(content, Mapping):
            raise ConfigError(f"a configuration is a table of parts, but got {content}")
        kinds = {part.name: part.type for part in dataclasses.fields(cls)}
        parts = {}
        for name, values in content.items():
            check_name("part of a configuration", name, kinds)
            kind = kinds[name]
            assert isinstance(kind, type)
            parts[name] = kind(**restored(kind, values))
        return cls(**parts)
