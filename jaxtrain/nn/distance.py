"""Distance and similarity of vectors."""

from __future__ import annotations

import jax

from jaxtrain.nn import functional as F
from jaxtrain.nn.module import Module


class CosineSimilarity(Module):
    """y = Σ (x1 / max(‖x1‖₂, eps)) (x2 / max(‖x2‖₂, eps)) along `dim`.

    The gradient is taken as if no norm had been replaced by `eps`.

    Args:
        dim: along which the vectors lie; inputs broadcast.
        eps: the least norm to divide by.

    PyTorch: `torch.nn.CosineSimilarity`.

    Example:
        >>> import jax.numpy as jnp
        >>> CosineSimilarity(dim=0)(jnp.array([3.0, 4.0]), jnp.array([4.0, 3.0]))
        Array(0.96000004, dtype=float32)
    """

    def __init__(self, dim: int = 1, eps: float = 1e-8):
        self.dim = dim
        self.eps = eps

    def __call__(self, x1: jax.Array, x2: jax.Array) -> jax.Array:
        return F.cosine_similarity(x1, x2, self.dim, self.eps)


class PairwiseDistance(Module):
    """y = ‖x1 - x2 + eps‖ₚ over the last dimension.

    Args:
        p: of the norm; 0 and ±∞ too.
        eps: added to every difference.
        keepdim: whether the last dimension stays, with size 1.

    PyTorch: `torch.nn.PairwiseDistance`.

    Example:
        >>> import jax.numpy as jnp
        >>> PairwiseDistance(eps=0.0)(jnp.array([3.0, 4.0]), jnp.zeros(2))
        Array(5., dtype=float32)
    """

    def __init__(self, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False):
        self.norm = p
        self.eps = eps
        self.keepdim = keepdim

    def __call__(self, x1: jax.Array, x2: jax.Array) -> jax.Array:
        return F.pairwise_distance(x1, x2, self.norm, self.eps, self.keepdim)
