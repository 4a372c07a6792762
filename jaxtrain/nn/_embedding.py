from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax.typing import DTypeLike

from jaxtrain import init, rng
from jaxtrain.nn._parameter import drawn
from jaxtrain.nn._slope import with_slope


class Embedding(nnx.Module):
    """y = W[i]: row i of the weight for each index.

    `weight` is (num_embeddings, embedding_dim), drawn from N(0, 1). An index that is no
    row gives NaN, since compiled code cannot raise as PyTorch does.

    Args:
        num_embeddings: number of rows.
        embedding_dim: size of a row.
        padding_idx: a row that begins as zeros and gets no gradient; may be negative.
        scale_grad_by_freq: whether a row's gradient is divided by the number of times
            that its index occurs in the input.
        generator: where the initial values come from; `rng.default_generator` if not
            given.
        dtype: of the weight; see `Linear`.

    Raises:
        ValueError: `padding_idx` is no row.
        TypeError: an input is not of integers.

    PyTorch: `torch.nn.Embedding`.

    Example:
        >>> layer = Embedding(10, 3, padding_idx=0)
        >>> layer(jnp.array([[1, 0], [2, 4]])).shape, layer(jnp.array(0))
        ((2, 2, 3), Array([0., 0., 0.], dtype=float32))
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        scale_grad_by_freq: bool = False,
        *,
        generator: rng.Generator | None = None,
        dtype: DTypeLike = jnp.float32,
    ):
        if padding_idx is not None:
            if not -num_embeddings <= padding_idx < num_embeddings:
                raise ValueError(
                    f"padding_idx must be within the {num_embeddings} rows, "
                    f"got {padding_idx}"
                )
            padding_idx %= num_embeddings
        self.num_embeddings = num_embeddings
        self.embedding_dim = embedding_dim
        self.padding_idx = padding_idx
        self.scale_grad_by_freq = scale_grad_by_freq
        initialiser = _with_zeros(padding_idx, generator)
        self.weight = drawn(initialiser, (num_embeddings, embedding_dim), dtype=dtype)

    def __call__(self, input: jax.Array) -> jax.Array:
        if not jnp.issubdtype(input.dtype, jnp.integer):
            raise TypeError(f"Embedding takes integers, got an input of {input.dtype}")
        rows = self.weight.at[input].get(
            mode="fill", fill_value=jnp.nan, wrap_negative_indices=False
        )
        if self.scale_grad_by_freq:
            rows = with_slope(rows, rows, 1 / self._occurrences(input)[..., None])
        if self.padding_idx is None:
            return rows
        padding = (input == self.padding_idx)[..., None]
        return jnp.where(padding, jax.lax.stop_gradient(rows), rows)

    def _occurrences(self, input: jax.Array) -> jax.Array:
        counts = jnp.zeros(self.num_embeddings, self.weight.dtype).at[input].add(1)
        return counts[input]


def _with_zeros(row: int | None, generator: rng.Generator | None) -> Callable:
    def initialiser(shape: tuple[int, ...], dtype: DTypeLike) -> np.ndarray:
        values = init.normal(shape, generator=generator, dtype=dtype)
        if row is not None:
            values[row] = 0
        return values

    return initialiser
