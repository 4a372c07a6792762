"""Mean and variance over dimensions, and what layers make of them."""

import jax
import jax.numpy as jnp


def wide(x: jax.Array) -> jax.Array:
    """x, or its float32 if it has 16 bits: statistics are never taken in those.

    Example:
        >>> wide(jnp.ones(1, jnp.bfloat16)).dtype
        dtype('float32')
    """
    array = jnp.asarray(x)
    return array.astype(jnp.promote_types(array.dtype, jnp.float32))


def like(y: jax.Array, input: jax.Array) -> jax.Array:
    """y in the type that `input` has as an array of JAX.

    Example:
        >>> like(jnp.ones(1), jnp.ones(1, jnp.bfloat16)).dtype
        dtype(bfloat16)
    """
    return y.astype(jax.dtypes.canonicalize_dtype(input.dtype))


def moments(x: jax.Array, dims: tuple[int, ...]) -> tuple[jax.Array, jax.Array]:
    """Mean and biased variance over `dims`, which stay with size 1.

    The variance is that of the deviations: E[x²] - E[x]² would cancel.

    Example:
        >>> mean, var = moments(jnp.array([1.0, 3.0]), (0,))
        >>> float(mean[0]), float(var[0])
        (2.0, 1.0)
    """
    mean = x.mean(dims, keepdims=True)
    return mean, jnp.square(x - mean).mean(dims, keepdims=True)


def normalised(x: jax.Array, mean: jax.Array, var: jax.Array, eps: float) -> jax.Array:
    """(x - mean) / sqrt(var + eps).

    Example:
        >>> normalised(jnp.array([3.0]), jnp.array([1.0]), jnp.array([4.0]), 0.0)
        Array([1.], dtype=float32)
    """
    return (x - mean) * jax.lax.rsqrt(var + eps)


def affine(x: jax.Array, weight: jax.Array | None, bias: jax.Array | None) -> jax.Array:
    """x · weight + bias, as far as they are there.

    Example:
        >>> affine(jnp.ones(2), None, jnp.ones(2))
        Array([2., 2.], dtype=float32)
    """
    scaled = x if weight is None else x * weight
    return scaled if bias is None else scaled + bias
