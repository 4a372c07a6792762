"""Channels moved into pixels, back, and among one another."""

from __future__ import annotations

import jax

from jaxtrain.nn import functional as F
from jaxtrain.nn.functional._pixelshuffle import check_factor
from jaxtrain.nn.module import Module


class PixelShuffle(Module):
    """(*, C r², H, W) -> (*, C, H r, W r), each r² channels one square of r by r.

    Args:
        upscale_factor: r.

    Raises:
        ValueError: r is not positive; r² does not divide an input's channels.

    PyTorch: `torch.nn.PixelShuffle`.
    Reference: Shi et al. 2016, https://arxiv.org/abs/1609.05158

    Example:
        >>> import jax.numpy as jnp
        >>> PixelShuffle(2)(jnp.arange(4.0).reshape(4, 1, 1))
        Array([[[0., 1.],
                [2., 3.]]], dtype=float32)
    """

    def __init__(self, upscale_factor: int):
        self.upscale_factor = check_factor("upscale_factor", upscale_factor)

    def __call__(self, input: jax.Array) -> jax.Array:
        return F.pixel_shuffle(input, self.upscale_factor)


class PixelUnshuffle(Module):
    """(*, C, H r, W r) -> (*, C r², H, W): what `PixelShuffle` does, undone.

    Args:
        downscale_factor: r.

    Raises:
        ValueError: r is not positive; r does not divide an input's height and width.

    PyTorch: `torch.nn.PixelUnshuffle`.

    Example:
        >>> import jax.numpy as jnp
        >>> PixelUnshuffle(2)(jnp.arange(4.0).reshape(1, 2, 2)).ravel()
        Array([0., 1., 2., 3.], dtype=float32)
    """

    def __init__(self, downscale_factor: int):
        self.downscale_factor = check_factor("downscale_factor", downscale_factor)

    def __call__(self, input: jax.Array) -> jax.Array:
        return F.pixel_unshuffle(input, self.downscale_factor)


class ChannelShuffle(Module):
    """Channels of (N, C, *) in another order: the first of each group, the second, ….

    Args:
        groups: how many groups of channels, one behind the other, there are.

    Raises:
        ValueError: `groups` is not positive, or does not divide the channels; an input
            has fewer than three dimensions.

    PyTorch: `torch.nn.ChannelShuffle`.
    Reference: Zhang et al. 2017, https://arxiv.org/abs/1707.01083

    Example:
        >>> import jax.numpy as jnp
        >>> ChannelShuffle(2)(jnp.arange(4.0).reshape(1, 4, 1)).ravel()
        Array([0., 2., 1., 3.], dtype=float32)
    """

    def __init__(self, groups: int):
        self.groups = check_factor("groups", groups)

    def __call__(self, input: jax.Array) -> jax.Array:
        return F.channel_shuffle(input, self.groups)
