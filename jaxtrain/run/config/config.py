"""A whole configuration, as Python and as JSON."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jaxtrain.errors import ConfigError, check_name, excerpt
from jaxtrain.run.config.data import DataConfig, FlowConfig, RecordsConfig
from jaxtrain.run.config.training import (
    BATCH_NORMALISED,
    LoopConfig,
    LossConfig,
    ModelConfig,
    OptimizerConfig,
    SchedulerConfig,
)
from jaxtrain.store import codec


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
        """The configuration as `from_dict` takes it and `codec.encode` writes it."""
        plain = dataclasses.asdict(self, dict_factory=_with_text_for_paths)
        return codec.decode(codec.encode(plain))

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
            got = excerpt(content)
            raise ConfigError(f"a configuration is a table of parts, but got {got}")
        kinds: dict[str, Any] = {p.name: p.type for p in dataclasses.fields(cls)}
        parts = {}
        for name, values in content.items():
            check_name("part of a configuration", name, kinds)
            kind = kinds[name]
            if not isinstance(values, Mapping):
                got = f"but got {excerpt(values)}"
                raise ConfigError(f"{kind.__name__} is a table of fields, {got}")
            for key in values:
                check_name(f"field of {kind.__name__}", key, kind.__dataclass_fields__)
            parts[name] = kind(**values)
        return cls(**parts)


def _with_text_for_paths(fields: list[tuple[str, Any]]) -> dict[str, Any]:
    return {k: str(v) if isinstance(v, Path) else v for k, v in fields}
