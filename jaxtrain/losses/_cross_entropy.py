import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from jaxtrain.losses._reduction import check_reduction, total


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

    A class index out of range raises in PyTorch; compiled code cannot, so its loss is
    NaN.

    PyTorch: `torch.nn.functional.cross_entropy`.

    Example:
        >>> print(cross_entropy(jnp.zeros((64, 10)), jnp.zeros(64, int)).round(6))
        2.302585
    """
    input, target = jnp.asarray(input), jnp.asarray(target)
    _check(input, target, reduction, label_smoothing)
    axis = 0 if input.ndim == 1 else 1
    log_p = jax.nn.log_softmax(input, axis)
    weights = None if weight is None else _class_weights(weight, log_p, axis)
    if jnp.issubdtype(target.dtype, jnp.floating):
        return _of_probabilities(
            log_p, target, weights, axis, reduction, label_smoothing
        )
    return _of_indices(
        log_p, target, weights, axis, ignore_index, reduction, label_smoothing
    )


def _check(
    input: jax.Array, target: jax.Array, reduction: str, label_smoothing: float
) -> None:
    check_reduction(reduction)
    if not 0 <= label_smoothing <= 1:
        raise ValueError(
            f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing}"
        )
    probabilities = jnp.issubdtype(target.dtype, jnp.floating)
    indices = input.shape[:1] + input.shape[2:] if input.ndim > 1 else ()
    expected = input.shape if probabilities else indices
    if input.ndim == 0 or target.shape != expected:
        kind = "probabilities" if probabilities else "class indices"
        raise ValueError(
            f"input of shape {input.shape} needs {kind} of shape {expected}, "
            f"but target has shape {target.shape}"
        )


def _class_weights(weight: ArrayLike, log_p: jax.Array, axis: int) -> jax.Array:
    weight = jnp.asarray(weight, log_p.dtype)
    if weight.shape != (log_p.shape[axis],):
        raise ValueError(
            f"weight must have one value for each of {log_p.shape[axis]} classes, "
            f"but has shape {weight.shape}"
        )
    return weight.reshape(-1, *[1] * (log_p.ndim - axis - 1))


def _of_indices(
    log_p: jax.Array,
    target: jax.Array,
    weights: jax.Array | None,
    axis: int,
    ignore_index: int,
    reduction: str,
    label_smoothing: float,
) -> jax.Array:
    target = jnp.expand_dims(target.astype(jnp.int32), axis)
    kept = target != ignore_index
    # What is picked where the target is ignored is replaced by 0 in turn. A negative
    # index would count from the end: past the end it picks NaN.
    picked = jnp.where(kept, jnp.where(target < 0, log_p.shape[axis], target), 0)

    def pick(values: jax.Array) -> jax.Array:
        chosen = jnp.take_along_axis(values, picked, axis, mode="fill")
        return jnp.where(kept, chosen, 0).squeeze(axis)

    ones = jnp.ones_like(log_p)
    shares = pick(ones if weights is None else jnp.broadcast_to(weights, log_p.shape))

    def reduce(losses: jax.Array) -> jax.Array:
        if reduction == "none":
            return losses
        return total(losses) / total(shares) if reduction == "mean" else total(losses)

    value = reduce(-pick(log_p) * shares)
    if not label_smoothing:
        return value
    weighted = log_p if weights is None else log_p * weights
    spread = reduce(jnp.where(kept.squeeze(axis), -weighted.sum(axis), 0))
    share = label_smoothing / log_p.shape[axis]
    return value * (1 - label_smoothing) + spread * share


def _of_probabilities(
    log_p: jax.Array,
    target: jax.Array,
    weights: jax.Array | None,
    axis: int,
    reduction: str,
    label_smoothing: float,
) -> jax.Array:
    classes = log_p.shape[axis]
    if label_smoothing:
        target = target * (1 - label_smoothing) + label_smoothing / classes
    terms = log_p * target if weights is None else log_p * target * weights
    losses = -terms.sum(axis)
    if reduction == "mean":
        return total(losses) / losses.size
    return total(losses) if reduction == "sum" else losses
