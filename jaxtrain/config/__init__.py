"""What a run is: frozen dataclasses, one for each part, nested in one.

Each field's metadata holds its command-line flag, so the command line is derived from
these files and nothing is said twice. Names that a registry resolves (optimisers,
schedulers, losses) are checked here; their arguments are checked by what they name,
when a backend builds it.
"""

from jaxtrain.config._config import Config
from jaxtrain.config._data import PIXELS, DataConfig
from jaxtrain.config._flow import FlowConfig
from jaxtrain.config._loop import DEVICES, DTYPES, LoopConfig
from jaxtrain.config._loss import LOSSES, LossConfig
from jaxtrain.config._model import BATCH_NORMALISED, MASKS, MODELS, ModelConfig
from jaxtrain.config._optimizer import OptimizerConfig
from jaxtrain.config._records import RecordsConfig
from jaxtrain.config._scheduler import SCHEDULERS, SchedulerConfig, check_rates

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
