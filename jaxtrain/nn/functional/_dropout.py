"""The dropout family."""

from __future__ import annotations

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp

from jaxtrain.nn.masks import Order, draw_mask
from jaxtrain.nn.shapes import check_ndim, misfit

Apply = Callable[[jax.Array, jax.Array, float], jax.Array]


def dropout(
    input: jax.Array,
    p: float = 0.5,
    training: bool = True,
    inplace: bool = False,
    *,
    order: Order = None,
) -> jax.Array:
    """y = x · m / (1 - p) in training, m drawn from Bernoulli(1 - p); y = x otherwise.

    The masks come from `nn.dropout_source`. PyTorch fills a mask in the order of its
    tensor's *memory*: where it holds the tensor transposed, `order` says how.

    Args:
        input: x, of any shape.
        p: probability of an element to be zeroed.
        training: whether anything is.
        inplace: without effect.
        order: the axes from the slowest to the fastest in PyTorch's memory, such as
            (1, 0, 2) for what came out of `swapaxes(0, 1)`, or `"channels_last"`; see
            `nn.Dropout`.

    Raises:
        ValueError: p lies outside [0, 1]; `order` does not name the axes; masks are to
            come from the host's generator inside a compiled function.

    PyTorch: `torch.nn.functional.dropout`.

    Example:
        >>> from jaxtrain import rng
        >>> _ = rng.manual_seed(0)
        >>> dropout(jnp.ones(8))
        Array([0., 0., 2., 0., 0., 0., 2., 2.], dtype=float32)
    """
    return _drop(input, input.shape, p, training, order)


def alpha_dropout(
    input: jax.Array,
    p: float = 0.5,
    training: bool = False,
    inplace: bool = False,
    *,
    order: Order = None,
) -> jax.Array:
    """y = a (x m - 1.7581 (1 - m)) + 1.7581 a p with a = ((1 + 1.7581² p)(1 - p))^(-½).

    The arguments are those of `dropout`, but for the default of `training`.

    PyTorch: `torch.nn.functional.alpha_dropout`.

    Example:
        >>> from jaxtrain import rng
        >>> _ = rng.manual_seed(0)
        >>> alpha_dropout(jnp.ones(3), training=True)
        Array([-0.77919394, -0.77919394,  1.6655989 ], dtype=float32)
    """
    return _drop(input, input.shape, p, training, order, _saturate)


def feature_alpha_dropout(
    input: jax.Array, p: float = 0.5, training: bool = False, inplace: bool = False
) -> jax.Array:
    """`alpha_dropout` of whole channels of (N, C, *).

    PyTorch draws a mask of channels by itself, whatever the tensor's memory: there is
    no `order`, nor for the three that follow.

    Raises:
        ValueError: as for `dropout`; an input has fewer than two dimensions.

    PyTorch: `torch.nn.functional.feature_alpha_dropout`.

    Example:
        >>> feature_alpha_dropout(jnp.ones((1, 3, 4)), training=True).shape
        (1, 3, 4)
    """
    _check_channels(f"FeatureAlphaDropout({p})", input)
    return _drop(input, _one_a_channel(input, 2), p, training, None, _saturate)


def dropout1d(
    input: jax.Array, p: float = 0.5, training: bool = True, inplace: bool = False
) -> jax.Array:
    """Dropout of whole channels of (N, C, L) or (C, L).

    Raises:
        ValueError: as for `dropout`; an input has not two or three dimensions.

    PyTorch: `torch.nn.functional.dropout1d`.

    Example:
        >>> from jaxtrain import rng
        >>> _ = rng.manual_seed(0)
        >>> dropout1d(jnp.ones((3, 2)))
        Array([[0., 0.],
               [0., 0.],
               [2., 2.]], dtype=float32)
    """
    check_ndim(f"Dropout1d({p})", input, (2, 3))
    return _drop(input, _one_a_channel(input, input.ndim - 1), p, training)


def dropout2d(
    input: jax.Array, p: float = 0.5, training: bool = True, inplace: bool = False
) -> jax.Array:
    """Dropout of whole channels of (N, C, H, W), (N, C, L) or any (N, C, *).

    Raises:
        ValueError: as for `dropout`; an input has fewer than two dimensions.

    PyTorch: `torch.nn.functional.dropout2d`.

    Example:
        >>> from jaxtrain import rng
        >>> _ = rng.manual_seed(0)
        >>> dropout2d(jnp.ones((1, 3, 2, 2))).sum((2, 3))
        Array([[0., 0., 8.]], dtype=float32)
    """
    _check_channels(f"Dropout2d({p})", input)
    return _drop(input, _one_a_channel(input, 2), p, training)


def dropout3d(
    input: jax.Array, p: float = 0.5, training: bool = True, inplace: bool = False
) -> jax.Array:
    """Dropout of whole channels of (N, C, D, H, W), (C, D, H, W) or any (C, *).

    Raises:
        ValueError: as for `dropout`; an input has fewer than two dimensions.

    PyTorch: `torch.nn.functional.dropout3d`.

    Example:
        >>> from jaxtrain import rng
        >>> _ = rng.manual_seed(0)
        >>> dropout3d(jnp.ones((3, 1, 2, 2))).sum((1, 2, 3))
        Array([0., 0., 8.], dtype=float32)
    """
    _check_channels(f"Dropout3d({p})", input)
    lead = 2 if input.ndim == 5 else 1
    return _drop(input, _one_a_channel(input, lead), p, training)


def check_probability(p: float) -> None:
    """Let a probability pass.

    Example:
        >>> check_probability(0.5)
    """
    if not 0 <= p <= 1:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")


def _check_channels(name: str, input: jax.Array) -> None:
    if input.ndim < 2:
        raise misfit(name, input, "it must have a batch and channels")


def _one_a_channel(input: jax.Array, lead: int) -> tuple[int, ...]:
    """Shape of a mask with one element for each entry of the first dimensions."""
    return input.shape[:lead] + (1,) * (input.ndim - lead)


def _drop(
    input: jax.Array,
    shape: tuple[int, ...],
    p: float,
    training: bool,
    order: Order = None,
    apply: Apply | None = None,
) -> jax.Array:
    check_probability(p)
    # PyTorch draws nothing in these cases, nor with p = 1: streams go on alike.
    if not training or p == 0 or input.size == 0:
        return input
    if p == 1:
        return input * jnp.zeros_like(input)
    return (apply or _zero)(input, draw_mask(input, shape, 1 - p, order), p)


def _zero(input: jax.Array, keep: jax.Array, p: float) -> jax.Array:
    # PyTorch divides the mask, and then multiplies: `noise.div_(1 - p)`.
    return input * (keep / (1 - p))


_SATURATION = 1.7580993408473766  # of SELU at -∞, the product of its two constants


def _saturate(input: jax.Array, keep: jax.Array, p: float) -> jax.Array:
    a = 1 / math.sqrt((_SATURATION**2 * p + 1) * (1 - p))
    # ATen/native/Dropout.cpp, in its order.
    shift = (keep - 1) * (_SATURATION * a) + _SATURATION * a * p
    return input * (keep * a) + shift
