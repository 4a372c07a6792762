import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from jaxtrain.losses._class_indices import (
    check_shapes,
    class_axis,
    class_weights,
    nll_of_indices,
)
from jaxtrain.losses._inputs import floats
from jaxtrain.losses._reduction import check_reduction, reduce


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
    terms = log_p * target if weights is None else log_p * target * weights
    return reduce(-terms.sum(axis), reduction)
