"""(Σ|x|ᵖ)^(1/p), with PyTorch's derivatives."""

import math

import jax
import jax.numpy as jnp


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
    return _powered(x, p, dim)


def _absolute(x: jax.Array) -> jax.Array:
    # The derivative at 0 is sign(0) = 0, where that of `jnp.abs` is 1.
    return x * jnp.sign(jax.lax.stop_gradient(x))


def _powered(x: jax.Array, p: float, dim: int) -> jax.Array:
    @jax.custom_jvp
    def norm(x: jax.Array) -> jax.Array:
        if p == 2:
            return jnp.sqrt(jnp.square(x).sum(dim, keepdims=True))
        return (jnp.abs(x) ** p).sum(dim, keepdims=True) ** (1 / p)

    @norm.defjvp
    def _(primals: tuple[jax.Array], tangents: tuple[jax.Array]) -> tuple:
        (x,), (moved,) = primals, tangents
        length = norm(x)
        used = (x != 0) & (length != 0)
        share = jnp.where(used, jnp.abs(x), 1) / jnp.where(length == 0, 1, length)
        slope = jnp.where(used, jnp.sign(x) * share ** (p - 1), 0)
        return length, (slope * moved).sum(dim, keepdims=True)

    return norm(x)
