"""`torch.nn.init`'s initialisers, drawing from PyTorch's generator.

Each returns a new NumPy array where PyTorch fills a tensor in place, so the trailing
underscore of PyTorch's names is dropped.
"""

from jaxtrain.init._fan import calculate_gain, fan_in_and_fan_out
from jaxtrain.init._fill import constant, dirac, eye, ones, zeros
from jaxtrain.init._kaiming import kaiming_normal, kaiming_uniform
from jaxtrain.init._orthogonal import orthogonal
from jaxtrain.init._random import normal, uniform
from jaxtrain.init._sparse import sparse
from jaxtrain.init._trunc_normal import trunc_normal
from jaxtrain.init._xavier import xavier_normal, xavier_uniform

__all__ = [
    "calculate_gain",
    "constant",
    "dirac",
    "eye",
    "fan_in_and_fan_out",
    "kaiming_normal",
    "kaiming_uniform",
    "normal",
    "ones",
    "orthogonal",
    "sparse",
    "trunc_normal",
    "uniform",
    "xavier_normal",
    "xavier_uniform",
    "zeros",
]
