"""Losses of class labels: negative log likelihood and cross-entropy."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from jaxtrain.losses._inputs import check_reduction, floats, integers, reduce, total


def class_axis(input: jax.Array) -> int:
    """The dimension of the classes: the second, or the only one."""
    return 0 if input.ndim == 1 else 1


def check_shapes(
    input: jax.Array, target: jax.Array, probabilities: bool = False
) -> None:
    """Raise `ValueError` unless the target fits the input."""
    indices = input.shape[:1] + input.shape[2:] if input.ndim > 1 else ()
    target_shape = input.shape if probabilities else indices
    if input.ndim == 0 or target.shape != target_shape:
        kind = "probabilities" if probabilities else "class indices"
        raise ValueError(
            f"input of shape {input.shape} needs {kind} of shape {target_shape}, "
            f"but target has shape {target.shape}"
        )


def class_weights(weight: ArrayLike, log_p: jax.Array, axis: int) -> jax.Array:
    """The classes' weights, in a shape that broadcasts against the input."""
    weight = jnp.asarray(weight, log_p.dtype)
    if weight.shape != (log_p.shape[axis],):
        raise ValueError(
            f"weight must have one value for each of {log_p.shape[axis]} classes, "
            f"but has shape {weight.shape}"
        )
    # (classes, 1, …), one 1 for each position.
    return weight.reshape(-1, *[1] * (log_p.ndim - axis - 1))


def nll_of_indices(
    log_p: jax.Array,
    target: jax.Array,
    weights: jax.Array | None,
    axis: int,
    ignore_index: int,
    reduction: str,
    label_smoothing: float = 0.0,
) -> jax.Array:
    """-w[y_n] · log_p[y_n], reduced; NaN where y_n is no class.

    Args:
        log_p: the classes' log-probabilities.
        target: class indices, shaped as `log_p` without its class dimension.
        weights: as `class_weights` returns them.
        axis: the class dimension.
        ignore_index: targets of this value count for nothing.
        reduction: `"mean"` divides by the weights of the targets that are kept.
        label_smoothing: share of the target that is spread over all classes; PyTorch
            divides the mean of that part by the same weights.
    """
    target = jnp.expand_dims(target.astype(jnp.int32), axis)
    mask = target != ignore_index
    # What is picked where the target is ignored is replaced by 0 in turn. A negative
    # index would count from the end: past the end it picks NaN.
    index = jnp.where(mask, jnp.where(target < 0, log_p.shape[axis], target), 0)

    def pick(values: jax.Array) -> jax.Array:
        entries = jnp.take_along_axis(values, index, axis, mode="fill")
        return jnp.where(mask, entries, 0).squeeze(axis)

    ones = jnp.ones_like(log_p)
    shares = pick(ones if weights is None else jnp.broadcast_to(weights, log_p.shape))

    def combine(losses: jax.Array) -> jax.Array:
        if reduction == "mean":
            return total(losses) / total(shares)
        return reduce(losses, reduction)

    value = combine(-pick(log_p) * shares)
    if not label_smoothing:
        return value
    weighted = log_p if weights is None else log_p * weights
    spread = combine(jnp.where(mask.squeeze(axis), -weighted.sum(axis), 0))
    share = label_smoothing / log_p.shape[axis]
    return value * (1 - label_smoothing) + spread * share


def nll_loss(
    input: ArrayLike,
    target: ArrayLike,
    weight: ArrayLike | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
) -> jax.Array:
    """Negative log-likelihood: l_n = -w[y_n] · x_n[y_n].

    `"mean"` divides by the sum of the weights of the targets that are kept.

    Args:
        input: log-probabilities, (classes,), (batch, classes) or (batch, classes,
            *positions). `cross_entropy` is this of a `log_softmax`.
        target: class indices, shaped as the input without its class dimension.
        weight: one factor for each class.
        ignore_index: targets of this value count for nothing.
        reduction: `"mean"`, `"sum"` or `"none"`.

    Raises:
        ValueError: shapes do not fit, or no such reduction.
        TypeError: the input is not floating-point, or the target no integers.

    A class index out of range, which PyTorch refuses, makes the loss NaN.

    PyTorch: `torch.nn.functional.nll_loss`.

    Example:
        >>> import jax.numpy as jnp
        >>> log_p = jnp.log(jnp.array([[0.5, 0.5], [0.1, 0.9]]))
        >>> print(nll_loss(log_p, jnp.array([0, -100])).round(6))
        0.693147
    """
    check_reduction(reduction)
    (log_p,), dtype = floats(input=input)
    (labels,) = integers(target=target)
    check_shapes(log_p, labels)
    axis = class_axis(log_p)
    weights = None if weight is None else class_weights(weight, log_p, axis)
    return nll_of_indices(log_p, labels, weights, axis, ignore_index, reduction).astype(
        dtype
    )


