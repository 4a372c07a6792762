from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
from jax.nn import relu
from jax.typing import ArrayLike

from jaxtrain.losses._distance import pairwise_distance
from jaxtrain.losses._inputs import floats
from jaxtrain.losses._reduction import check_reduction, reduce

Distance = Callable[[jax.Array, jax.Array], jax.Array]


def triplet_margin_loss(
    anchor: ArrayLike,
    positive: ArrayLike,
    negative: ArrayLike,
    margin: float = 1.0,
    p: float = 2.0,
    eps: float = 1e-6,
    swap: bool = False,
    reduction: str = "mean",
) -> jax.Array:
    """l_n = max(0, m + d(a_n, p_n) - d(a_n, n_n)), with d(x, y) = ‖x - y + ε‖ₚ.

    Args:
        anchor: a, (…, features).
        positive: what should be near it.
        negative: what should be far from it. The three have equally many dimensions,
            and broadcast.
        margin: m > 0.
        p: of the norm; any number, and infinity.
        eps: ε, added to each difference, with its sign.
        swap: take d(p, n) for d(a, n) where it is smaller.
        reduction: `"mean"`, `"sum"` or `"none"`.

    Raises:
        ValueError: shapes do not fit, m is not positive, or no such reduction.
        TypeError: the input is not floating-point.

    The gradient at distance 0, and where the arguments of the maximum are equal, is 0.

    PyTorch: `torch.nn.functional.triplet_margin_loss`.
    Reference: Balntas et al. 2016, https://doi.org/10.5244/C.30.119

    Example:
        >>> a, near, far = jnp.zeros((1, 2)), jnp.ones((1, 2)), 2 * jnp.ones((1, 2))
        >>> print(triplet_margin_loss(a, near, far, p=1, margin=3.0).round(5))
        1.0
    """
    distance = partial(pairwise_distance, p=p, eps=eps)
    return triplet_margin_with_distance_loss(
        anchor,
        positive,
        negative,
        distance_function=distance,
        margin=margin,
        swap=swap,
        reduction=reduction,
    )


def triplet_margin_with_distance_loss(
    anchor: ArrayLike,
    positive: ArrayLike,
    negative: ArrayLike,
    *,
    distance_function: Distance | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> jax.Array:
    """l_n = max(0, m + d(a_n, p_n) - d(a_n, n_n)), with a distance d of your own.

    Args:
        anchor: a, (…, features).
        positive: what should be near it.
        negative: what should be far from it. The three have equally many dimensions.
        distance_function: d, of two tensors; None: ‖x - y + 1e-6‖₂.
        margin: m > 0.
        swap: take d(p, n) for d(a, n) where it is smaller.
        reduction: `"mean"`, `"sum"` or `"none"`.

    Raises:
        ValueError: shapes do not fit, m is not positive, or no such reduction.
        TypeError: the input is not floating-point.

    PyTorch: `torch.nn.functional.triplet_margin_with_distance_loss`.

    Example:
        >>> a, near, far = jnp.zeros((1, 2)), jnp.ones((1, 2)), 2 * jnp.ones((1, 2))
        >>> distance = lambda x, y: jnp.abs(x - y).max(-1)
        >>> print(triplet_margin_with_distance_loss(
        ...     a, near, far, distance_function=distance, margin=3.0
        ... ))
        2.0
    """
    check_reduction(reduction)
    if not margin > 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    (a, near, far), dtype = floats(anchor=anchor, positive=positive, negative=negative)
    if not a.ndim == near.ndim == far.ndim:
        raise ValueError(
            "anchor, positive and negative must have equally many dimensions, but have "
            f"shapes {a.shape}, {near.shape} and {far.shape}"
        )
    distance = distance_function or pairwise_distance
    to_near, to_far = distance(a, near), distance(a, far)
    if swap:
        to_far = jnp.minimum(to_far, distance(near, far))
    return reduce(relu(margin + to_near - to_far), reduction).astype(dtype)
