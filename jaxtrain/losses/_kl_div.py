import jax
import jax.numpy as jnp
from jax.scipy.special import xlogy
from jax.typing import ArrayLike

from jaxtrain.losses._inputs import broadcast, floats
from jaxtrain.losses._reduction import REDUCTIONS, check_reduction, reduce, total


def kl_div(
    input: ArrayLike,
    target: ArrayLike,
    reduction: str = "mean",
    log_target: bool = False,
) -> jax.Array:
    """Kullback-Leibler divergence, element by element: l_n = y_n·(log y_n - x_n).

    Args:
        input: log-probabilities.
        target: probabilities; the two shapes broadcast.
        reduction: `"batchmean"` is the divergence, the sum divided by the batch size;
            `"mean"` divides by the number of elements, as PyTorch does with a warning;
            `"sum"` or `"none"`.
        log_target: the target too is in logarithms: l_n = exp(y_n)·(y_n - x_n).

    Raises:
        ValueError: shapes do not broadcast, or no such reduction.
        TypeError: the input is not floating-point.

    The gradient with respect to a target of probability 0 is NaN, as PyTorch's is.

    PyTorch: `torch.nn.functional.kl_div`.

    Example:
        >>> log_p, q = jnp.log(jnp.array([[0.5, 0.5]])), jnp.array([[0.0, 1.0]])
        >>> print(kl_div(log_p, q).round(6), kl_div(log_p, q, "batchmean").round(6))
        0.346574 0.693147
    """
    check_reduction(reduction, (*REDUCTIONS, "batchmean"))
    arrays, dtype = floats(input=input, target=target)
    x, y = broadcast(input=arrays[0], target=arrays[1])
    losses = jnp.exp(y) * (y - x) if log_target else xlogy(y, y) - y * x
    if reduction != "batchmean":
        return reduce(losses, reduction).astype(dtype)
    batch = arrays[0].shape[0] if arrays[0].ndim else 1
    return (total(losses) / batch).astype(dtype)
