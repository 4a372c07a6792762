import jax
import jax.numpy as jnp
from jax.nn import log_sigmoid, relu
from jax.typing import ArrayLike

from jaxtrain.losses._inputs import (
    broadcast,
    check_same_shape,
    floats,
    integers,
)
from jaxtrain.losses._reduction import check_reduction, reduce


def multilabel_margin_loss(
    input: ArrayLike, target: ArrayLike, reduction: str = "mean"
) -> jax.Array:
    """l_n = Σ max(0, 1 - x[j] + x[i]) / classes, over labels j and all other classes i.

    Args:
        input: scores, (classes,) or (batch, classes).
        target: class indices, of the same shape: a row's labels are those before its
            first -1.
        reduction: `"mean"`, `"sum"` or `"none"`.

    Raises:
        ValueError: shapes do not fit, or no such reduction.
        TypeError: the input is not floating-point, or the target no integers.

    A row with an index below -1 or beyond the classes, which PyTorch refuses, has loss
    NaN. The gradient where the arguments of the maximum are equal is 0. Of an empty
    batch the mean is NaN and the sum 0; PyTorch returns uninitialised memory.

    PyTorch: `torch.nn.functional.multilabel_margin_loss`.

    Example:
        >>> x, labels = jnp.array([0.1, 0.2, 0.4, 0.8]), jnp.array([3, 0, -1, 1])
        >>> print(multilabel_margin_loss(x, labels).round(6))
        0.85
    """
    check_reduction(reduction)
    (x,), dtype = floats(input=input)
    (labels,) = integers(target=target)
    check_same_shape(input=x, target=labels)
    classes = _classes(x)
    wrong = ((labels < -1) | (labels >= classes)).any(-1)
    given = jnp.cumprod(labels != -1, axis=-1, dtype=jnp.int32) == 1
    members = given[..., None] & (labels[..., None] == jnp.arange(classes))
    picked = jnp.take_along_axis(x, jnp.where(given, labels, 0), -1, mode="clip")
    excess = relu(1 - picked[..., None] + x[..., None, :])
    counted = given[..., None] & ~members.any(-2, keepdims=True)
    losses = jnp.where(counted, excess, 0).sum((-2, -1)) / classes
    return reduce(jnp.where(wrong, jnp.nan, losses), reduction).astype(dtype)


def _classes(x: jax.Array) -> int:
    if x.ndim not in (1, 2) or x.shape[-1] == 0:
        raise ValueError(
            f"input must have shape (classes,) or (batch, classes), not {x.shape}"
        )
    return x.shape[-1]


def multilabel_soft_margin_loss(
    input: ArrayLike,
    target: ArrayLike,
    weight: ArrayLike | None = None,
    reduction: str = "mean",
) -> jax.Array:
    """Mean over the classes of w·`binary_cross_entropy_with_logits`.

    Args:
        input: logits, (…, classes).
        target: 1 or 0 for each class; the two shapes broadcast.
        weight: w, one factor for each class, or any shape that broadcasts.
        reduction: `"mean"`, `"sum"` or `"none"`, over what is left of the shape.

    Raises:
        ValueError: shapes do not fit, or no such reduction.
        TypeError: the input is not floating-point.

    PyTorch: `torch.nn.functional.multilabel_soft_margin_loss`.

    Example:
        >>> x, y = jnp.zeros((2, 3)), jnp.ones((2, 3))
        >>> print(multilabel_soft_margin_loss(x, y).round(6))
        0.693147
    """
    check_reduction(reduction)
    given = {"input": input, "target": target}
    if weight is not None:
        given["weight"] = weight
    arrays, dtype = floats(**given)
    if arrays[0].ndim == 0:
        raise ValueError("input must have a dimension of classes, but has shape ()")
    x, y, *weights = broadcast(**dict(zip(given, arrays, strict=True)))
    terms = -(y * log_sigmoid(x) + (1 - y) * log_sigmoid(-x))
    terms = terms * weights[0] if weights else terms
    # PyTorch divides by the last dimension of the input as given.
    losses = terms.sum(-1) / arrays[0].shape[-1]
    return reduce(losses, reduction).astype(dtype)
