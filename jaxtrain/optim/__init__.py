"""`torch.optim`'s optimisers as Optax transformations.

Names are PyTorch's in lower case; arguments, defaults and formulas are PyTorch's. Each
returns an `optax.GradientTransformationExtraArgs` that chains with any other. Beside
them: groups of parameters, clipping, accumulation, averages of the weights, and state
to and from PyTorch's dictionaries.

Each raises `TypeError` for an argument that is no number where it must be one, and
`ValueError` for a value that PyTorch refuses, or that fails in PyTorch's first step.
"""

from jaxtrain._lazy import face

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

__getattr__, __dir__, __all__ = face(
    __name__,
    __file__,
    constants=("OPTIMIZERS",),
    elsewhere={"lr_scheduler": "jaxtrain.lr_scheduler"},
)