def cross_entropy(
    input: ArrayLike,
    target: ArrayLike,
    weight: ArrayLike | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> jax.Array:
    """Softmax cross-entropy: l_n = -w[y_n] · log softmax(x_n)[y_n].

    `"mean"` divides by the sum of the weights of the targets that are kept; where the
    targets are probabilities, by their number.

    Args:
        input: logits, (classes,), (batch, classes) or (batch, classes, *positions).
        target: class indices, shaped as the input without its class dimension, or
            floating-point class probabilities shaped as the input.
        weight: one factor for each class.
        ignore_index: targets of this value count for nothing (indices only).
        reduction: `"mean"`, `"sum"` or `"none"`.
        label_smoothing: share in [0, 1] of the target that is spread over all classes.

    Returns:
        A scalar, or with `"none"` the losses in the shape of the class indices.

    Raises:
        ValueError: shapes do not fit, or an argument is none of the above.
        TypeError: the input is not floating-point.

    A class index out of range, which PyTorch refuses, makes the loss NaN.

    PyTorch: `torch.nn.functional.cross_entropy`.

    Example:
        >>> print(cross_entropy(jnp.zeros((64, 10)), jnp.zeros(64, int)).round(6))
        2.302585
    """
    check_reduction(reduction)
    # PyTorch takes a negative share for none; it is surely a mistake.
    if not 0 <= label_smoothing <= 1:
        raise ValueError(
            f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing}"
        )
    (x,), dtype = floats(input=input)
    target = jnp.asarray(target)
    probabilities = jnp.issubdtype(target.dtype, jnp.floating)
    check_shapes(x, target, probabilities)
    axis = class_axis(x)
    # Not the logarithm of a softmax, which would be -∞ where that rounds to 0.
    log_p = jax.nn.log_softmax(x, axis)
    weights = None if weight is None else class_weights(weight, log_p, axis)
    if probabilities:
        shares = target.astype(log_p.dtype)
        value = _of_probabilities(
            log_p, shares, weights, axis, reduction, label_smoothing
        )
    else:
        value = nll_of_indices(
            log_p, target, weights, axis, ignore_index, reduction, label_smoothing
        )
    return value.astype(dtype)


def _of_probabilities(
    log_p: jax.Array,
    target: jax.Array,
    weights: jax.Array | None,
    axis: int,
    reduction: str,
    label_smoothing: float,
) -> jax.Array:
    if label_smoothing:
        share = label_smoothing / log_p.shape[axis]
        target = target * (1 - label_smoothing) + share
    # PyTorch's order: input · target · weight.
    terms = log_p * target if weights is None else log_p * target * weights
    return reduce(-terms.sum(axis), reduction)


def linear_cross_entropy(
    input: ArrayLike,
    linear_weight: ArrayLike,
    target: ArrayLike,
    *,
    linear_bias: ArrayLike | None = None,
    weight: ArrayLike | None = None,
    reduction: str = "mean",
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
) -> jax.Array:
    """Cross-entropy of a linear layer's outputs: `cross_entropy(x Wᵀ + b, y)`.

    PyTorch's `options` choose how it saves memory, not what is computed; they do not
    exist here.

    Args:
        input: (in_features,) or (batch, in_features).
        linear_weight: W, (classes, in_features) or (classes, *positions, in_features).
        target: class indices, (batch, *positions), or probabilities, (batch, classes,
            *positions); without the batch where the input has none.
        linear_bias: b, (classes, *positions).
        weight: one factor for each class.
        reduction: `"mean"`, `"sum"` or `"none"`.
        ignore_index: class indices of this value count for nothing; None means -100.
        label_smoothing: share in [0, 1] of the target that is spread over all classes.

    Raises:
        ValueError: shapes do not fit, an argument is none of the above, or
            `ignore_index` is given with probabilities.
        TypeError: the input is not floating-point.

    PyTorch: `torch.nn.functional.linear_cross_entropy`.

    Example:
        >>> x, w = jnp.ones((2, 3)), jnp.zeros((10, 3))
        >>> print(linear_cross_entropy(x, w, jnp.array([1, 2])).round(6))
        2.302585
    """
    arrays = {"input": input, "linear_weight": linear_weight}
    if linear_bias is not None:
        arrays["linear_bias"] = linear_bias
    (x, matrix, *bias), dtype = floats(**arrays)
    _check(x, matrix, bias)
    logits_shape = x.shape[:-1] + matrix.shape[:-1]
    if jnp.shape(target) == logits_shape and ignore_index is not None:
        raise ValueError(
            "ignore_index cannot be given with probabilities as targets, but is "
            f"{ignore_index}"
        )
    flat = matrix.reshape(math.prod(matrix.shape[:-1]), matrix.shape[-1])
    # GPUs and TPUs would otherwise round the factors to fewer digits; PyTorch does not.
    logits = jnp.matmul(x, flat.T, precision=jax.lax.Precision.HIGHEST)
    logits = logits.reshape(logits_shape) + (bias[0] if bias else 0)
    return cross_entropy(
        logits,
        target,
        weight,
        -100 if ignore_index is None else ignore_index,
        reduction,
        label_smoothing,
    ).astype(dtype)


def _check(x: jax.Array, matrix: jax.Array, bias: list[jax.Array]) -> None:
    if x.ndim not in (1, 2):
        raise ValueError(f"input must have 1 or 2 dimensions, but has shape {x.shape}")
    if matrix.ndim < 2 or matrix.shape[-1] != x.shape[-1]:
        raise ValueError(
            f"input of shape {x.shape} needs a linear_weight of shape (classes, …, "
            f"{x.shape[-1]}), but it has shape {matrix.shape}"
        )
    if matrix.ndim > 2 and x.ndim == 1:
        raise ValueError(
            f"linear_weight of shape {matrix.shape} needs an input with a batch "
            f"dimension, but it has shape {x.shape}"
        )
    if bias and bias[0].shape != matrix.shape[:-1]:
        raise ValueError(
            f"linear_bias must have shape {matrix.shape[:-1]}, but has {bias[0].shape}"
        )
