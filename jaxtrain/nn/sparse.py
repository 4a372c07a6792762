"""Tables that are looked up: rows, and sums of rows."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax.typing import DTypeLike

from jaxtrain import rng
from jaxtrain.nn import functional as F
from jaxtrain.nn import init
from jaxtrain.nn.functional._sparse import check_mode, row_number
from jaxtrain.nn.module import Module, draw_parameter


def draw_rows(
    shape: tuple[int, int],
    zeros: int | None,
    generator: rng.Generator | None,
    dtype: DTypeLike,
) -> nnx.Param:
    """A table drawn from N(0, 1), with one row of zeros if it is named.

    Example:
        >>> draw_rows((3, 2), 1, None, jnp.float32)[1]
        Array([0., 0.], dtype=float32)
    """

    def initialiser(shape: tuple[int, ...], dtype: DTypeLike) -> np.ndarray:
        values = init.normal(shape, generator=generator, dtype=dtype)
        # After the draws, as in PyTorch, which draws a row that it then makes zeros.
        if zeros is not None:
            values[zeros] = 0
        return values

    return draw_parameter(initialiser, shape, dtype=dtype)


class Embedding(Module):
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
        self.padding_idx = row_number(padding_idx, num_embeddings)
        self.max_norm = max_norm
        self.norm_type = norm_type
        self.scale_grad_by_freq = scale_grad_by_freq
        self.weight = draw_rows(
            (num_embeddings, embedding_dim), self.padding_idx, generator, dtype
        )

    def __call__(self, input: jax.Array) -> jax.Array:
        if self.max_norm is not None:
            weight = self.weight[...]
            self.weight[...] = F.embedding_renorm(
                weight, input, self.max_norm, self.norm_type
            )
        return F.embedding(
            input,
            self.weight[...],
            self.padding_idx,
            scale_grad_by_freq=self.scale_grad_by_freq,
        )


class EmbeddingBag(Module):
    """y = sum, mean or maximum of the rows of each bag of indices.

    `weight` is (num_embeddings, embedding_dim), drawn from N(0, 1). A bag without
    indices gives zeros; an index that is no row gives NaN.

    Args:
        num_embeddings: number of rows.
        embedding_dim: size of a row.
        max_norm: as for `Embedding`, which see.
        norm_type: p of the norm that `max_norm` bounds.
        scale_grad_by_freq: whether a row's gradient is divided by the number of times
            that its index occurs in the input; not for `"max"`.
        mode: `"sum"`, `"mean"` or `"max"`.
        include_last_offset: whether the last offset is the number of indices, not the
            beginning of a bag.
        padding_idx: a row that begins as zeros, gets no gradient, and does not count in
            a bag; may be negative.
        generator: where the initial values come from; `rng.default_generator` if not
            given.
        dtype: of the weight; see `Linear`.

    Raises:
        ValueError: another mode, `padding_idx` is no row, weights for samples in
            another mode than `"sum"`, offsets missing or not wanted.
        TypeError: an input is not of integers.

    PyTorch: `torch.nn.EmbeddingBag`, without `sparse`.

    Example:
        >>> layer = EmbeddingBag(10, 3, mode="sum")
        >>> layer(jnp.array([[1, 0], [2, 4]])).shape
        (2, 3)
        >>> layer(jnp.array([1, 0, 2]), offsets=jnp.array([0, 2])).shape
        (2, 3)
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: str = "mean",
        include_last_offset: bool = False,
        padding_idx: int | None = None,
        *,
        generator: rng.Generator | None = None,
        dtype: DTypeLike = jnp.float32,
    ):
        check_mode(mode, scale_grad_by_freq)
        self.num_embeddings = num_embeddings
        self.embedding_dim = embedding_dim
        self.max_norm = max_norm
        self.norm_type = norm_type
        self.scale_grad_by_freq = scale_grad_by_freq
        self.mode = mode
        self.include_last_offset = include_last_offset
        self.padding_idx = row_number(padding_idx, num_embeddings)
        self.weight = draw_rows(
            (num_embeddings, embedding_dim), self.padding_idx, generator, dtype
        )

    def __call__(
        self,
        input: jax.Array,
        offsets: jax.Array | None = None,
        per_sample_weights: jax.Array | None = None,
    ) -> jax.Array:
        """(bags, embedding_dim).

        Args:
            input: indices, (bags, n), or (n,) of all bags one after the other.
            offsets: where each bag begins, for an input (n,); the first is 0.
            per_sample_weights: what each row is multiplied by, of the input's shape.
        """
        if self.max_norm is not None:
            weight = self.weight[...]
            indices = jnp.asarray(input).reshape(-1)
            self.weight[...] = F.embedding_renorm(
                weight, indices, self.max_norm, self.norm_type
            )
        return F.embedding_bag(
            input,
            self.weight[...],
            offsets,
            scale_grad_by_freq=self.scale_grad_by_freq,
            mode=self.mode,
            per_sample_weights=per_sample_weights,
            include_last_offset=self.include_last_offset,
            padding_idx=self.padding_idx,
        )
