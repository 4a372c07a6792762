"""Tables that are looked up: rows, and sums of rows."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike

from jaxtrain.nn.functional._distance import vector_norm
from jaxtrain.nn.functional._rectifiers import with_slope
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


def embedding_renorm(
    weight: jax.Array, input: jax.Array, max_norm: float, norm_type: float
) -> jax.Array:
    """The table with the rows of the input shortened to `max_norm` where longer.

    Its derivative is that of the table itself, as PyTorch shortens outside of autograd.

    PyTorch: `torch.embedding_renorm_`.

    Example:
        >>> weight = jnp.array([[3.0, 4.0], [6.0, 8.0]])
        >>> embedding_renorm(weight, jnp.array([0]), 1.0, 2.0)
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


def one_hot(input: jax.Array, num_classes: int = -1) -> jax.Array:
    """y[…, c] = 1 where x is c, 0 elsewhere.

    Args:
        input: integers x, of any shape.
        num_classes: how many c there are; -1 for one more than the largest x, which
            cannot be known inside a compiled function.

    Raises:
        TypeError: x is not of integers.
        ValueError: an x is no class; the number of classes is to be found inside a
            compiled function, or of nothing.

    PyTorch: `torch.nn.functional.one_hot`.

    Example:
        >>> one_hot(jnp.array([0, 2]))
        Array([[1, 0, 0],
               [0, 0, 1]], dtype=int32)
    """
    if not jnp.issubdtype(input.dtype, jnp.integer):
        raise TypeError(f"one_hot takes integers, got an input of {input.dtype}")
    kind = jax.dtypes.canonicalize_dtype(jnp.int64)
    if isinstance(input, jax.core.Tracer):
        if num_classes == -1:
            raise ValueError("one_hot needs num_classes inside a compiled function")
        return jax.nn.one_hot(input, num_classes, dtype=kind)
    numbers = np.asarray(input)
    if num_classes == -1:
        if not numbers.size:
            raise ValueError("one_hot needs num_classes where there are no numbers")
        num_classes = int(numbers.max()) + 1
    if num_classes < 1 or (
        numbers.size and not 0 <= numbers.min() <= numbers.max() < num_classes
    ):
        raise ValueError(
            f"one_hot takes numbers from 0 to below num_classes, got {num_classes=} "
            f"and numbers from {numbers.min(initial=0)} to {numbers.max(initial=0)}"
        )
    return jax.nn.one_hot(jnp.asarray(input), num_classes, dtype=kind)


