"""Norms, distances and similarities of vectors."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxtrain.nn.functional._rectifiers import with_slope
from jaxtrain.nn.shapes import check_ndim


def vector_norm(x: jax.Array, p: float, dim: int | tuple[int, ...]) -> jax.Array:
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


def _power_norm(x: jax.Array, p: float, dim: int | tuple[int, ...]) -> jax.Array:
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
        # Whatever comes from behind, a norm of 0 hands nothing on.
        moves = jnp.where(length == 0, 0, slope * tangent)
        return length, moves.sum(dim, keepdims=True)

    return norm(x)


@jax.custom_jvp
def _quotient(x: jax.Array, y: jax.Array) -> jax.Array:
    return x / y


@_quotient.defjvp
def _slopes(primals: Any, tangents: Any) -> tuple[jax.Array, jax.Array]:
    (x, y), (dx, dy) = primals, tangents
    value = x / y
    # Divided twice, as PyTorch does: 1 / y² may underflow where no result does.
    return value, dx / y - value / y * dy


def normalize(
    input: jax.Array,
    p: float = 2.0,
    dim: int | tuple[int, ...] = 1,
    eps: float = 1e-12,
    out: None = None,
) -> jax.Array:
    """y = x / max(‖x‖ₚ, eps) along `dim`.

    Args:
        input: x.
        p: of the norm; 0 and ±∞ too.
        dim: along which the vectors lie.
        eps: the least norm to divide by.
        out: None, as there is no memory to write to.

    Raises:
        ValueError: `out` is given.

    PyTorch: `torch.nn.functional.normalize`.

    Example:
        >>> normalize(jnp.array([3.0, 4.0]), dim=0)
        Array([0.6, 0.8], dtype=float32)
    """
    if out is not None:
        raise ValueError("out must be None: arrays cannot be changed")
    length = vector_norm(jnp.asarray(input), float(p), dim)
    # Where the bound takes over the gradient of the norm is 0, at the bound it is not:
    # `clamp_min`. That of `jnp.maximum` would be a half there.
    return _quotient(input, jnp.where(length >= eps, length, eps))


def cosine_similarity(
    x1: jax.Array, x2: jax.Array, dim: int = 1, eps: float = 1e-8
) -> jax.Array:
    """y = Σ (x1 / max(‖x1‖₂, eps)) (x2 / max(‖x2‖₂, eps)) along `dim`.

    The gradient is taken as if no norm had been replaced by `eps`.

    Args:
        x1: broadcast with x2.
        x2: broadcast with x1.
        dim: along which the vectors lie.
        eps: the least norm to divide by.

    PyTorch: `torch.nn.functional.cosine_similarity`.

    Example:
        >>> cosine_similarity(jnp.array([3.0, 4.0]), jnp.array([4.0, 3.0]), dim=0)
        Array(0.96000004, dtype=float32)
    """
    shape = jnp.broadcast_shapes(x1.shape, x2.shape)
    x1, x2 = (jnp.broadcast_to(x, shape) for x in (x1, x2))
    # Each by its own norm first, as in PyTorch: so the result stays within [-1, 1].
    return (_unit(x1, dim, eps) * _unit(x2, dim, eps)).sum(dim)


def _unit(x: jax.Array, dim: int, eps: float) -> jax.Array:
    length = vector_norm(x, 2.0, dim)
    # PyTorch clamps the norm under `no_grad`.
    bounded = with_slope(length, jnp.maximum(length, eps), jnp.ones_like(length))
    return _quotient(x, bounded)


def pairwise_distance(
    x1: jax.Array,
    x2: jax.Array,
    p: float = 2.0,
    eps: float = 1e-6,
    keepdim: bool = False,
) -> jax.Array:
    """y = ‖x1 - x2 + eps‖ₚ over the last dimension.

    Args:
        x1: broadcast with x2.
        x2: broadcast with x1.
        p: of the norm; 0 and ±∞ too.
        eps: added to every difference.
        keepdim: whether the last dimension stays, with size 1.

    PyTorch: `torch.nn.functional.pairwise_distance`.

    Example:
        >>> pairwise_distance(jnp.array([3.0, 4.0]), jnp.zeros(2), eps=0.0)
        Array(5., dtype=float32)
    """
    distance = vector_norm(jnp.asarray(x1) - jnp.asarray(x2) + eps, p, -1)
    return distance if keepdim else distance[..., 0]


def pdist(input: jax.Array, p: float = 2.0) -> jax.Array:
    """‖x_i - x_j‖ₚ of every pair of rows i < j, (N (N - 1) / 2,).

    Args:
        input: rows, (N, M).
        p: of the norm, at least 0; ∞ too.

    Raises:
        ValueError: an input has not two dimensions; p is negative.

    PyTorch: `torch.nn.functional.pdist`.

    Example:
        >>> pdist(jnp.array([[0.0], [1.0], [3.0]]))
        Array([1., 3., 2.], dtype=float32)
    """
    check_ndim("pdist", input, (2,))
    if p < 0:
        raise ValueError(f"pdist needs p >= 0, got {p}")
    first, second = np.triu_indices(input.shape[0], 1)
    x = jnp.asarray(input)
    difference = x[first] - x[second]
    if not difference.size:
        return jnp.zeros(len(first), x.dtype) + x.sum() * 0
    if math.isinf(p):
        return _largest(difference)
    return vector_norm(difference, float(p), -1)[..., 0]


def _largest(x: jax.Array) -> jax.Array:
    """The largest size; each that reaches it has the gradient, and they share none."""
    size = jax.lax.stop_gradient(jnp.abs(x))
    distance = size.max(-1, keepdims=True)
    slope = jnp.where(size == distance, jnp.sign(jax.lax.stop_gradient(x)), 0)
    moves = (slope * x).sum(-1)
    return with_slope(moves, distance[..., 0], jnp.ones_like(moves))
