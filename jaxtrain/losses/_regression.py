import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from jaxtrain.losses._derivative import absolute
from jaxtrain.losses._inputs import check_same_shape, floats
from jaxtrain.losses._reduction import check_reduction, reduce, total


def l1_loss(
    input: ArrayLike,
    target: ArrayLike,
    reduction: str = "mean",
    weight: ArrayLike | None = None,
) -> jax.Array:
    """Absolute error: l_n = |x_n - y_n|, with gradient 0 where they are equal.

    Args:
        input: predictions, of any shape.
        target: what they should be, of the same shape. PyTorch warns and broadcasts;
            here another shape is an error.
        reduction: `"mean"`, `"sum"` or `"none"`.
        weight: a factor for each element, shaped as the input. The mean is then divided
            by their sum.

    Raises:
        ValueError: shapes differ, or no such reduction.
        TypeError: the input is not floating-point.

    PyTorch: `torch.nn.functional.l1_loss`.

    Example:
        >>> print(l1_loss(jnp.array([1.0, 2.0]), jnp.array([0.0, 5.0])))
        2.0
    """
    difference, factors, dtype = _compared(input, target, weight, reduction)
    return _weighted(absolute(difference), factors, reduction).astype(dtype)


def mse_loss(
    input: ArrayLike,
    target: ArrayLike,
    reduction: str = "mean",
    weight: ArrayLike | None = None,
) -> jax.Array:
    """Squared error: l_n = (x_n - y_n)², not half of it.

    Args:
        input: predictions, of any shape.
        target: what they should be, of the same shape. PyTorch warns and broadcasts;
            here another shape is an error.
        reduction: `"mean"`, over all elements, `"sum"` or `"none"`.
        weight: a factor for each element, shaped as the input. The mean is then divided
            by their sum.

    Raises:
        ValueError: shapes differ, or no such reduction.
        TypeError: the input is not floating-point.

    PyTorch: `torch.nn.functional.mse_loss`.

    Example:
        >>> print(mse_loss(jnp.array([1.0, 2.0]), jnp.array([0.0, 5.0])))
        5.0
    """
    difference, factors, dtype = _compared(input, target, weight, reduction)
    return _weighted(jnp.square(difference), factors, reduction).astype(dtype)


def _compared(
    input: ArrayLike, target: ArrayLike, weight: ArrayLike | None, reduction: str
) -> tuple[jax.Array, jax.Array | None, jnp.dtype]:
    check_reduction(reduction)
    given = {"input": input, "target": target}
    if weight is not None:
        given["weight"] = weight
    arrays, dtype = floats(**given)
    check_same_shape(**dict(zip(given, arrays, strict=True)))
    return arrays[0] - arrays[1], arrays[2] if weight is not None else None, dtype


def _weighted(losses: jax.Array, weight: jax.Array | None, reduction: str) -> jax.Array:
    if weight is None:
        return reduce(losses, reduction)
    if reduction == "mean":
        return total(losses * weight) / total(weight)
    return reduce(losses * weight, reduction)
