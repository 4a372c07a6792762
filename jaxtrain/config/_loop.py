import math
from dataclasses import dataclass

from jaxtrain.config._fields import check_range, option
from jaxtrain.registry import check_name

DTYPES = ("float32", "float64", "bfloat16")
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
