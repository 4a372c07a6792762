import jax
import jax.numpy as jnp
from jax.nn import relu
from jax.typing import ArrayLike

from jaxtrain.losses._inputs import broadcast, floats
from jaxtrain.losses._reduction import check_reduction, reduce

EPSILON = 1e-12
"""Added to each squared length, so that a vector of zeros has cosine 0."""


def cosine_embedding_loss(
    input1: ArrayLike,
    input2: ArrayLike,
    target: ArrayLike,
    margin: float = 0.0,
    reduction: str = "mean",
) -> jax.Array:
    """l_n = 1 - cos(a_n, b_n) where y_n = 1, max(0, cos - m) where y_n = -1, else 0.

    Args:
        input1: a, (features,) or (batch, features).
        input2: b, likewise; the two shapes broadcast.
        target: y, () or (batch,).
        margin: m, the cosine below which different vectors cost nothing.
        reduction: `"mean"`, `"sum"` or `"none"`.

    Raises:
        ValueError: shapes do not fit, or no such reduction.
        TypeError: the input is not floating-point.

    Equal vectors cost some 1e-12 and not 0, since ε is added to their lengths.

    PyTorch: `torch.nn.functional.cosine_embedding_loss`.

    Example:
        >>> a, b = jnp.array([[1.0, 0.0]]), jnp.array([[0.0, 1.0]])
        >>> print(cosine_embedding_loss(a, b, jnp.array([1])))
        1.0
    """
    check_reduction(reduction)
    (a, b), dtype = floats(input1=input1, input2=input2)
    y = jnp.asarray(target)
    if y.ndim > 1 or not a.ndim == b.ndim == y.ndim + 1:
        raise ValueError(
            f"target of shape {y.shape} does not fit input1 of shape {a.shape} and "
            f"input2 of shape {b.shape}: () needs (features,), and (batch,) needs "
            "(batch, features)"
        )
    a, b = broadcast(input1=a, input2=b)
    squares = ((v * v).sum(-1) + EPSILON for v in (a, b))
    cos = (a * b).sum(-1) / jnp.sqrt(next(squares) * next(squares))
    cos, y = broadcast(cosines=cos, target=y)
    losses = jnp.where(y == 1, 1 - cos, 0) + jnp.where(y == -1, relu(cos - margin), 0)
    return reduce(losses, reduction).astype(dtype)
