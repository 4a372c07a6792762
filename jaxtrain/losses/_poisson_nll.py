import math

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from jaxtrain.losses._inputs import broadcast, floats
from jaxtrain.losses._reduction import check_reduction, reduce


def poisson_nll_loss(
    input: ArrayLike,
    target: ArrayLike,
    log_input: bool = True,
    full: bool = False,
    eps: float = 1e-8,
    reduction: str = "mean",
) -> jax.Array:
    """Poisson's negative log-likelihood: l_n = exp(x_n) - y_n·x_n.

    Args:
        input: the logarithm of the rate, or the rate itself.
        target: counts; the two shapes broadcast.
        log_input: False: the input is the rate and l_n = x_n - y_n·log(x_n + ε).
        full: add log(y_n!), by Stirling's formula, where y_n > 1.
        eps: ε.
        reduction: `"mean"`, `"sum"` or `"none"`.

    Raises:
        ValueError: shapes do not broadcast, or no such reduction.
        TypeError: the input is not floating-point.

    With `full` the gradient with respect to a target of 0 is NaN, as PyTorch's is.

    PyTorch: `torch.nn.functional.poisson_nll_loss`.

    Example:
        >>> print(poisson_nll_loss(jnp.zeros(2), jnp.array([1.0, 3.0])))
        1.0
    """
    check_reduction(reduction)
    arrays, dtype = floats(input=input, target=target)
    x, y = broadcast(input=arrays[0], target=arrays[1])
    losses = jnp.exp(x) - y * x if log_input else x - y * jnp.log(x + eps)
    if full:
        stirling = y * jnp.log(y) - y + 0.5 * jnp.log(2 * math.pi * y)
        losses = losses + jnp.where(y <= 1, 0, stirling)
    return reduce(losses, reduction).astype(dtype)
