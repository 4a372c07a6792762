"""The JAX backend: a compiled training step, scanned over chunks of batches.

`Trainer` is the library's face: it holds weights and optimiser state on the device and
runs chunks of batches. `run` is the command line's: it turns a configuration into
events and prints nothing.
"""

from jaxtrain.run.loop import run
from jaxtrain.run.recipe import augmentation, drawer
from jaxtrain.run.replay import replay
from jaxtrain.training.numerics import Numerics
from jaxtrain.training.pixels import to_tensor
from jaxtrain.training.step import Chunk, Placed, TrainState
from jaxtrain.training.trainer import Trainer

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
