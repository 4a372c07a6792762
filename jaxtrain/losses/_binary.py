"""Losses of yes and no: binary and focal cross-entropy, several labels at once."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jax.nn import log_sigmoid, relu, sigmoid, softplus
from jax.typing import ArrayLike

from jaxtrain.losses._inputs import (
    broadcast,
    broadcast_to,
    check_reduction,
    check_same_shape,
    floats,
    integers,
    reduce,
    with_partials,
)

LEAST_DIVISOR = float(np.float32(1e-12))
"""PyTorch's 1e-12, which is a float32 in float64 code too."""


def binary_cross_entropy(
    input: ArrayLike,
    target: ArrayLike,
    weight: ArrayLike | None = None,
    reduction: str = "mean",
) -> jax.Array:
    """Binary cross-entropy: l_n = -w_n·(y_n·log x_n + (1 - y_n)·log(1 - x_n)).

    Each logarithm is at least -100; the gradient is (x - y) / max(x(1 - x), 1e-12).

    Args:
        input: probabilities, of any shape.
        target: probabilities, of the same shape.
        weight: factors that broadcast to that shape.
        reduction: `"mean"`, `"sum"` or `"none"`.

    Raises:
        ValueError: shapes do not fit, or no such reduction.
        TypeError: the input is not floating-point.

    What lies outside [0, 1], which PyTorch refuses, makes the loss NaN. The gradient
    with respect to the target is log(1 - x) - log x, unlimited.

    PyTorch: `torch.nn.functional.binary_cross_entropy`.

    Example:
        >>> x, y = jnp.array([0.0, 0.5]), jnp.ones(2)
        >>> print(binary_cross_entropy(x, y, reduction="none"))
        [100.          0.6931472]
    """
    check_reduction(reduction)
    x, y, factors, dtype = _prepare(input, target, weight)
    losses = _of_probability(x, y)
    return reduce(losses if factors is None else losses * factors, reduction).astype(
        dtype
    )


def _value_of_probability(x: jax.Array, y: jax.Array) -> jax.Array:
    # -100, as PyTorch has it, so that the loss stays finite at 0 and 1.
    yes, no = (jnp.maximum(log, -100) for log in (jnp.log(x), jnp.log1p(-x)))
    return jnp.where((y < 0) | (y > 1), jnp.nan, (y - 1) * no - y * yes)


_of_probability = with_partials(
    _value_of_probability,
    lambda x, y: (x - y) / jnp.maximum((1 - x) * x, LEAST_DIVISOR),
    lambda x, y: jnp.log(1 - x) - jnp.log(x),
)


def binary_cross_entropy_with_logits(
    input: ArrayLike,
    target: ArrayLike,
    weight: ArrayLike | None = None,
    reduction: str = "mean",
    pos_weight: ArrayLike | None = None,
) -> jax.Array:
    """l_n = -w_n·(p_n·y_n·log s_n + (1 - y_n)·log(1 - s_n)), with s = sigmoid(x).

    Args:
        input: logits, of any shape.
        target: probabilities, of the same shape.
        weight: w, factors that broadcast to that shape.
        reduction: `"mean"`, `"sum"` or `"none"`.
        pos_weight: p, factors of the positive part, that broadcast to that shape.

    Raises:
        ValueError: shapes do not fit, or no such reduction.
        TypeError: the input is not floating-point.

    PyTorch: `torch.nn.functional.binary_cross_entropy_with_logits`.

    Example:
        >>> x, y = jnp.array([-1e4, 0.0]), jnp.ones(2)
        >>> print(binary_cross_entropy_with_logits(x, y, reduction="none"))
        [1.000000e+04 6.931472e-01]
    """
    check_reduction(reduction)
    x, y, factors, dtype = _prepare(input, target, weight)
    positive = jnp.ones_like(x)
    if pos_weight is not None:
        positive = jnp.asarray(pos_weight, x.dtype)
        positive = broadcast_to(x.shape, pos_weight=positive)
    losses = of_logits(x, y, positive)
    return reduce(losses if factors is None else losses * factors, reduction).astype(
        dtype
    )


def _value_of_logits(x: jax.Array, y: jax.Array, p: jax.Array) -> jax.Array:
    # (1 - y)·x - (1 + (p - 1)·y)·log s, without the difference of two large terms.
    linear = p * y * jnp.maximum(-x, 0) + (1 - y) * jnp.maximum(x, 0)
    # softplus(-|x|) is what x and -x have in common; its exponential cannot overflow.
    return linear + ((p - 1) * y + 1) * jnp.log1p(jnp.exp(-jnp.abs(x)))


# The derivative of the value would be 1 - y - (1 - s), and lose a small s.
of_logits = with_partials(
    _value_of_logits,
    lambda x, y, p: (p * y + 1 - y) * sigmoid(x) - p * y,
    lambda x, y, p: (p - 1) * softplus(-x) - x,
    lambda x, y, p: y * softplus(-x),
)


