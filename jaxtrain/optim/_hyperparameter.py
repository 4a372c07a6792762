"""Hyper-parameters that may be numbers, schedules, or data given at each update."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

Hyperparameter = float | Callable[[jax.Array], ArrayLike]


def resolve(
    declared: Hyperparameter, count: jax.Array, given: ArrayLike | None
) -> ArrayLike:
    """The value in force: the update's own, else the schedule's, else the number."""
    if given is not None:
        return given
    return declared(count) if callable(declared) else declared


def below_zero(value: Hyperparameter) -> bool:
    """Whether a plain number is negative; a schedule is not judged."""
    return isinstance(value, int | float) and value < 0


def opmath(value: jax.Array) -> jax.Array:
    """The value in the type that PyTorch computes updates in.

    PyTorch's kernels widen 16-bit floats to float32 and round once, when they store.
    An update that stays float32 has Optax's `apply_updates` do the same.
    """
    narrow = jnp.finfo(value.dtype).bits < 32
    return value.astype(jnp.float32) if narrow else value


def as_dtype(value: Any, like: jax.Array) -> jax.Array:
    """A hyper-parameter rounded to the type of the array it multiplies, then widened.

    PyTorch rounds the `alpha` of a 16-bit addition to 16 bits before it computes.
    """
    return opmath(jnp.asarray(value, like.dtype))
