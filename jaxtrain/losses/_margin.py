"""Losses that ask for a margin, and the count of errors."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax.nn import relu
from jax.typing import ArrayLike

from jaxtrain.losses._cross_entropy import check_shapes, class_axis
from jaxtrain.losses._inputs import broadcast, check_reduction, floats, integers, reduce


def hinge_loss(
    input: ArrayLike,
    target: ArrayLike,
    margin: float = 1.0,
    reduction: str = "mean",
) -> jax.Array:
    """Hinge loss of a support vector machine: l_n = max(0, m - y_n·x_n).

    Args:
        input: scores.
        target: y, 1 or -1; the two shapes broadcast.
        margin: m, the score from which a right answer costs nothing.
        reduction: `"mean"`, `"sum"` or `"none"`.

    Raises:
        ValueError: shapes do not broadcast, or no such reduction.
        TypeError: the input is not floating-point.

    The gradient at y·x = m is 0. For several classes see `multi_margin_loss`.

    PyTorch: `torch.clamp_min(margin - target * input, 0)`; it has no function for this.
    Reference: Cortes and Vapnik 1995, https://doi.org/10.1007/BF00994018

    Example:
        >>> x, y = jnp.array([0.5, 2.0]), jnp.array([-1, 1])
        >>> print(hinge_loss(x, y, reduction="none"))
        [1.5 0. ]
    """
    check_reduction(reduction)
    arrays, dtype = floats(input=input, target=target)
    x, y = broadcast(input=arrays[0], target=arrays[1])
    # `relu` has slope 0 at its kink; `jnp.maximum` would have 1/2 there.
    return reduce(relu(margin - y * x), reduction).astype(dtype)


def hinge_embedding_loss(
    input: ArrayLike,
    target: ArrayLike,
    margin: float = 1.0,
    reduction: str = "mean",
) -> jax.Array:
    """l_n = x_n where y_n = 1, and max(0, m - x_n) where y_n = -1.

    Args:
        input: distances.
        target: y, 1 (alike) or -1; the two shapes broadcast. Any other number counts as
            both, and the losses add up, as in PyTorch.
        margin: m, how far apart is far enough.
        reduction: `"mean"`, `"sum"` or `"none"`.

    Raises:
        ValueError: shapes do not broadcast, or no such reduction.
        TypeError: the input is not floating-point.

    The gradient at x = m is 0.

    PyTorch: `torch.nn.functional.hinge_embedding_loss`.

    Example:
        >>> x, y = jnp.array([0.3, 0.3]), jnp.array([1, -1])
        >>> print(hinge_embedding_loss(x, y, reduction="none"))
        [0.3 0.7]
    """
    check_reduction(reduction)
    (x, y), dtype = floats(input=input, target=target)
    x, y = broadcast(input=x, target=y)
    apart = jnp.where(y != 1, relu(margin - x), 0)
    return reduce(apart + jnp.where(y != -1, x, 0), reduction).astype(dtype)


def multi_margin_loss(
    input: ArrayLike,
    target: ArrayLike,
    p: int = 1,
    margin: float = 1.0,
    weight: ArrayLike | None = None,
    reduction: str = "mean",
) -> jax.Array:
    """Hinge loss of several classes: l_n = Σ w[y]·max(0, m - x[y] + x[i])ᵖ / classes.

    The sum is over the classes i other than y.

    Args:
        input: scores, (classes,) or (batch, classes).
        target: class indices: (batch,), or one as () or (1,) without a batch.
        p: 1 or 2.
        margin: m.
        weight: w, one factor for each class.
        reduction: `"mean"`, `"sum"` or `"none"`.

    Raises:
        ValueError: shapes do not fit, p is neither 1 nor 2, or no such reduction.
        TypeError: the input is not floating-point, or the target no integers.

    A class index out of range, which PyTorch refuses, makes the loss NaN. The gradient
    where the arguments of the maximum are equal is 0. Of an empty batch the mean is NaN
    and the sum 0; PyTorch returns uninitialised memory.

    PyTorch: `torch.nn.functional.multi_margin_loss`.

    Example:
        >>> x = jnp.array([[0.1, 0.2, 0.4, 0.8]])
        >>> print(multi_margin_loss(x, jnp.array([3])).round(6))
        0.325
    """
    check_reduction(reduction)
    if p not in (1, 2):
        raise ValueError(f"only p == 1 and p == 2 supported, not {p}")
    (x,), dtype = floats(input=input)
    (labels,) = integers(target=target)
    _check(x, labels)
    classes = x.shape[-1]
    label = labels.reshape(*x.shape[:-1], 1)  # (batch, 1), or (1,)
    # A negative index would count from the end: past the end it picks NaN.
    label = jnp.where(label < 0, classes, label)
    excess = relu(margin - jnp.take_along_axis(x, label, -1, mode="fill") + x)
    terms = excess if p == 1 else excess * excess
    if weight is not None:
        weights = _class_weights(weight, x)
        terms = terms * jnp.take(weights, label, mode="fill", fill_value=jnp.nan)
    losses = jnp.where(jnp.arange(classes) != label, terms, 0).sum(-1) / classes
    return reduce(losses.reshape(labels.shape), reduction).astype(dtype)


def _check(x: jax.Array, target: jax.Array) -> None:
    if x.ndim not in (1, 2) or x.shape[-1] == 0:
        raise ValueError(
            f"input must have shape (classes,) or (batch, classes), not {x.shape}"
        )
    if target.shape not in ([x.shape[:1]] if x.ndim == 2 else [(), (1,)]):
        raise ValueError(
            f"input of shape {x.shape} needs class indices of shape "
            f"{x.shape[:-1]}, but target has shape {target.shape}"
        )


def _class_weights(weight: ArrayLike, x: jax.Array) -> jax.Array:
    weight = jnp.asarray(weight, x.dtype)
    if weight.shape != x.shape[-1:]:
        raise ValueError(
            f"weight must have one value for each of {x.shape[-1]} classes, "
            f"but has shape {weight.shape}"
        )
    return weight


def margin_ranking_loss(
    input1: ArrayLike,
    input2: ArrayLike,
    target: ArrayLike,
    margin: float = 0.0,
    reduction: str = "mean",
) -> jax.Array:
    """l_n = max(0, m - y_n·(a_n - b_n)): a should rank above b where y = 1.

    Args:
        input1: a.
        input2: b.
        target: y, 1 or -1. The three have equally many dimensions, and broadcast.
        margin: m.
        reduction: `"mean"`, `"sum"` or `"none"`.

    Raises:
        ValueError: shapes do not fit, or no such reduction.
        TypeError: the input is not floating-point.

    The gradient where the two arguments of the maximum are equal is 0.

    PyTorch: `torch.nn.functional.margin_ranking_loss`.

    Example:
        >>> import jax.numpy as jnp
        >>> a, b = jnp.array([3.0, 1.0]), jnp.array([1.0, 3.0])
        >>> print(margin_ranking_loss(a, b, jnp.array([1, 1]), reduction="none"))
        [0. 2.]
    """
    check_reduction(reduction)
    (a, b, y), dtype = floats(input1=input1, input2=input2, target=target)
    if not a.ndim == b.ndim == y.ndim:
        raise ValueError(
            "input1, input2 and target must have equally many dimensions, but have "
            f"shapes {a.shape}, {b.shape} and {y.shape}"
        )
    a, b, y = broadcast(input1=a, input2=b, target=y)
    return reduce(relu(-y * (a - b) + margin), reduction).astype(dtype)


def zero_one_loss(
    input: ArrayLike, target: ArrayLike, reduction: str = "mean"
) -> jax.Array:
    """0-1 loss: l_n = 0 where the largest score is the target's, else 1.

    A metric: `"mean"` is the share of wrong answers. It is a step function, so there is
    nothing to descend: to differentiate it is an error, as it is in PyTorch.

    Args:
        input: scores, (classes,), (batch, classes) or (batch, classes, *positions). Of
            equal scores the first counts.
        target: class indices, shaped as the input without its class dimension.
        reduction: `"mean"`, `"sum"` or `"none"`.

    Raises:
        ValueError: shapes do not fit, or no such reduction.
        TypeError: the input is not floating-point, or the target no integers, or a
            derivative is asked for.

    PyTorch: `(input.argmax(1) != target).float().mean()`.

    Example:
        >>> import jax.numpy as jnp
        >>> scores = jnp.array([[0.1, 0.9], [0.8, 0.2]])
        >>> print(zero_one_loss(scores, jnp.array([1, 1])))
        0.5
    """
    check_reduction(reduction)
    (x,), dtype = floats(input=input)
    (labels,) = integers(target=target)
    check_shapes(x, labels)
    wrong = _no_gradient(x).argmax(class_axis(x)) != labels
    return reduce(wrong.astype(x.dtype), reduction).astype(dtype)


# JAX takes the slope of `argmax` for 0 in silence; this makes it an error.
@jax.custom_jvp
def _no_gradient(x: jax.Array) -> jax.Array:
    return x


@_no_gradient.defjvp
def _(primals: Any, tangents: Any) -> Any:
    raise TypeError(
        "zero_one_loss has no gradient: it is a metric. Train with cross_entropy or "
        "multi_margin_loss"
    )
