"""Tables that are looked up: rows, and sums of rows."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax.typing import DTypeLike

from jaxtrain import rng
from jaxtrain.nn import init
from jaxtrain.nn.activation.rectifiers import with_slope
from jaxtrain.nn.distance import vector_norm
from jaxtrain.nn.module import Module, draw_parameter
from jaxtrain.nn.shapes import check_ndim, misfit


def row_number(padding_idx: int | None, rows: int) -> int | None:
    """A row counted from the first one.

    Raises:
        ValueError: there is no such row.

    Example:
        >>> row_number(-1, 5)
        4
    """
    if padding_idx is None:
        return None
    if not -rows <= padding_idx < rows:
        raise ValueError(
            f"padding_idx must be within the {rows} rows, got {padding_idx}"
        )
    return padding_idx % rows


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


def renorm(
    weight: jax.Array, input: jax.Array, max_norm: float, norm_type: float
) -> jax.Array:
    """The table with the rows of the input shortened to `max_norm` where longer.

    Its derivative is that of the table itself, as PyTorch shortens outside of autograd.

    PyTorch: `torch.embedding_renorm_`.

    Example:
        >>> renorm(jnp.array([[3.0, 4.0], [6.0, 8.0]]), jnp.array([0]), 1.0, 2.0)
        Array([[0.6, 0.8],
               [6. , 8. ]], dtype=float32)
    """
    table = jax.lax.stop_gradient(weight)
    rows = table[input]
    length = vector_norm(rows, norm_type, -1)
    # PyTorch guards the quotient by this very number.
    scale = jnp.where(length > max_norm, max_norm / (length + 1e-7), 1)
    # An index that occurs twice is set twice, to the same row.
    output = table.at[input].set(rows * scale)
    return with_slope(weight, output, jnp.ones_like(weight))


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
        if not jnp.issubdtype(input.dtype, jnp.integer):
            raise TypeError(f"Embedding takes integers, got an input of {input.dtype}")
        if self.max_norm is not None:
            weight = self.weight[...]
            self.weight[...] = renorm(weight, input, self.max_norm, self.norm_type)
        rows = rows_of(self.weight[...], input)
        if self.scale_grad_by_freq:
            counts = occurrences(input, self.num_embeddings, rows.dtype)
            # The gradient alone is divided: values are looked up as ever.
            rows = with_slope(rows, rows, 1 / counts[..., None])
        if self.padding_idx is None:
            return rows
        padding = (input == self.padding_idx)[..., None]
        return jnp.where(padding, jax.lax.stop_gradient(rows), rows)


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
        if mode not in ("sum", "mean", "max"):
            raise ValueError(f"mode must be 'sum', 'mean' or 'max', got {mode!r}")
        if mode == "max" and scale_grad_by_freq:
            raise ValueError("scale_grad_by_freq=True does not go with mode='max'")
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
        self._check(input, offsets, per_sample_weights)
        indices = jnp.asarray(input).reshape(-1)
        bags, count = self._bags(input, offsets)
        if self.max_norm is not None:
            weight = self.weight[...]
            self.weight[...] = renorm(weight, indices, self.max_norm, self.norm_type)
        rows = rows_of(self.weight[...], indices)
        mask = jnp.ones(len(indices), bool)
        if self.padding_idx is not None:
            mask = indices != self.padding_idx
        if self.mode == "max":
            return _largest(rows, mask, bags, count)
        if self.scale_grad_by_freq:
            times = occurrences(indices, self.num_embeddings, rows.dtype)
            rows = with_slope(rows, rows, 1 / times[:, None])
        if per_sample_weights is not None:
            rows = rows * jnp.asarray(per_sample_weights).reshape(-1, 1)
        total = jax.ops.segment_sum(jnp.where(mask[:, None], rows, 0), bags, count)
        if self.mode == "sum":
            return total
        sizes = jax.ops.segment_sum(mask.astype(total.dtype), bags, count)
        # An empty bag is 0, and not 0/0.
        return total / jnp.maximum(sizes, 1)[:, None]

    def _bags(
        self, input: jax.Array, offsets: jax.Array | None
    ) -> tuple[jax.Array, int]:
        """Which bag each index is in, and how many bags there are."""
        places = jnp.arange(input.size)
        if offsets is None:
            return places // max(input.shape[1], 1), input.shape[0]
        starts = jnp.asarray(offsets)
        starts = starts[:-1] if self.include_last_offset else starts
        # "right": of bags that begin at one place all but the last are empty.
        return jnp.searchsorted(starts, places, side="right") - 1, len(starts)

    def _check(
        self,
        input: jax.Array,
        offsets: jax.Array | None,
        per_sample_weights: jax.Array | None,
    ) -> None:
        name = f"EmbeddingBag({self.num_embeddings}, {self.embedding_dim})"
        if not jnp.issubdtype(input.dtype, jnp.integer):
            raise TypeError(f"{name} takes integers, got an input of {input.dtype}")
        check_ndim(name, input, (1, 2))
        if (offsets is None) != (input.ndim == 2):
            reason = "none are given" if offsets is None else "they are given"
            raise misfit(name, input, f"offsets are for one dimension alone: {reason}")
        if offsets is not None and offsets.ndim != 1:
            raise misfit(name, offsets, "offsets must have 1 dimension")
        if per_sample_weights is None:
            return
        if self.mode != "sum":
            raise ValueError(f"per_sample_weights need mode='sum', not {self.mode!r}")
        if per_sample_weights.shape != input.shape:
            raise misfit(name, per_sample_weights, f"weights must be {input.shape}")


def _largest(
    rows: jax.Array, mask: jax.Array, bags: jax.Array, count: int
) -> jax.Array:
    """The largest element of each bag; of equal ones the first takes the gradient."""
    # For the comparison alone; the gradient is that of the rows picked below.
    values = jnp.where(mask[:, None], jax.lax.stop_gradient(rows), -jnp.inf)
    highest = jax.ops.segment_max(values, bags, count)
    places = jnp.arange(len(rows))[:, None]
    there = mask[:, None] & (values == highest[bags])
    first = jax.ops.segment_min(jnp.where(there, places, len(rows)), bags, count)
    nonempty = jax.ops.segment_sum(mask.astype(int), bags, count) > 0
    # A bag without rows has no first one; it becomes 0.
    maxima = jnp.take_along_axis(rows, first, 0, mode="clip")
    return jnp.where(nonempty[:, None], maxima, 0)
