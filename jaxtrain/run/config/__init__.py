"""What a run is: frozen dataclasses, one for each part, nested in one.

Each field's metadata holds its command-line flag, so the command line is derived from
these files and nothing is said twice. Names that a registry resolves (optimisers,
schedulers, losses) are checked here; their arguments are checked by what they name,
when a backend builds it.
"""

from jaxtrain.run.config.config import Config
from jaxtrain.run.config.data import PIXELS, DataConfig, FlowConfig, RecordsConfig
from jaxtrain.run.config.training import (
    BATCH_NORMALISED,
    DEVICES,
    DTYPES,
    LOSSES,
    MASKS,
    MODELS,
    SCHEDULERS,
    LoopConfig,
    LossConfig,
    ModelConfig,
    OptimizerConfig,
    SchedulerConfig,
    check_rates,
)

__all__ = [
    "BATCH_NORMALISED",
    "DEVICES",
    "DTYPES",
    "LOSSES",
    "MASKS",
    "MODELS",
    "PIXELS",
    "SCHEDULERS",
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
