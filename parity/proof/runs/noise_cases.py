"""Float32 runs that amplify rounding: no fixed bound could judge them."""

from collections.abc import Mapping

from jaxtrain.run.config import (
    Config,
    DataConfig,
    LoopConfig,
    ModelConfig,
    OptimizerConfig,
)

MLP = ModelConfig(hidden=(128,))


def _config(model: ModelConfig, optimizer: OptimizerConfig, batch_size: int) -> Config:
    return Config(
        data=DataConfig(batch_size=batch_size),
        model=model,
        optimizer=optimizer,
        loop=LoopConfig(epochs=1, dtype="float32"),
    )


CASES: Mapping[str, Config] = {
    "mlp+sgd": _config(
        MLP, OptimizerConfig("sgd", 0.05, {"momentum": 0.9}), batch_size=64
    ),
    "mlp+adam": _config(MLP, OptimizerConfig("adam", 1e-3), batch_size=64),
    "mlp+rmsprop": _config(MLP, OptimizerConfig("rmsprop", 1e-3), batch_size=64),
    "transformer+adamw": _config(
        ModelConfig("transformer"), OptimizerConfig("adamw", 1e-3), batch_size=16
    ),
    "cnn+sgd": _config(ModelConfig("cnn"), OptimizerConfig("sgd", 0.01), batch_size=16),
}
