import jax
from jax.nn import relu
from jax.typing import ArrayLike

from jaxtrain.losses._inputs import broadcast, floats
from jaxtrain.losses._reduction import check_reduction, reduce


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
