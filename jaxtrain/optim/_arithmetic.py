"""PyTorch's elementwise operations, with the order in which they round."""

import jax
import jax.numpy as jnp

from jaxtrain.optim._hyper import Coefficient


def lerp(start: jax.Array, end: jax.Array, beta: Coefficient) -> jax.Array:
    """start + (1 - β)(end - start), from whichever end is nearer.

    PyTorch: `start.lerp_(end, 1 - beta)`.
    """
    apart = end - start
    near_start = start + beta.complement * apart
    near_end = end - beta.value * apart
    return jnp.where(beta.complement < 0.5, near_start, near_end)


def average_square(average: jax.Array, g: jax.Array, beta: Coefficient) -> jax.Array:
    """β·average + (1 - β)g².

    PyTorch: `average.mul_(beta).addcmul_(g, g, value=1 - beta)`.
    """
    return average * beta.value + beta.complement * g * g


def shrink(p: jax.Array, lr: jax.Array, weight_decay: jax.Array) -> jax.Array:
    """What decoupled weight decay adds to a parameter: p(1 - lr·λ) - p, so rounded.

    PyTorch: `p.mul_(1 - lr * weight_decay)`.
    """
    return p * (1 - lr * weight_decay) - p
