"""`torch.nn.functional`'s losses: same names, arguments, defaults and reductions."""

from typing import TYPE_CHECKING

from jaxtrain._lazy import attach

if TYPE_CHECKING:
    from jaxtrain.losses._cross_entropy import cross_entropy

__all__ = ["cross_entropy"]

__getattr__ = attach(__name__, {"cross_entropy": "_cross_entropy"})
