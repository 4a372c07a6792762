import jax
import jax.numpy as jnp
from jax.nn import relu
from jax.typing import ArrayLike

from jaxtrain.losses._inputs import floats, integers
from jaxtrain.losses._reduction import check_reduction, reduce


def multi_margin_loss(
    input: ArrayLike,
    target: ArrayLike,
    p: int = 1,
    margin: float = 1.0,
    weight: ArrayLike | None = None,
    reduction: str = "mean",
) -> jax.Array:
    """Hinge loss of several classes: l_n = Σ w[y]·max(0, m - x[y] + x[i])ᵖ / classes.

    The sum is over the classes i other than y.

    Args:
        input: scores, (classes,) or (batch, classes).
        target: class indices: (batch,), or one as () or (1,) without a batch.
        p: 1 or 2.
        margin: m.
        weight: w, one factor for each class.
        reduction: `"mean"`, `"sum"` or `"none"`.

    Raises:
        ValueError: shapes do not fit, p is neither 1 nor 2, or no such reduction.
        TypeError: the input is not floating-point, or the target no integers.

    A class index out of range, which PyTorch refuses, makes the loss NaN. The gradient
    where the arguments of the maximum are equal is 0. Of an empty batch the mean is NaN
    and the sum 0; PyTorch returns uninitialised memory.

    PyTorch: `torch.nn.functional.multi_margin_loss`.

    Example:
        >>> x = jnp.array([[0.1, 0.2, 0.4, 0.8]])
        >>> print(multi_margin_loss(x, jnp.array([3])).round(6))
        0.325
    """
    check_reduction(reduction)
    if p not in (1, 2):
        raise ValueError(f"only p == 1 and p == 2 supported, not {p}")
    (x,), dtype = floats(input=input)
    (labels,) = integers(target=target)
    _check(x, labels)
    classes = x.shape[-1]
    label = labels.reshape(*x.shape[:-1], 1)
    # A negative index would count from the end: past the end it picks NaN.
    label = jnp.where(label < 0, classes, label)
    excess = relu(margin - jnp.take_along_axis(x, label, -1, mode="fill") + x)
    terms = excess if p == 1 else excess * excess
    if weight is not None:
        weights = _class_weights(weight, x)
        terms = terms * jnp.take(weights, label, mode="fill", fill_value=jnp.nan)
    losses = jnp.where(jnp.arange(classes) != label, terms, 0).sum(-1) / classes
    return reduce(losses.reshape(labels.shape), reduction).astype(dtype)


def _check(x: jax.Array, target: jax.Array) -> None:
    if x.ndim not in (1, 2) or x.shape[-1] == 0:
        raise ValueError(
            f"input must have shape (classes,) or (batch, classes), not {x.shape}"
        )
    if target.shape not in ([x.shape[:1]] if x.ndim == 2 else [(), (1,)]):
        raise ValueError(
            f"input of shape {x.shape} needs class indices of shape "
            f"{x.shape[:-1]}, but target has shape {target.shape}"
        )


def _class_weights(weight: ArrayLike, x: jax.Array) -> jax.Array:
    weight = jnp.asarray(weight, x.dtype)
    if weight.shape != x.shape[-1:]:
        raise ValueError(
            f"weight must have one value for each of {x.shape[-1]} classes, "
            f"but has shape {weight.shape}"
        )
    return weight
