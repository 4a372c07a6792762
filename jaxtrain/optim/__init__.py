"""`torch.optim`'s optimisers as Optax transformations.

Names are PyTorch's in lower case; arguments, defaults and formulas are PyTorch's. Each
returns an `optax.GradientTransformationExtraArgs` that chains with any other.
"""

from typing import TYPE_CHECKING

from jaxtrain._lazy import attach

if TYPE_CHECKING:
    from jaxtrain.optim._adam import adam, adamw
    from jaxtrain.optim._hyper import TwoFloat, two_float
    from jaxtrain.optim._sgd import sgd

OPTIMIZERS = ("adam", "adamw", "sgd")
"""Names of the optimisers, for choosing one by name."""

__all__ = ["OPTIMIZERS", "TwoFloat", "adam", "adamw", "sgd", "two_float"]

__getattr__ = attach(
    __name__,
    {
        "TwoFloat": "_hyper",
        "adam": "_adam",
        "adamw": "_adam",
        "sgd": "_sgd",
        "two_float": "_hyper",
    },
)
