"""Whole runs on Fashion-MNIST that must give the same curve in both frameworks."""

from dataclasses import dataclass, replace

from jaxtrain.run.config import Config, DataConfig, LoopConfig, ModelConfig


@dataclass(frozen=True)
class FashionCase:
    """One run in both frameworks."""

    name: str
    config: Config
    bound: float
    """Of |Δloss| at every step, and of each epoch's mean and test losses."""
    reason: str
    accuracy_bound: float = 0.1
    """Of the test accuracies, in points: ten of the 10,000 images."""

    def for_epochs(self, epochs: int) -> "FashionCase":
        """The same case, run for so many epochs."""
        loop = replace(self.config.loop, epochs=epochs)
        return replace(self, config=replace(self.config, loop=loop))


FLOAT32_BOUND = 5e-5
FLOAT32_REASON = (
    "plain SGD at lr 1e-3 does not amplify rounding: a few times the largest "
    "difference seen over the 9,380 steps of ten epochs"
)
FLOAT64_BOUND = 1e-10
FLOAT64_REASON = (
    "rounding alone gives about 1e-15 in float64, and a learning rate that is off by "
    "a hundred-millionth already breaks this bound"
)

ONE_EPOCH = LoopConfig(epochs=1)

CASES = (
    FashionCase("tutorial", Config(loop=ONE_EPOCH), FLOAT32_BOUND, FLOAT32_REASON),
    FashionCase(
        "shuffle",
        Config(data=DataConfig(shuffle=True), loop=ONE_EPOCH),
        FLOAT32_BOUND,
        FLOAT32_REASON,
    ),
    FashionCase(
        "hidden 128",
        Config(model=ModelConfig(hidden=(128,)), loop=ONE_EPOCH),
        FLOAT32_BOUND,
        FLOAT32_REASON,
    ),
    FashionCase(
        "dropout 0.2",
        Config(model=ModelConfig(dropout=0.2), loop=ONE_EPOCH),
        FLOAT32_BOUND,
        FLOAT32_REASON,
    ),
    FashionCase(
        "float64",
        Config(loop=LoopConfig(epochs=2, dtype="float64")),
        FLOAT64_BOUND,
        FLOAT64_REASON,
        accuracy_bound=0.0,
    ),
)
