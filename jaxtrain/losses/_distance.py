import math

import jax
import jax.numpy as jnp

from jaxtrain.losses._derivative import absolute
from jaxtrain.losses._inputs import broadcast


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


def _root(squared: jax.Array) -> jax.Array:
    positive = squared > 0
    root = jnp.sqrt(jnp.where(positive, squared, 1))
    # NaN is not positive, and stays.
    return jnp.where(positive, root, squared)


def _general_norm(d: jax.Array, p: float) -> jax.Array:
    """(Σ|d|ᵖ)^(1/p); where |d|, or the whole norm, is 0 the gradient is 0."""

    @jax.custom_jvp
    def norm(d: jax.Array) -> jax.Array:
        return (jnp.abs(d) ** p).sum(-1) ** (1 / p)

    @norm.defjvp
    def _(primals: tuple[jax.Array], tangents: tuple[jax.Array]) -> tuple:
        (d,), (moved,) = primals, tangents
        length = norm(d)
        used = (d != 0) & (length != 0)[..., None]
        size = jnp.where(used, jnp.abs(d), 1)
        whole = jnp.where(used, length[..., None], 1)
        slope = jnp.where(used, jnp.sign(d) * size ** (p - 1) / whole ** (p - 1), 0)
        return length, (slope * moved).sum(-1)

    return norm(d)