def embedding(
    input: jax.Array,
    weight: jax.Array,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> jax.Array:
    """y = W[i]: row i of the weight for each index; NaN for an index that is no row.

    With `max_norm` PyTorch shortens the rows in place, in the weight itself: here the
    values are those of the shortened rows, and `embedding_renorm` gives the weight that
    PyTorch would leave behind. See `nn.Embedding` for the rest.

    Args:
        input: i, integers of any shape.
        weight: W, (rows, size).
        padding_idx: a row that gets no gradient; may be negative.
        max_norm: rows that are looked up, and are longer, are shortened to it.
        norm_type: p of the norm that `max_norm` bounds.
        scale_grad_by_freq: whether a row's gradient is divided by the number of times
            that its index occurs.
        sparse: without effect.

    Raises:
        ValueError: `padding_idx` is no row.
        TypeError: an input is not of integers.

    PyTorch: `torch.nn.functional.embedding`.

    Example:
        >>> embedding(jnp.array([1, 0]), jnp.eye(2))
        Array([[0., 1.],
               [1., 0.]], dtype=float32)
    """
    if not jnp.issubdtype(input.dtype, jnp.integer):
        raise TypeError(f"Embedding takes integers, got an input of {input.dtype}")
    number = row_number(padding_idx, weight.shape[0])
    if max_norm is not None:
        weight = embedding_renorm(weight, input, max_norm, norm_type)
    rows = rows_of(weight, input)
    if scale_grad_by_freq:
        counts = occurrences(input, weight.shape[0], rows.dtype)
        # The gradient alone is divided: values are looked up as ever.
        rows = with_slope(rows, rows, 1 / counts[..., None])
    if number is None:
        return rows
    padding = (input == number)[..., None]
    return jnp.where(padding, jax.lax.stop_gradient(rows), rows)


def embedding_bag(
    input: jax.Array,
    weight: jax.Array,
    offsets: jax.Array | None = None,
    max_norm: float | None = None,
    norm_type: float = 2,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: jax.Array | None = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> jax.Array:
    """y = sum, mean or maximum of the rows of each bag of indices, (bags, size).

    A bag without indices gives zeros; an index that is no row gives NaN.

    Args:
        input: indices, (bags, n), or (n,) of all bags one after the other.
        weight: (rows, size).
        offsets: where each bag begins, for an input (n,); the first is 0.
        max_norm: as for `embedding`, and so the two that follow.
        norm_type: p of the norm that `max_norm` bounds.
        scale_grad_by_freq: not for `"max"`.
        mode: `"sum"`, `"mean"` or `"max"`.
        sparse: without effect.
        per_sample_weights: what each row is multiplied by, of the input's shape.
        include_last_offset: whether the last offset is the number of indices, not the
            beginning of a bag.
        padding_idx: a row that gets no gradient and does not count in a bag; may be
            negative.

    Raises:
        ValueError: another mode, `padding_idx` is no row, weights for samples in
            another mode than `"sum"`, offsets missing or not wanted.
        TypeError: an input is not of integers.

    PyTorch: `torch.nn.functional.embedding_bag`.

    Example:
        >>> embedding_bag(jnp.array([0, 1, 1]), jnp.eye(2), jnp.array([0, 1]))
        Array([[1., 0.],
               [0., 1.]], dtype=float32)
    """
    check_mode(mode, scale_grad_by_freq)
    _check_bags(weight.shape, input, offsets, per_sample_weights, mode)
    number = row_number(padding_idx, weight.shape[0])
    indices = jnp.asarray(input).reshape(-1)
    bags, count = _bags(input, offsets, include_last_offset)
    if max_norm is not None:
        weight = embedding_renorm(weight, indices, max_norm, norm_type)
    rows = rows_of(weight, indices)
    mask = jnp.ones(len(indices), bool) if number is None else indices != number
    if mode == "max":
        return _largest(rows, mask, bags, count)
    if scale_grad_by_freq:
        times = occurrences(indices, weight.shape[0], rows.dtype)
        rows = with_slope(rows, rows, 1 / times[:, None])
    if per_sample_weights is not None:
        rows = rows * jnp.asarray(per_sample_weights).reshape(-1, 1)
    total = jax.ops.segment_sum(jnp.where(mask[:, None], rows, 0), bags, count)
    if mode == "sum":
        return total
    sizes = jax.ops.segment_sum(mask.astype(total.dtype), bags, count)
    # An empty bag is 0, and not 0/0.
    return total / jnp.maximum(sizes, 1)[:, None]


def check_mode(mode: str, scale_grad_by_freq: bool) -> None:
    """Let a way to join a bag's rows pass that exists.

    Example:
        >>> check_mode("mean", True)
    """
    if mode not in ("sum", "mean", "max"):
        raise ValueError(f"mode must be 'sum', 'mean' or 'max', got {mode!r}")
    if mode == "max" and scale_grad_by_freq:
        raise ValueError("scale_grad_by_freq=True does not go with mode='max'")


def _bags(
    input: jax.Array, offsets: jax.Array | None, include_last_offset: bool
) -> tuple[jax.Array, int]:
    """Which bag each index is in, and how many bags there are."""
    places = jnp.arange(input.size)
    if offsets is None:
        return places // max(input.shape[1], 1), input.shape[0]
    starts = jnp.asarray(offsets)
    starts = starts[:-1] if include_last_offset else starts
    # "right": of bags that begin at one place all but the last are empty.
    return jnp.searchsorted(starts, places, side="right") - 1, len(starts)


def _check_bags(
    table: tuple[int, ...],
    input: jax.Array,
    offsets: jax.Array | None,
    per_sample_weights: jax.Array | None,
    mode: str,
) -> None:
    name = f"EmbeddingBag({', '.join(map(str, table))})"
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
    if mode != "sum":
        raise ValueError(f"per_sample_weights need mode='sum', not {mode!r}")
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
