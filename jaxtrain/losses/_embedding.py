"""Losses of how far apart vectors are."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
from jax.nn import relu
from jax.typing import ArrayLike

from jaxtrain.losses._inputs import absolute, broadcast, check_reduction, floats, reduce


def pairwise_distance(
    x1: jax.Array, x2: jax.Array, p: float = 2.0, eps: float = 1e-6
) -> jax.Array:
    """‖x1 - x2 + ε‖ₚ over the last dimension, with gradient 0 at distance 0.

    PyTorch: `torch.nn.functional.pairwise_distance`.

    Example:
        >>> print(pairwise_distance(jnp.array([3.0, 4.0]), jnp.zeros(2), eps=0.0))
        5.0
        >>> print(jax.grad(pairwise_distance)(jnp.zeros(2), jnp.zeros(2), eps=0.0))
        [0. 0.]
    """
    x1, x2 = broadcast(x1=x1, x2=x2)
    return _norm(x1 - x2 + eps, p)


def _norm(d: jax.Array, p: float) -> jax.Array:
    size = absolute(d)
    if p == 0:
        return (d != 0).sum(-1).astype(d.dtype)
    if p == 1:
        return size.sum(-1)
    if p == 2:
        return _root(jnp.square(d).sum(-1))
    if math.isinf(p):
        return size.max(-1) if p > 0 else size.min(-1)
    return _general_norm(d, p)


def _root(square: jax.Array) -> jax.Array:
    positive = square > 0
    # The root of 0 in the branch not taken would make its slope a NaN: ∞·0.
    root = jnp.sqrt(jnp.where(positive, square, 1))
    # NaN is not positive, and stays.
    return jnp.where(positive, root, square)


def _general_norm(d: jax.Array, p: float) -> jax.Array:
    """(Σ|d|ᵖ)^(1/p); where |d|, or the whole norm, is 0 the gradient is 0."""

    @jax.custom_jvp
    def norm(d: jax.Array) -> jax.Array:
        return (jnp.abs(d) ** p).sum(-1) ** (1 / p)

    @norm.defjvp
    def _(primals: tuple[jax.Array], tangents: tuple[jax.Array]) -> tuple:
        (d,), (tangent,) = primals, tangents
        length = norm(d)
        mask = (d != 0) & (length != 0)[..., None]
        size = jnp.where(mask, jnp.abs(d), 1)
        whole = jnp.where(mask, length[..., None], 1)
        # As PyTorch's `norm_backward`, and 0 where that masks.
        slope = jnp.where(mask, jnp.sign(d) * size ** (p - 1) / whole ** (p - 1), 0)
        return length, (slope * tangent).sum(-1)

    return norm(d)


EPSILON = 1e-12
"""Added to each squared length, so that a vector of zeros has cosine 0."""


def cosine_embedding_loss(
    input1: ArrayLike,
    input2: ArrayLike,
    target: ArrayLike,
    margin: float = 0.0,
    reduction: str = "mean",
) -> jax.Array:
    """l_n = 1 - cos(a_n, b_n) where y_n = 1, max(0, cos - m) where y_n = -1, else 0.

    Args:
        input1: a, (features,) or (batch, features).
        input2: b, likewise; the two shapes broadcast.
        target: y, () or (batch,).
        margin: m, the cosine below which different vectors cost nothing.
        reduction: `"mean"`, `"sum"` or `"none"`.

    Raises:
        ValueError: shapes do not fit, or no such reduction.
        TypeError: the input is not floating-point.

    Equal vectors cost some 1e-12 and not 0, since ε is added to their lengths.

    PyTorch: `torch.nn.functional.cosine_embedding_loss`.

    Example:
        >>> a, b = jnp.array([[1.0, 0.0]]), jnp.array([[0.0, 1.0]])
        >>> print(cosine_embedding_loss(a, b, jnp.array([1])))
        1.0
    """
    check_reduction(reduction)
    (a, b), dtype = floats(input1=input1, input2=input2)
    y = jnp.asarray(target)
    if y.ndim > 1 or not a.ndim == b.ndim == y.ndim + 1:
        raise ValueError(
            f"target of shape {y.shape} does not fit input1 of shape {a.shape} and "
            f"input2 of shape {b.shape}: () needs (features,), and (batch,) needs "
            "(batch, features)"
        )
    a, b = broadcast(input1=a, input2=b)
    squares = ((v * v).sum(-1) + EPSILON for v in (a, b))
    # One root of the product, as in PyTorch, and not a product of roots.
    cos = (a * b).sum(-1) / jnp.sqrt(next(squares) * next(squares))
    cos, y = broadcast(cosines=cos, target=y)
    losses = jnp.where(y == 1, 1 - cos, 0) + jnp.where(y == -1, relu(cos - margin), 0)
    return reduce(losses, reduction).astype(dtype)


Distance = Callable[[jax.Array, jax.Array], jax.Array]


def triplet_margin_loss(
    anchor: ArrayLike,
    positive: ArrayLike,
    negative: ArrayLike,
    margin: float = 1.0,
    p: float = 2.0,
    eps: float = 1e-6,
    swap: bool = False,
    reduction: str = "mean",
) -> jax.Array:
    """l_n = max(0, m + d(a_n, p_n) - d(a_n, n_n)), with d(x, y) = ‖x - y + ε‖ₚ.

    Args:
        anchor: a, (…, features).
        positive: what should be near it.
        negative: what should be far from it. The three have equally many dimensions,
            and broadcast.
        margin: m > 0.
        p: of the norm; any number, and infinity.
        eps: ε, added to each difference, with its sign.
        swap: take d(p, n) for d(a, n) where it is smaller.
        reduction: `"mean"`, `"sum"` or `"none"`.

    Raises:
        ValueError: shapes do not fit, m is not positive, or no such reduction.
        TypeError: the input is not floating-point.

    The gradient at distance 0, and where the arguments of the maximum are equal, is 0.

    PyTorch: `torch.nn.functional.triplet_margin_loss`.
    Reference: Balntas et al. 2016, https://doi.org/10.5244/C.30.119

    Example:
        >>> a, near, far = jnp.zeros((1, 2)), jnp.ones((1, 2)), 2 * jnp.ones((1, 2))
        >>> print(triplet_margin_loss(a, near, far, p=1, margin=3.0).round(5))
        1.0
    """
    distance = partial(pairwise_distance, p=p, eps=eps)
    return triplet_margin_with_distance_loss(
        anchor,
        positive,
        negative,
        distance_function=distance,
        margin=margin,
        swap=swap,
        reduction=reduction,
    )


def triplet_margin_with_distance_loss(
    anchor: ArrayLike,
    positive: ArrayLike,
    negative: ArrayLike,
    *,
    distance_function: Distance | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> jax.Array:
    """l_n = max(0, m + d(a_n, p_n) - d(a_n, n_n)), with a distance d of your own.

    Args:
        anchor: a, (…, features).
        positive: what should be near it.
        negative: what should be far from it. The three have equally many dimensions.
        distance_function: d, of two tensors; None: ‖x - y + 1e-6‖₂.
        margin: m > 0.
        swap: take d(p, n) for d(a, n) where it is smaller.
        reduction: `"mean"`, `"sum"` or `"none"`.

    Raises:
        ValueError: shapes do not fit, m is not positive, or no such reduction.
        TypeError: the input is not floating-point.

    PyTorch: `torch.nn.functional.triplet_margin_with_distance_loss`.

    Example:
        >>> a, near, far = jnp.zeros((1, 2)), jnp.ones((1, 2)), 2 * jnp.ones((1, 2))
        >>> distance = lambda x, y: jnp.abs(x - y).max(-1)
        >>> print(triplet_margin_with_distance_loss(
        ...     a, near, far, distance_function=distance, margin=3.0
        ... ))
        2.0
    """
    check_reduction(reduction)
    if not margin > 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    (a, near, far), dtype = floats(anchor=anchor, positive=positive, negative=negative)
    if not a.ndim == near.ndim == far.ndim:
        raise ValueError(
            "anchor, positive and negative must have equally many dimensions, but have "
            f"shapes {a.shape}, {near.shape} and {far.shape}"
        )
    distance = distance_function or pairwise_distance
    to_near, to_far = distance(a, near), distance(a, far)
    if swap:
        to_far = jnp.minimum(to_far, distance(near, far))
    return reduce(relu(margin + to_near - to_far), reduction).astype(dtype)
