import math

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from jaxtrain.losses._derivative import with_partials
from jaxtrain.losses._inputs import broadcast, floats
from jaxtrain.losses._reduction import check_reduction, reduce


def gaussian_nll_loss(
    input: ArrayLike,
    target: ArrayLike,
    var: ArrayLike,
    full: bool = False,
    eps: float = 1e-6,
    reduction: str = "mean",
) -> jax.Array:
    """Gaussian negative log-likelihood: l_n = (log v_n + (x_n - y_n)²/v_n)/2.

    Args:
        input: predicted means.
        target: samples; broadcasts against the input.
        var: v, predicted variances: a number, or shaped as the input, or with a last
            dimension of 1 or without it, or with any one dimension of 1.
        full: add the constant log(2π)/2.
        eps: variances below it count as ε, and still receive the gradient at ε.
        reduction: `"mean"`, `"sum"` or `"none"`.

    Raises:
        ValueError: shapes do not fit, `var` is a negative number, or no such reduction.
        TypeError: the input is not floating-point.

    A negative variance in a tensor, which PyTorch refuses, makes the loss NaN.

    PyTorch: `torch.nn.functional.gaussian_nll_loss`.
    Reference: Nix and Weigend 1994, https://doi.org/10.1109/ICNN.1994.374138

    Example:
        >>> print(gaussian_nll_loss(jnp.ones(2), jnp.zeros(2), 0.5).round(6))
        0.653426
    """
    check_reduction(reduction)
    if isinstance(var, int | float) and var < 0:
        raise ValueError(f"var has negative entry/entries: {var}")
    (x, y, v), dtype = floats(input=input, target=target, var=var)
    v = _fitted(v, x.shape)
    x, y, v = broadcast(input=x, target=y, var=v)
    clamped = _clamp(v, jnp.full_like(v, eps))
    losses = 0.5 * (jnp.log(clamped) + jnp.square(x - y) / clamped)
    if full:
        losses = losses + 0.5 * math.log(2 * math.pi)
    return reduce(losses, reduction).astype(dtype)


_clamp = with_partials(
    lambda v, eps: jnp.where(v < 0, jnp.nan, jnp.maximum(v, eps)),
    lambda v, eps: jnp.ones_like(v),
    lambda v, eps: jnp.zeros_like(v),
)


def _fitted(var: jax.Array, shape: tuple[int, ...]) -> jax.Array:
    if var.ndim == 0 or var.shape == shape:
        return var
    if var.shape == shape[:-1]:
        return var[..., None]
    pairs = zip(var.shape, shape, strict=False)
    others = [of_var for of_var, of_input in pairs if of_var != of_input]
    if var.ndim == len(shape) and others == [1]:
        return var
    raise ValueError(
        f"var is of incorrect size: it has shape {var.shape}, and the input {shape}"
    )
