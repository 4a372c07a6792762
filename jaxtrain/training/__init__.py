"""The JAX backend: a compiled training step, scanned over chunks of batches.

`Trainer` is the library's face: it holds weights and optimiser state on the device and
runs chunks of batches. `run` is the command line's: it turns a configuration into
events and prints nothing.
"""

from jaxtrain.training._augment import augmentation, drawer
from jaxtrain.training._numerics import Numerics
from jaxtrain.training._replay import replay
from jaxtrain.training._run import run
from jaxtrain.training._step import Chunk, Placed, TrainState
from jaxtrain.training._to_tensor import to_tensor
from jaxtrain.training._trainer import Trainer

__all__ = [
    "Chunk",
    "Numerics",
    "Placed",
    "TrainState",
    "Trainer",
    "augmentation",
    "drawer",
    "replay",
    "run",
    "to_tensor",
]
