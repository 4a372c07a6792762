"""Losses that pick one class: what `cross_entropy` and `nll_loss` share."""

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from jaxtrain.losses._reduction import reduce, total


def class_axis(input: jax.Array) -> int:
    """The dimension of the classes: the second, or the only one."""
    return 0 if input.ndim == 1 else 1


def check_shapes(
    input: jax.Array, target: jax.Array, probabilities: bool = False
) -> None:
    """Raise `ValueError` unless the target fits the input."""
    indices = input.shape[:1] + input.shape[2:] if input.ndim > 1 else ()
    expected = input.shape if probabilities else indices
    if input.ndim == 0 or target.shape != expected:
        kind = "probabilities" if probabilities else "class indices"
        raise ValueError(
            f"input of shape {input.shape} needs {kind} of shape {expected}, "
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
        label_smoothing: share of the target that is spread over all classes.
    """
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

    def reduced(losses: jax.Array) -> jax.Array:
        if reduction == "mean":
            return total(losses) / total(shares)
        return reduce(losses, reduction)

    value = reduced(-pick(log_p) * shares)
    if not label_smoothing:
        return value
    weighted = log_p if weights is None else log_p * weights
    spread = reduced(jnp.where(kept.squeeze(axis), -weighted.sum(axis), 0))
    share = label_smoothing / log_p.shape[axis]
    return value * (1 - label_smoothing) + spread * share
