from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jaxtrain import optim
from jaxtrain.config._fields import GREATEST_LR, arguments_option, check_range, option
from jaxtrain.registry import ConfigError, check_name


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
