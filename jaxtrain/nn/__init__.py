"""`torch.nn`'s layers as Flax NNX modules.

Names, arguments, parameter names and layouts are PyTorch's, so a module's flattened
state has the keys and shapes of a PyTorch `state_dict` (see `jaxtrain.nn.state_dict`).
"""

from jaxtrain.nn._activation import ReLU
from jaxtrain.nn._container import Flatten, Sequential
from jaxtrain.nn._dropout import (
    Dropout,
    GivenMasks,
    KeyMasks,
    dropout_draws,
    dropout_source,
)
from jaxtrain.nn._linear import Linear
from jaxtrain.nn._state_dict import load_state_dict, state_dict

__all__ = [
    "Dropout",
    "Flatten",
    "GivenMasks",
    "KeyMasks",
    "Linear",
    "ReLU",
    "Sequential",
    "dropout_draws",
    "dropout_source",
    "load_state_dict",
    "state_dict",
]
