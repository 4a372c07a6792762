import jax
import jax.numpy as jnp
from flax import nnx
from jax.typing import DTypeLike

from jaxtrain import rng
from jaxtrain.nn._input import check_ndim, misfit
from jaxtrain.nn._lookup import (
    checked_row,
    drawn_rows,
    occurrences,
    renormed,
    rows_of,
)
from jaxtrain.nn._slope import with_slope


class EmbeddingBag(nnx.Module):
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
        self.padding_idx = checked_row(padding_idx, num_embeddings)
        self.weight = drawn_rows(
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
            self.weight[...] = renormed(weight, indices, self.max_norm, self.norm_type)
        rows = rows_of(self.weight[...], indices)
        counted = jnp.ones(len(indices), bool)
        if self.padding_idx is not None:
            counted = indices != self.padding_idx
        if self.mode == "max":
            return _largest(rows, counted, bags, count)
        if self.scale_grad_by_freq:
            times = occurrences(indices, self.num_embeddings, rows.dtype)
            rows = with_slope(rows, rows, 1 / times[:, None])
        if per_sample_weights is not None:
            rows = rows * jnp.asarray(per_sample_weights).reshape(-1, 1)
        total = jax.ops.segment_sum(jnp.where(counted[:, None], rows, 0), bags, count)
        if self.mode == "sum":
            return total
        sizes = jax.ops.segment_sum(counted.astype(total.dtype), bags, count)
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
            said = "none are given" if offsets is None else "they are given"
            raise misfit(name, input, f"offsets are for one dimension alone: {said}")
        if offsets is not None and offsets.ndim != 1:
            raise misfit(name, offsets, "offsets must have 1 dimension")
        if per_sample_weights is None:
            return
        if self.mode != "sum":
            raise ValueError(f"per_sample_weights need mode='sum', not {self.mode!r}")
        if per_sample_weights.shape != input.shape:
            raise misfit(name, per_sample_weights, f"weights must be {input.shape}")


def _largest(
    rows: jax.Array, counted: jax.Array, bags: jax.Array, count: int
) -> jax.Array:
    """The largest element of each bag; of equal ones the first takes the gradient."""
    held = jnp.where(counted[:, None], jax.lax.stop_gradient(rows), -jnp.inf)
    highest = jax.ops.segment_max(held, bags, count)
    places = jnp.arange(len(rows))[:, None]
    there = counted[:, None] & (held == highest[bags])
    first = jax.ops.segment_min(jnp.where(there, places, len(rows)), bags, count)
    filled = jax.ops.segment_sum(counted.astype(int), bags, count) > 0
    found = jnp.take_along_axis(rows, first, 0, mode="clip")
    return jnp.where(filled[:, None], found, 0)
