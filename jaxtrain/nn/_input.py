"""What a layer says when an input does not fit: which layer, what came, what fits."""

from collections.abc import Iterable

import jax


def misfit(layer: str, input: jax.Array, expected: str) -> ValueError:
    """The error for an input that does not fit.

    Example:
        >>> import jax.numpy as jnp
        >>> print(misfit("Linear(3, 2)", jnp.ones(4), "its last dimension must be 3"))
        Linear(3, 2) got an input of shape (4,): its last dimension must be 3
    """
    return ValueError(f"{layer} got an input of shape {input.shape}: {expected}")


def check_ndim(layer: str, input: jax.Array, allowed: Iterable[int]) -> None:
    """Let an input pass that has one of the allowed numbers of dimensions.

    Example:
        >>> import jax.numpy as jnp
        >>> check_ndim("BatchNorm1d(3)", jnp.ones((2, 3)), (2, 3))
    """
    if input.ndim not in tuple(allowed):
        numbers = " or ".join(map(str, allowed))
        raise misfit(layer, input, f"it must have {numbers} dimensions")


def check_size(layer: str, input: jax.Array, dim: int, size: int) -> None:
    """Let an input pass whose dimension `dim` has that size.

    Example:
        >>> import jax.numpy as jnp
        >>> check_size("BatchNorm1d(3)", jnp.ones((2, 3)), 1, 3)
    """
    if input.shape[dim] != size:
        raise misfit(layer, input, f"dimension {dim % input.ndim} must be {size}")
