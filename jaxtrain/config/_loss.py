from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jaxtrain import losses
from jaxtrain.config._fields import arguments_option, check_range, option
from jaxtrain.registry import GREATEST_NUMBER, check_name

LOSSES = tuple(sorted(losses.CLASSIFICATION))


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
