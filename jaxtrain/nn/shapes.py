"""Shapes that a layer takes: refused in one line, or made one of a kind."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import jax


def misfit(layer: str, input: jax.Array, need: str) -> ValueError:
    """The error for an input that does not fit.

    Example:
        >>> import jax.numpy as jnp
        >>> print(misfit("Linear(3, 2)", jnp.ones(4), "its last dimension must be 3"))
        Linear(3, 2) got an input of shape (4,): its last dimension must be 3
    """
    return ValueError(f"{layer} got an input of shape {input.shape}: {need}")


def check_ndim(layer: str, input: jax.Array, choices: Iterable[int]) -> None:
    """Let an input pass that has one of the allowed numbers of dimensions.

    Example:
        >>> import jax.numpy as jnp
        >>> check_ndim("BatchNorm1d(3)", jnp.ones((2, 3)), (2, 3))
    """
    if input.ndim not in tuple(choices):
        numbers = " or ".join(map(str, choices))
        raise misfit(layer, input, f"it must have {numbers} dimensions")


def check_size(layer: str, input: jax.Array, dim: int, size: int) -> None:
    """Let an input pass whose dimension `dim` has that size.

    Example:
        >>> import jax.numpy as jnp
        >>> check_size("BatchNorm1d(3)", jnp.ones((2, 3)), 1, 3)
    """
    if input.shape[dim] != size:
        raise misfit(layer, input, f"dimension {dim % input.ndim} must be {size}")


def per_dim(
    layer: str, name: str, value: int | Sequence[int], n: int
) -> tuple[int, ...]:
    """n sizes, of n or of one for all.

    Raises:
        ValueError: there are others than n.

    Example:
        >>> per_dim("Conv2d", "stride", 2, 2), per_dim("Conv2d", "stride", (1, 2), 2)
        ((2, 2), (1, 2))
    """
    sizes = (value,) * n if isinstance(value, int) else tuple(value)
    if len(sizes) != n:
        raise ValueError(f"{layer} needs {name} to be one number or {n}, got {value!r}")
    return sizes


def at_least(layer: str, lowest: int, **sizes: tuple[int, ...]) -> None:
    """Let sizes pass of which none is below `lowest`.

    Example:
        >>> at_least("Conv2d", 1, stride=(1, 2))
    """
    for name, values in sizes.items():
        if min(values) < lowest:
            raise ValueError(f"{layer} needs {name} >= {lowest}, got {values}")


def ensure_batch(layer: str, input: jax.Array, n: int) -> jax.Array:
    """(N, C, *), of that or of (C, *), with n dimensions behind the channels.

    Example:
        >>> import jax.numpy as jnp
        >>> ensure_batch("MaxPool1d", jnp.ones((3, 5)), 1).shape
        (1, 3, 5)
    """
    check_ndim(layer, input, (n + 1, n + 2))
    return input if input.ndim == n + 2 else input[None]
