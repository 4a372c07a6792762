import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from jaxtrain.losses._derivative import absolute
from jaxtrain.losses._inputs import check_same_shape, floats
from jaxtrain.losses._reduction import check_reduction, reduce
from jaxtrain.losses._regression import l1_loss


def huber_loss(
    input: ArrayLike,
    target: ArrayLike,
    reduction: str = "mean",
    delta: float = 1.0,
    weight: ArrayLike | None = None,
) -> jax.Array:
    """Huber's loss: l_n = d²/2 where |d| < δ, else δ(|d| - δ/2), with d = x_n - y_n.

    Args:
        input: predictions, of any shape.
        target: what they should be, of the same shape. PyTorch warns and broadcasts;
            here another shape is an error.
        reduction: `"mean"`, `"sum"` or `"none"`.
        delta: δ > 0, where the parabola ends.
        weight: a factor for each element, shaped as the input. Unlike in `mse_loss` and
            `l1_loss` the mean is still over the number of elements, as in PyTorch.

    Raises:
        ValueError: shapes differ, δ is not positive, or no such reduction.
        TypeError: the input is not floating-point.

    PyTorch: `torch.nn.functional.huber_loss`.
    Reference: Huber 1964, https://doi.org/10.1214/aoms/1177703732

    Example:
        >>> print(huber_loss(jnp.array([0.5, 3.0]), jnp.zeros(2), reduction="none"))
        [0.125 2.5  ]
    """
    check_reduction(reduction)
    if not delta > 0:
        raise ValueError(
            f"huber_loss does not support non-positive values for delta: {delta}"
        )
    given = {"input": input, "target": target}
    if weight is not None:
        given["weight"] = weight
    arrays, dtype = floats(**given)
    check_same_shape(**dict(zip(given, arrays, strict=True)))
    d = arrays[0] - arrays[1]
    size = absolute(d)
    losses = jnp.where(size < delta, 0.5 * d * d, delta * (size - 0.5 * delta))
    if weight is not None:
        losses = losses * arrays[2]
    return reduce(losses, reduction).astype(dtype)


def smooth_l1_loss(
    input: ArrayLike,
    target: ArrayLike,
    reduction: str = "mean",
    beta: float = 1.0,
) -> jax.Array:
    """Smooth L1: l_n = d²/2β where |d| < β, else |d| - β/2, with d = x_n - y_n.

    That is `huber_loss(delta=beta)` divided by β; with β = 0, `l1_loss`.

    Args:
        input: predictions, of any shape.
        target: what they should be, of the same shape. PyTorch warns and broadcasts;
            here another shape is an error.
        reduction: `"mean"`, `"sum"` or `"none"`.
        beta: β ≥ 0, where the parabola ends.

    Raises:
        ValueError: shapes differ, β is negative, or no such reduction.
        TypeError: the input is not floating-point.

    PyTorch: `torch.nn.functional.smooth_l1_loss`.
    Reference: Girshick 2015, https://arxiv.org/abs/1504.08083

    Example:
        >>> print(smooth_l1_loss(jnp.array([1.0, 3.0]), jnp.zeros(2), "none", beta=2.0))
        [0.25 2.  ]
    """
    if not beta >= 0:
        raise ValueError(
            f"smooth_l1_loss does not support negative values for beta: {beta}"
        )
    if beta == 0:
        return l1_loss(input, target, reduction)
    check_reduction(reduction)
    (x, y), dtype = floats(input=input, target=target)
    check_same_shape(input=x, target=y)
    d = x - y
    size = absolute(d)
    losses = jnp.where(size < beta, 0.5 * d * d / beta, size - 0.5 * beta)
    return reduce(losses, reduction).astype(dtype)
