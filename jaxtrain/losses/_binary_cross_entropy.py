import jax
import jax.numpy as jnp
import numpy as np
from jax.nn import sigmoid, softplus
from jax.typing import ArrayLike

from jaxtrain.losses._derivative import with_partials
from jaxtrain.losses._inputs import broadcast_to, check_same_shape, floats
from jaxtrain.losses._reduction import check_reduction, reduce

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
    x, y, factors, dtype = _prepared(input, target, weight)
    losses = _of_probability(x, y)
    return reduce(losses if factors is None else losses * factors, reduction).astype(
        dtype
    )


def _value_of_probability(x: jax.Array, y: jax.Array) -> jax.Array:
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
    x, y, factors, dtype = _prepared(input, target, weight)
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
    return linear + ((p - 1) * y + 1) * jnp.log1p(jnp.exp(-jnp.abs(x)))


# The derivative of the value would be 1 - y - (1 - s), and lose a small s.
of_logits = with_partials(
    _value_of_logits,
    lambda x, y, p: (p * y + 1 - y) * sigmoid(x) - p * y,
    lambda x, y, p: (p - 1) * softplus(-x) - x,
    lambda x, y, p: y * softplus(-x),
)


def _prepared(
    input: ArrayLike, target: ArrayLike, weight: ArrayLike | None
) -> tuple[jax.Array, jax.Array, jax.Array | None, jnp.dtype]:
    given = {"input": input, "target": target}
    if weight is not None:
        given["weight"] = weight
    (x, y, *factors), dtype = floats(**given)
    check_same_shape(input=x, target=y)
    if not factors:
        return x, y, None, dtype
    return x, y, broadcast_to(x.shape, weight=factors[0]), dtype
