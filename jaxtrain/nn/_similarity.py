"""How far apart, or how much alike in direction, two vectors are."""

import jax
import jax.numpy as jnp
from flax import nnx

from jaxtrain.nn._slope import with_slope
from jaxtrain.nn._vector_norm import vector_norm


class CosineSimilarity(nnx.Module):
    """y = Σ (x1 / max(‖x1‖₂, eps)) (x2 / max(‖x2‖₂, eps)) along `dim`.

    The gradient is taken as if no norm had been replaced by `eps`.

    Args:
        dim: along which the vectors lie; inputs broadcast.
        eps: the least norm to divide by.

    PyTorch: `torch.nn.CosineSimilarity`.

    Example:
        >>> CosineSimilarity(dim=0)(jnp.array([3.0, 4.0]), jnp.array([4.0, 3.0]))
        Array(0.96000004, dtype=float32)
    """

    def __init__(self, dim: int = 1, eps: float = 1e-8):
        self.dim = dim
        self.eps = eps

    def __call__(self, x1: jax.Array, x2: jax.Array) -> jax.Array:
        shape = jnp.broadcast_shapes(x1.shape, x2.shape)
        x1, x2 = (jnp.broadcast_to(x, shape) for x in (x1, x2))
        return (self._scaled(x1) * self._scaled(x2)).sum(self.dim)

    def _scaled(self, x: jax.Array) -> jax.Array:
        length = vector_norm(x, 2.0, self.dim)
        return x / with_slope(
            length, jnp.maximum(length, self.eps), jnp.ones_like(length)
        )


class PairwiseDistance(nnx.Module):
    """y = ‖x1 - x2 + eps‖ₚ over the last dimension.

    Args:
        p: of the norm; 0 and ±∞ too.
        eps: added to every difference.
        keepdim: whether the last dimension stays, with size 1.

    PyTorch: `torch.nn.PairwiseDistance`.

    Example:
        >>> PairwiseDistance(eps=0.0)(jnp.array([3.0, 4.0]), jnp.zeros(2))
        Array(5., dtype=float32)
    """

    def __init__(self, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False):
        self.norm = p
        self.eps = eps
        self.keepdim = keepdim

    def __call__(self, x1: jax.Array, x2: jax.Array) -> jax.Array:
        found = vector_norm(jnp.asarray(x1) - jnp.asarray(x2) + self.eps, self.norm, -1)
        return found if self.keepdim else found[..., 0]
