import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from jaxtrain.losses._inputs import broadcast_to, floats
from jaxtrain.losses._reduction import check_reduction, reduce


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
    return reduce(jnp.log1p(jnp.exp(-y * x)), reduction).astype(dtype)
