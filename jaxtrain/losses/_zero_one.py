from typing import Any

import jax
from jax.typing import ArrayLike

from jaxtrain.losses._class_indices import check_shapes, class_axis
from jaxtrain.losses._inputs import floats, integers
from jaxtrain.losses._reduction import check_reduction, reduce


def zero_one_loss(
    input: ArrayLike, target: ArrayLike, reduction: str = "mean"
) -> jax.Array:
    """0-1 loss: l_n = 0 where the largest score is the target's, else 1.

    A metric: `"mean"` is the share of wrong answers. It is a step function, so there is
    nothing to descend: to differentiate it is an error, as it is in PyTorch.

    Args:
        input: scores, (classes,), (batch, classes) or (batch, classes, *positions). Of
            equal scores the first counts.
        target: class indices, shaped as the input without its class dimension.
        reduction: `"mean"`, `"sum"` or `"none"`.

    Raises:
        ValueError: shapes do not fit, or no such reduction.
        TypeError: the input is not floating-point, or the target no integers, or a
            derivative is asked for.

    PyTorch: `(input.argmax(1) != target).float().mean()`.

    Example:
        >>> import jax.numpy as jnp
        >>> scores = jnp.array([[0.1, 0.9], [0.8, 0.2]])
        >>> print(zero_one_loss(scores, jnp.array([1, 1])))
        0.5
    """
    check_reduction(reduction)
    (x,), dtype = floats(input=input)
    (labels,) = integers(target=target)
    check_shapes(x, labels)
    wrong = _no_gradient(x).argmax(class_axis(x)) != labels
    return reduce(wrong.astype(x.dtype), reduction).astype(dtype)


@jax.custom_jvp
def _no_gradient(x: jax.Array) -> jax.Array:
    return x


@_no_gradient.defjvp
def _(primals: Any, tangents: Any) -> Any:
    raise TypeError(
        "zero_one_loss has no gradient: it is a metric. Train with cross_entropy or "
        "multi_margin_loss"
    )
