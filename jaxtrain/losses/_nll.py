import jax
from jax.typing import ArrayLike

from jaxtrain.losses._class_indices import (
    check_shapes,
    class_axis,
    class_weights,
    nll_of_indices,
)
from jaxtrain.losses._inputs import floats, integers
from jaxtrain.losses._reduction import check_reduction


def nll_loss(
    input: ArrayLike,
    target: ArrayLike,
    weight: ArrayLike | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
) -> jax.Array:
    """Negative log-likelihood: l_n = -w[y_n] · x_n[y_n].

    `"mean"` divides by the sum of the weights of the targets that are kept.

    Args:
        input: log-probabilities, (classes,), (batch, classes) or (batch, classes,
            *positions). `cross_entropy` is this of a `log_softmax`.
        target: class indices, shaped as the input without its class dimension.
        weight: one factor for each class.
        ignore_index: targets of this value count for nothing.
        reduction: `"mean"`, `"sum"` or `"none"`.

    Raises:
        ValueError: shapes do not fit, or no such reduction.
        TypeError: the input is not floating-point, or the target no integers.

    A class index out of range, which PyTorch refuses, makes the loss NaN.

    PyTorch: `torch.nn.functional.nll_loss`.

    Example:
        >>> import jax.numpy as jnp
        >>> log_p = jnp.log(jnp.array([[0.5, 0.5], [0.1, 0.9]]))
        >>> print(nll_loss(log_p, jnp.array([0, -100])).round(6))
        0.693147
    """
    check_reduction(reduction)
    (log_p,), dtype = floats(input=input)
    (labels,) = integers(target=target)
    check_shapes(log_p, labels)
    axis = class_axis(log_p)
    weights = None if weight is None else class_weights(weight, log_p, axis)
    return nll_of_indices(log_p, labels, weights, axis, ignore_index, reduction).astype(
        dtype
    )
