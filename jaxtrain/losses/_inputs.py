"""What every loss does to its tensors first: one type, and shapes that fit."""

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike


def floats(**given: ArrayLike) -> tuple[list[jax.Array], np.dtype]:
    """Tensors in the type to compute in, and the type of the result.

    The result has the common type of those that are floating-point; integers (targets,
    mostly) follow it. Types of 16 bits are computed in float32 and rounded once, at the
    end.

    Raises:
        TypeError: the first is not floating-point.

    Example:
        >>> (x, y), dtype = floats(input=jnp.ones(2, jnp.bfloat16), target=jnp.ones(2))
        >>> x.dtype, dtype
        (dtype('float32'), dtype('float32'))
    """
    arrays = {name: jnp.asarray(value) for name, value in given.items()}
    floating = [x for x in arrays.values() if jnp.issubdtype(x.dtype, jnp.floating)]
    name, first = next(iter(arrays.items()))
    if not jnp.issubdtype(first.dtype, jnp.floating):
        raise TypeError(f"{name} must be floating-point, but is {first.dtype}")
    dtype = jnp.result_type(*floating)
    wide = jnp.promote_types(dtype, jnp.float32)
    return [x.astype(wide) for x in arrays.values()], dtype


def integers(**given: ArrayLike) -> list[jax.Array]:
    """Tensors of indices or lengths as int32, which arithmetic on uint8 needs.

    Raises:
        TypeError: one holds something else.
    """
    arrays = {name: jnp.asarray(value) for name, value in given.items()}
    for name, x in arrays.items():
        if not jnp.issubdtype(x.dtype, jnp.integer):
            raise TypeError(f"{name} must hold integers, but is {x.dtype}")
    return [x.astype(jnp.int32) for x in arrays.values()]


def check_same_shape(**given: jax.Array) -> None:
    """Raise `ValueError` unless all shapes are equal."""
    if len({x.shape for x in given.values()}) > 1:
        raise ValueError(f"shapes must be the same, but {_shapes(given)}")


def broadcast(**given: jax.Array) -> list[jax.Array]:
    """The tensors in their common shape, or `ValueError`."""
    try:
        return jnp.broadcast_arrays(*given.values())
    except ValueError as error:
        message = f"shapes must broadcast, but {_shapes(given)}"
        raise ValueError(message) from error


def broadcast_to(shape: tuple[int, ...], **given: jax.Array) -> jax.Array:
    """One tensor, broadcast to a shape, or `ValueError`."""
    ((name, x),) = given.items()
    try:
        return jnp.broadcast_to(x, shape)
    except ValueError as error:
        message = f"{name} of shape {x.shape} does not broadcast to {shape}"
        raise ValueError(message) from error


def _shapes(given: dict[str, jax.Array]) -> str:
    return " and ".join(f"{name} has shape {x.shape}" for name, x in given.items())
