"""`torch.optim`'s optimisers as Optax transformations.

Names are PyTorch's in lower case; arguments, defaults and formulas are PyTorch's. Each
returns an `optax.GradientTransformationExtraArgs` that chains with any other. Beside
them: groups of parameters, clipping, accumulation, averages of the weights, and state
to and from PyTorch's dictionaries.

Each raises `TypeError` for an argument that is no number where it must be one, and
`ValueError` for a value that PyTorch refuses, or that fails in PyTorch's first step.
"""

from typing import TYPE_CHECKING

from jaxtrain._lazy import attach

if TYPE_CHECKING:
    from jaxtrain.optim._adadelta import adadelta
    from jaxtrain.optim._adafactor import adafactor
    from jaxtrain.optim._adagrad import adagrad
    from jaxtrain.optim._adam import adam, adamw
    from jaxtrain.optim._adamax import adamax
    from jaxtrain.optim._asgd import asgd
    from jaxtrain.optim._average import ema, swa
    from jaxtrain.optim._gradients import accumulate, clip_grad_norm, clip_grad_value
    from jaxtrain.optim._groups import carry_over, param_groups
    from jaxtrain.optim._hyper import TwoFloat, two_float
    from jaxtrain.optim._lbfgs import lbfgs
    from jaxtrain.optim._muon import muon
    from jaxtrain.optim._nadam import nadam
    from jaxtrain.optim._radam import radam
    from jaxtrain.optim._rmsprop import rmsprop
    from jaxtrain.optim._rprop import rprop
    from jaxtrain.optim._sgd import sgd
    from jaxtrain.optim._sparse_adam import sparse_adam
    from jaxtrain.optim._torch_state import from_torch_state_dict, to_torch_state_dict

OPTIMIZERS = (
    "adadelta",
    "adafactor",
    "adagrad",
    "adam",
    "adamax",
    "adamw",
    "asgd",
    "lbfgs",
    "muon",
    "nadam",
    "radam",
    "rmsprop",
    "rprop",
    "sgd",
    "sparse_adam",
)
"""Names of the optimisers, for choosing one by name."""

__all__ = [
    "OPTIMIZERS",
    "TwoFloat",
    "accumulate",
    "adadelta",
    "adafactor",
    "adagrad",
    "adam",
    "adamax",
    "adamw",
    "asgd",
    "carry_over",
    "clip_grad_norm",
    "clip_grad_value",
    "ema",
    "from_torch_state_dict",
    "lbfgs",
    "muon",
    "nadam",
    "param_groups",
    "radam",
    "rmsprop",
    "rprop",
    "sgd",
    "sparse_adam",
    "swa",
    "to_torch_state_dict",
    "two_float",
]

__getattr__ = attach(
    __name__,
    {
        "TwoFloat": "_hyper",
        "accumulate": "_gradients",
        "adadelta": "_adadelta",
        "adafactor": "_adafactor",
        "adagrad": "_adagrad",
        "adam": "_adam",
        "adamax": "_adamax",
        "adamw": "_adam",
        "asgd": "_asgd",
        "carry_over": "_groups",
        "clip_grad_norm": "_gradients",
        "clip_grad_value": "_gradients",
        "ema": "_average",
        "from_torch_state_dict": "_torch_state",
        "lbfgs": "_lbfgs",
        "muon": "_muon",
        "nadam": "_nadam",
        "param_groups": "_groups",
        "radam": "_radam",
        "rmsprop": "_rmsprop",
        "rprop": "_rprop",
        "sgd": "_sgd",
        "sparse_adam": "_sparse_adam",
        "swa": "_average",
        "to_torch_state_dict": "_torch_state",
        "two_float": "_hyper",
    },
)