def _prepare(
    input: ArrayLike, target: ArrayLike, weight: ArrayLike | None
) -> tuple[jax.Array, jax.Array, jax.Array | None, jnp.dtype]:
    arrays = {"input": input, "target": target}
    if weight is not None:
        arrays["weight"] = weight
    (x, y, *factors), dtype = floats(**arrays)
    check_same_shape(input=x, target=y)
    if not factors:
        return x, y, None, dtype
    return x, y, broadcast_to(x.shape, weight=factors[0]), dtype


def sigmoid_focal_loss(
    inputs: ArrayLike,
    targets: ArrayLike,
    alpha: float = 0.25,
    gamma: float = 2.0,
    reduction: str = "none",
) -> jax.Array:
    """Focal loss: l_n = a_t·(1 - p_t)^gamma·`binary_cross_entropy_with_logits`.

    p_t is sigmoid(x) where y = 1 and 1 less it where y = 0; a_t is alpha or 1 - alpha
    likewise.

    Args:
        inputs: logits, of any shape.
        targets: 0 or 1, of the same shape.
        alpha: in [0, 1], or -1 for no such factor.
        gamma: how much less what is already right counts.
        reduction: `"none"`, `"mean"` or `"sum"`.

    Raises:
        ValueError: shapes differ, alpha is none of the above, or no such reduction.
        TypeError: the input is not floating-point.

    PyTorch: `torchvision.ops.sigmoid_focal_loss`.
    Reference: Lin et al. 2017, https://arxiv.org/abs/1708.02002

    Example:
        >>> hard, easy = sigmoid_focal_loss(jnp.array([-4.0, 4.0]), jnp.ones(2))
        >>> f"{hard:.4f} {easy:.1e}"
        '0.9687 1.5e-06'
    """
    check_reduction(reduction)
    if not 0 <= alpha <= 1 and alpha != -1:
        raise ValueError(
            f"Invalid alpha value: {alpha}. alpha must be in the range [0,1] or -1 for "
            "ignore."
        )
    (x, y), dtype = floats(inputs=inputs, targets=targets)
    check_same_shape(inputs=x, targets=y)
    p = jax.nn.sigmoid(x)
    # p_t, equation 2 of the paper, without a branch: targets between 0 and 1 mix both.
    right = p * y + (1 - p) * (1 - y)
    losses = of_logits(x, y, jnp.ones_like(x))
    if gamma != 0:  # 0⁰ would have slope 0·∞
        losses = losses * (1 - right) ** gamma
    if alpha >= 0:
        losses = (alpha * y + (1 - alpha) * (1 - y)) * losses
    return reduce(losses, reduction).astype(dtype)


def soft_margin_loss(
    input: ArrayLike, target: ArrayLike, reduction: str = "mean"
) -> jax.Array:
    """Logistic loss of two classes: l_n = log(1 + exp(-y_n·x_n)).

    Args:
        input: scores.
        target: y, 1 or -1; broadcasts to the input's shape.
        reduction: `"mean"`, `"sum"` or `"none"`.

    Raises:
        ValueError: shapes do not fit, or no such reduction.
        TypeError: the input is not floating-point.

    The exponential overflows, as PyTorch's does: where -y·x exceeds 88 in float32 or
    709 in float64 the loss is infinite and its gradient NaN.
    `binary_cross_entropy_with_logits` does not overflow.

    PyTorch: `torch.nn.functional.soft_margin_loss`.

    Example:
        >>> print(soft_margin_loss(jnp.zeros(3), jnp.array([1, -1, 1])).round(6))
        0.693147
    """
    check_reduction(reduction)
    (x, y), dtype = floats(input=input, target=target)
    y = broadcast_to(x.shape, target=y)
    # PyTorch's formula; `softplus` would not overflow, and so not be equal.
    return reduce(jnp.log1p(jnp.exp(-y * x)), reduction).astype(dtype)


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
    # 0 from the first -1 on: labels behind it are ignored, whatever they are.
    mask = jnp.cumprod(labels != -1, axis=-1, dtype=jnp.int32) == 1
    # (…, labels, classes)
    members = mask[..., None] & (labels[..., None] == jnp.arange(classes))
    # Clipped alone: a label that is no class makes the row NaN in the end.
    at_labels = jnp.take_along_axis(x, jnp.where(mask, labels, 0), -1, mode="clip")
    excess = relu(1 - at_labels[..., None] + x[..., None, :])
    pairs = mask[..., None] & ~members.any(-2, keepdims=True)
    losses = jnp.where(pairs, excess, 0).sum((-2, -1)) / classes
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
    tensors = {"input": input, "target": target}
    if weight is not None:
        tensors["weight"] = weight
    arrays, dtype = floats(**tensors)
    if arrays[0].ndim == 0:
        raise ValueError("input must have a dimension of classes, but has shape ()")
    x, y, *weights = broadcast(**dict(zip(tensors, arrays, strict=True)))
    terms = -(y * log_sigmoid(x) + (1 - y) * log_sigmoid(-x))
    terms = terms * weights[0] if weights else terms
    # PyTorch divides by the last dimension of the input as given.
    losses = terms.sum(-1) / arrays[0].shape[-1]
    return reduce(losses, reduction).astype(dtype)
