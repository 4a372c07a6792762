"""Rows of a table: their initial values, their norms, their number."""

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax.typing import DTypeLike

from jaxtrain import init, rng
from jaxtrain.nn._parameter import drawn
from jaxtrain.nn._slope import with_slope
from jaxtrain.nn._vector_norm import vector_norm


def checked_row(padding_idx: int | None, rows: int) -> int | None:
    """A row counted from the first one.

    Raises:
        ValueError: there is no such row.

    Example:
        >>> checked_row(-1, 5)
        4
    """
    if padding_idx is None:
        return None
    if not -rows <= padding_idx < rows:
        raise ValueError(
            f"padding_idx must be within the {rows} rows, got {padding_idx}"
        )
    return padding_idx % rows


def drawn_rows(
    shape: tuple[int, int],
    zeros: int | None,
    generator: rng.Generator | None,
    dtype: DTypeLike,
) -> nnx.Param:
    """A table drawn from N(0, 1), with one row of zeros if it is named.

    Example:
        >>> drawn_rows((3, 2), 1, None, jnp.float32)[1]
        Array([0., 0.], dtype=float32)
    """

    def initialiser(shape: tuple[int, ...], dtype: DTypeLike) -> np.ndarray:
        values = init.normal(shape, generator=generator, dtype=dtype)
        if zeros is not None:
            values[zeros] = 0
        return values

    return drawn(initialiser, shape, dtype=dtype)


def rows_of(weight: jax.Array, input: jax.Array) -> jax.Array:
    """The row for each index; NaN for an index that is no row.

    Example:
        >>> rows_of(jnp.ones((2, 1)), jnp.array([1, 2]))
        Array([[ 1.],
               [nan]], dtype=float32)
    """
    return weight.at[input].get(
        mode="fill", fill_value=jnp.nan, wrap_negative_indices=False
    )


def occurrences(input: jax.Array, rows: int, dtype: DTypeLike) -> jax.Array:
    """How often each element of the input occurs in it.

    Example:
        >>> occurrences(jnp.array([1, 0, 1]), 2, jnp.float32)
        Array([2., 1., 2.], dtype=float32)
    """
    return jnp.zeros(rows, dtype).at[input].add(1)[input]


def renormed(
    weight: jax.Array, input: jax.Array, max_norm: float, norm_type: float
) -> jax.Array:
    """The table with the rows of the input shortened to `max_norm` where longer.

    Its derivative is that of the table itself, as PyTorch shortens outside of autograd.

    PyTorch: `torch.embedding_renorm_`.

    Example:
        >>> renormed(jnp.array([[3.0, 4.0], [6.0, 8.0]]), jnp.array([0]), 1.0, 2.0)
        Array([[0.6, 0.8],
               [6. , 8. ]], dtype=float32)
    """
    fixed = jax.lax.stop_gradient(weight)
    rows = fixed[input]
    length = vector_norm(rows, norm_type, -1)
    # PyTorch guards the quotient by this very number.
    scale = jnp.where(length > max_norm, max_norm / (length + 1e-7), 1)
    shortened = fixed.at[input].set(rows * scale)
    return with_slope(weight, shortened, jnp.ones_like(weight))
