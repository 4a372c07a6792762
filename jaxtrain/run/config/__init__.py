"""What a run is: frozen dataclasses, one for each part, nested in one.

Each field's metadata holds its command-line flag and its bounds, so the command line is
derived from these files and nothing is said twice. Values are judged at construction,
wherever they come from; the arguments of an optimiser, a scheduler, a loss or a
transform when a backend builds it, by what they name.
"""

from jaxtrain.run.config.config import Config
from jaxtrain.run.config.data import PIXELS, DataConfig, FlowConfig, RecordsConfig
from jaxtrain.run.config.training import (
    BATCH_NORMALISED,
    MODELS,
    LoopConfig,
    LossConfig,
    ModelConfig,
    OptimizerConfig,
    SchedulerConfig,
    check_rates,
)

__all__ = [
    "BATCH_NORMALISED",
    "MODELS",
    "PIXELS",
    "Config",
    "DataConfig",
    "FlowConfig",
    "LoopConfig",
    "LossConfig",
    "ModelConfig",
    "OptimizerConfig",
    "RecordsConfig",
    "SchedulerConfig",
    "check_rates",
]
