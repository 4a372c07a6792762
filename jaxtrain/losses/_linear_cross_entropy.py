import math

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from jaxtrain.losses._cross_entropy import cross_entropy
from jaxtrain.losses._inputs import floats


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
    given = {"input": input, "linear_weight": linear_weight}
    if linear_bias is not None:
        given["linear_bias"] = linear_bias
    (x, matrix, *bias), dtype = floats(**given)
    _check(x, matrix, bias)
    logits_shape = x.shape[:-1] + matrix.shape[:-1]
    if jnp.shape(target) == logits_shape and ignore_index is not None:
        raise ValueError(
            "ignore_index cannot be given with probabilities as targets, but is "
            f"{ignore_index}"
        )
    flat = matrix.reshape(math.prod(matrix.shape[:-1]), matrix.shape[-1])
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
