from dataclasses import dataclass

from jaxtrain.config._fields import GREATEST_SIZE, check_range, option
from jaxtrain.registry import ConfigError, check_name

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
