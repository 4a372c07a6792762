"""What layers that slide a window have in common: one size for each dimension."""

from collections.abc import Sequence

import jax

from jaxtrain.nn._input import check_ndim


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


def batched(layer: str, input: jax.Array, n: int) -> jax.Array:
    """(N, C, *), of that or of (C, *), with n dimensions behind the channels.

    Example:
        >>> import jax.numpy as jnp
        >>> batched("MaxPool1d", jnp.ones((3, 5)), 1).shape
        (1, 3, 5)
    """
    check_ndim(layer, input, (n + 1, n + 2))
    return input if input.ndim == n + 2 else input[None]
