"""Distance and similarity of vectors."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp

from jaxtrain.nn.activation.rectifiers import with_slope
from jaxtrain.nn.module import Module


def vector_norm(x: jax.Array, p: float, dim: int) -> jax.Array:
    """The norm along `dim`, which stays with size 1; where it is 0 its gradient is 0.

    PyTorch: `torch.linalg.vector_norm`.

    Example:
        >>> vector_norm(jnp.array([3.0, 4.0]), 2.0, -1)
        Array([5.], dtype=float32)
        >>> print(jax.grad(lambda x: vector_norm(x, 2.0, -1).sum())(jnp.zeros(2)))
        [0. 0.]
    """
    if p == 0:
        return (x != 0).sum(dim, keepdims=True).astype(x.dtype)
    if math.isinf(p):
        # Equal elements share the gradient, in both libraries.
        size = _absolute(x)
        extreme = size.max if p > 0 else size.min
        return extreme(dim, keepdims=True)
    if p == 1:
        return _absolute(x).sum(dim, keepdims=True)
    return _power_norm(x, p, dim)


def _absolute(x: jax.Array) -> jax.Array:
    # The derivative at 0 is sign(0) = 0, where that of `jnp.abs` is 1.
    return x * jnp.sign(jax.lax.stop_gradient(x))


def _power_norm(x: jax.Array, p: float, dim: int) -> jax.Array:
    @jax.custom_jvp
    def norm(x: jax.Array) -> jax.Array:
        if p == 2:
            return jnp.sqrt(jnp.square(x).sum(dim, keepdims=True))
        return (jnp.abs(x) ** p).sum(dim, keepdims=True) ** (1 / p)

    @norm.defjvp
    def _(primals: tuple[jax.Array], tangents: tuple[jax.Array]) -> tuple:
        (x,), (tangent,) = primals, tangents
        length = norm(x)
        mask = (x != 0) & (length != 0)
        # The quotient before the power: powers of either by itself might overflow.
        share = jnp.where(mask, jnp.abs(x), 1) / jnp.where(length == 0, 1, length)
        slope = jnp.where(mask, jnp.sign(x) * share ** (p - 1), 0)
        return length, (slope * tangent).sum(dim, keepdims=True)

    return norm(x)


class CosineSimilarity(Module):
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
        # Each by its own norm first, as in PyTorch: so the result stays within [-1, 1].
        return (self._unit(x1) * self._unit(x2)).sum(self.dim)

    def _unit(self, x: jax.Array) -> jax.Array:
        length = vector_norm(x, 2.0, self.dim)
        # PyTorch clamps the norm under `no_grad`.
        return x / with_slope(
            length, jnp.maximum(length, self.eps), jnp.ones_like(length)
        )


class PairwiseDistance(Module):
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
        distance = vector_norm(
            jnp.asarray(x1) - jnp.asarray(x2) + self.eps, self.norm, -1
        )
        return distance if self.keepdim else distance[..., 0]
