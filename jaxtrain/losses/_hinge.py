import jax
import jax.numpy as jnp
from jax.nn import relu
from jax.typing import ArrayLike

from jaxtrain.losses._inputs import broadcast, floats
from jaxtrain.losses._reduction import check_reduction, reduce


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
