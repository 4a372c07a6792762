"""The dropout family."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp

from jaxtrain.nn.masks import draw_mask
from jaxtrain.nn.module import Module
from jaxtrain.nn.shapes import check_ndim, misfit


class Dropout(Module):
    """y = x · m / (1 - p) in training, m drawn from Bernoulli(1 - p); y = x otherwise.

    `train()` and `eval()` of the module or of any module that holds it choose between
    the two. The masks come from `dropout_source`, by default from
    `rng.default_generator`: the very masks that PyTorch draws on the CPU after
    `torch.manual_seed` of the same seed.

    Args:
        p: probability of an element to be zeroed.

    Raises:
        ValueError: p lies outside [0, 1]; masks are to come from the host's generator
            inside a compiled function.

    PyTorch: `torch.nn.Dropout`.
    Reference: Hinton et al. 2012, https://arxiv.org/abs/1207.0580

    Example:
        >>> from jaxtrain import rng
        >>> _ = rng.manual_seed(0)
        >>> Dropout(0.5)(jnp.ones(8))
        Array([0., 0., 2., 0., 0., 0., 2., 2.], dtype=float32)
    """

    def __init__(self, p: float = 0.5):
        if not 0 <= p <= 1:
            raise ValueError(
                f"dropout probability has to be between 0 and 1, but got {p}"
            )
        self.p = p
        # The name by which Flax's `train()` and `eval()` set it.
        self.deterministic = False

    def __call__(self, input: jax.Array) -> jax.Array:
        # PyTorch draws nothing in these cases, nor with p = 1: streams go on alike.
        if self.deterministic or self.p == 0 or input.size == 0:
            return input
        if self.p == 1:
            return input * jnp.zeros_like(input)
        keep = draw_mask(input, self._mask_shape(input), 1 - self.p)
        return self._drop(input, keep)

    def _mask_shape(self, input: jax.Array) -> tuple[int, ...]:
        return input.shape

    def _drop(self, input: jax.Array, keep: jax.Array) -> jax.Array:
        # PyTorch divides the mask, and then multiplies: `noise.div_(1 - p)`.
        return input * (keep / (1 - self.p))


def _one_a_channel(input: jax.Array, batched: bool = True) -> tuple[int, ...]:
    """Shape of a mask that has one element for each channel of each example."""
    lead = 2 if batched else 1
    return input.shape[:lead] + (1,) * (input.ndim - lead)


class Dropout1d(Dropout):
    """Dropout of whole channels of (N, C, L) or (C, L).

    Args:
        p: probability of a channel to be zeroed.

    Raises:
        ValueError: p lies outside [0, 1]; an input has not two or three dimensions.

    PyTorch: `torch.nn.Dropout1d`.
    Reference: Tompson et al. 2014, https://arxiv.org/abs/1411.4280

    Example:
        >>> from jaxtrain import rng
        >>> _ = rng.manual_seed(0)
        >>> Dropout1d()(jnp.ones((3, 2)))
        Array([[0., 0.],
               [0., 0.],
               [2., 2.]], dtype=float32)
    """

    def _mask_shape(self, input: jax.Array) -> tuple[int, ...]:
        check_ndim(f"Dropout1d({self.p})", input, (2, 3))
        return _one_a_channel(input, batched=input.ndim == 3)


class Dropout2d(Dropout):
    """Dropout of whole channels of (N, C, H, W) or (N, C, L).

    PyTorch takes three dimensions for a batch of signals here, not for an image. It
    warns of other numbers of dimensions, which are an error here.

    Args:
        p: probability of a channel to be zeroed.

    Raises:
        ValueError: p lies outside [0, 1]; an input has not three or four dimensions.

    PyTorch: `torch.nn.Dropout2d`.
    Reference: Tompson et al. 2014, https://arxiv.org/abs/1411.4280

    Example:
        >>> from jaxtrain import rng
        >>> _ = rng.manual_seed(0)
        >>> Dropout2d()(jnp.ones((1, 3, 2, 2))).sum((2, 3))
        Array([[0., 0., 8.]], dtype=float32)
    """

    def _mask_shape(self, input: jax.Array) -> tuple[int, ...]:
        check_ndim(f"Dropout2d({self.p})", input, (3, 4))
        return _one_a_channel(input)


class Dropout3d(Dropout):
    """Dropout of whole channels of (N, C, D, H, W) or (C, D, H, W).

    Args:
        p: probability of a channel to be zeroed.

    Raises:
        ValueError: p lies outside [0, 1]; an input has not four or five dimensions
            (PyTorch warns of others).

    PyTorch: `torch.nn.Dropout3d`.
    Reference: Tompson et al. 2014, https://arxiv.org/abs/1411.4280

    Example:
        >>> from jaxtrain import rng
        >>> _ = rng.manual_seed(0)
        >>> Dropout3d()(jnp.ones((3, 1, 2, 2))).sum((1, 2, 3))
        Array([0., 0., 8.], dtype=float32)
    """

    def _mask_shape(self, input: jax.Array) -> tuple[int, ...]:
        check_ndim(f"Dropout3d({self.p})", input, (4, 5))
        return _one_a_channel(input, batched=input.ndim == 5)


_SATURATION = 1.7580993408473766  # of SELU at -∞, the product of its two constants


class AlphaDropout(Dropout):
    """Dropout to SELU's lower limit -1.7581, then scaled to keep mean 0, variance 1.

    y = a (x m - 1.7581 (1 - m)) + 1.7581 a p with a = ((1 + 1.7581² p)(1 - p))^(-1/2).

    Args:
        p: probability of an element to be dropped.

    Raises:
        ValueError: p lies outside [0, 1].

    PyTorch: `torch.nn.AlphaDropout`.
    Reference: Klambauer et al. 2017, https://arxiv.org/abs/1706.02515

    Example:
        >>> from jaxtrain import rng
        >>> _ = rng.manual_seed(0)
        >>> AlphaDropout()(jnp.ones(3))
        Array([-0.77919394, -0.77919394,  1.6655989 ], dtype=float32)
    """

    def _drop(self, input: jax.Array, keep: jax.Array) -> jax.Array:
        a = 1 / math.sqrt((_SATURATION**2 * self.p + 1) * (1 - self.p))
        # ATen/native/Dropout.cpp, in its order.
        shift = (keep - 1) * (_SATURATION * a) + _SATURATION * a * self.p
        return input * (keep * a) + shift


class FeatureAlphaDropout(AlphaDropout):
    """`AlphaDropout` of whole channels of (N, C, *).

    Args:
        p: probability of a channel to be dropped.

    Raises:
        ValueError: p lies outside [0, 1]; an input has fewer than two dimensions.

    PyTorch: `torch.nn.FeatureAlphaDropout`.

    Example:
        >>> from jaxtrain import rng
        >>> _ = rng.manual_seed(0)
        >>> FeatureAlphaDropout()(jnp.ones((1, 3, 4))).shape
        (1, 3, 4)
    """

    def _mask_shape(self, input: jax.Array) -> tuple[int, ...]:
        if input.ndim < 2:
            raise misfit(
                f"FeatureAlphaDropout({self.p})",
                input,
                "it must have a batch and channels",
            )
        return _one_a_channel(input)
