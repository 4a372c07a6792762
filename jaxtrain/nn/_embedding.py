import jax
import jax.numpy as jnp
from flax import nnx
from jax.typing import DTypeLike

from jaxtrain import rng
from jaxtrain.nn._lookup import (
    checked_row,
    drawn_rows,
    occurrences,
    renormed,
    rows_of,
)
from jaxtrain.nn._slope import with_slope


class Embedding(nnx.Module):
    """y = W[i]: row i of the weight for each index.

    `weight` is (num_embeddings, embedding_dim), drawn from N(0, 1). An index that is no
    row gives NaN, since compiled code cannot raise as PyTorch does.

    With `max_norm` a call changes the weight itself, in evaluation too, and the
    gradient is that of a mere lookup: a compiled training step has to return the
    parameters that its call left behind, as it does with running statistics.

    Args:
        num_embeddings: number of rows.
        embedding_dim: size of a row.
        padding_idx: a row that begins as zeros and gets no gradient; may be negative.
        max_norm: rows that are looked up, and are longer, are shortened to it first.
        norm_type: p of the norm that `max_norm` bounds.
        scale_grad_by_freq: whether a row's gradient is divided by the number of times
            that its index occurs in the input.
        generator: where the initial values come from; `rng.default_generator` if not
            given.
        dtype: of the weight; see `Linear`.

    Raises:
        ValueError: `padding_idx` is no row.
        TypeError: an input is not of integers.

    PyTorch: `torch.nn.Embedding`, without `sparse`.

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
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        *,
        generator: rng.Generator | None = None,
        dtype: DTypeLike = jnp.float32,
    ):
        self.num_embeddings = num_embeddings
        self.embedding_dim = embedding_dim
        self.padding_idx = checked_row(padding_idx, num_embeddings)
        self.max_norm = max_norm
        self.norm_type = norm_type
        self.scale_grad_by_freq = scale_grad_by_freq
        self.weight = drawn_rows(
            (num_embeddings, embedding_dim), self.padding_idx, generator, dtype
        )

    def __call__(self, input: jax.Array) -> jax.Array:
        if not jnp.issubdtype(input.dtype, jnp.integer):
            raise TypeError(f"Embedding takes integers, got an input of {input.dtype}")
        if self.max_norm is not None:
            weight = self.weight[...]
            self.weight[...] = renormed(weight, input, self.max_norm, self.norm_type)
        rows = rows_of(self.weight[...], input)
        if self.scale_grad_by_freq:
            counts = occurrences(input, self.num_embeddings, rows.dtype)
            rows = with_slope(rows, rows, 1 / counts[..., None])
        if self.padding_idx is None:
            return rows
        padding = (input == self.padding_idx)[..., None]
        return jnp.where(padding, jax.lax.stop_gradient(rows), rows)
