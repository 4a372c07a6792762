"""Activations that are constant beyond bounds.

PyTorch's gradient is 0 at the bounds themselves, where `jnp.clip` has a half.
"""

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from jaxtrain.nn._slope import with_slope

_SIXTH = float(np.float32(1 / 6))


class Hardtanh(nnx.Module):
    """y = min(max(x, min_val), max_val).

    Args:
        min_val: lower bound.
        max_val: upper bound.

    Raises:
        ValueError: min_val >= max_val.

    PyTorch: `torch.nn.Hardtanh`.

    Example:
        >>> Hardtanh()(jnp.array([-2.0, 0.5]))
        Array([-1. ,  0.5], dtype=float32)
    """

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0):
        if min_val >= max_val:
            raise ValueError(f"Hardtanh needs min_val < max_val: {min_val}, {max_val}")
        self.min_val = min_val
        self.max_val = max_val

    def __call__(self, input: jax.Array) -> jax.Array:
        return _clipped(input, self.min_val, self.max_val)


class ReLU6(nnx.Module):
    """y = min(max(x, 0), 6).

    PyTorch: `torch.nn.ReLU6`.

    Example:
        >>> ReLU6()(jnp.array([-1.0, 7.0]))
        Array([0., 6.], dtype=float32)
    """

    def __call__(self, input: jax.Array) -> jax.Array:
        return _clipped(input, 0.0, 6.0)


class Hardsigmoid(nnx.Module):
    """y = min(max(x + 3, 0), 6) / 6.

    PyTorch: `torch.nn.Hardsigmoid`.

    Example:
        >>> Hardsigmoid()(jnp.array([-4.0, 0.0]))
        Array([0. , 0.5], dtype=float32)
    """

    def __call__(self, input: jax.Array) -> jax.Array:
        clipped = _clipped(input, -3.0, 3.0)
        # PyTorch's slope is the float32 of 1/6, whatever the type.
        return with_slope(
            clipped, (clipped + 3) / 6, jnp.asarray(_SIXTH, clipped.dtype)
        )


class Hardswish(nnx.Module):
    """y = x · min(max(x + 3, 0), 6) / 6.

    PyTorch: `torch.nn.Hardswish`.
    Reference: Howard et al. 2019, https://arxiv.org/abs/1905.02244

    Example:
        >>> Hardswish()(jnp.array([-4.0, 3.0]))
        Array([-0.,  3.], dtype=float32)
    """

    def __call__(self, input: jax.Array) -> jax.Array:
        # The unused branch may not overflow: its infinity would spoil the gradient.
        inner = jnp.where(jnp.abs(input) < 3, input, 0)
        middle = inner * (inner + 3) / 6
        return jnp.where(input <= -3, 0 * input, jnp.where(input < 3, middle, input))


def _clipped(input: jax.Array, low: float, high: float) -> jax.Array:
    inside = (input > low) & (input < high)
    return jnp.where(inside, input, jax.lax.stop_gradient(jnp.clip(input, low, high)))
