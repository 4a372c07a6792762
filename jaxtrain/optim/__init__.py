"""`torch.optim`'s optimisers as Optax transformations.

Names are PyTorch's in lower case; arguments, defaults and formulas are PyTorch's. Each
returns an `optax.GradientTransformationExtraArgs` that chains with any other.
"""

from typing import TYPE_CHECKING

from jaxtrain._lazy import attach

if TYPE_CHECKING:
    from jaxtrain.optim._sgd import sgd

__all__ = ["sgd"]

__getattr__ = attach(__name__, {"sgd": "_sgd"})
