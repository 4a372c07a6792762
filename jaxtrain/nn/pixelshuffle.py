"""Channels moved into pixels, back, and among one another."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp

from jaxtrain.nn.module import Module
from jaxtrain.nn.shapes import misfit


class PixelShuffle(Module):
    """(*, C r², H, W) -> (*, C, H r, W r), each r² channels one square of r by r.

    Args:
        upscale_factor: r.

    Raises:
        ValueError: r is not positive; r² does not divide an input's channels.

    PyTorch: `torch.nn.PixelShuffle`.
    Reference: Shi et al. 2016, https://arxiv.org/abs/1609.05158

    Example:
        >>> PixelShuffle(2)(jnp.arange(4.0).reshape(4, 1, 1))
        Array([[[0., 1.],
                [2., 3.]]], dtype=float32)
    """

    def __init__(self, upscale_factor: int):
        self.upscale_factor = _factor("upscale_factor", upscale_factor)

    def __call__(self, input: jax.Array) -> jax.Array:
        r = self.upscale_factor
        *lead, channels, height, width = _image(f"PixelShuffle({r})", input)
        if channels % r**2:
            raise misfit(
                f"PixelShuffle({r})", input, f"channels are no multiple of {r**2}"
            )
        # (*, C, r, r, H, W) -> (*, C, H, r, W, r)
        parts = jnp.asarray(input).reshape(
            math.prod(lead), channels // r**2, r, r, height, width
        )
        grid = parts.transpose(0, 1, 4, 2, 5, 3)
        return grid.reshape(*lead, channels // r**2, height * r, width * r)


class PixelUnshuffle(Module):
    """(*, C, H r, W r) -> (*, C r², H, W): what `PixelShuffle` does, undone.

    Args:
        downscale_factor: r.

    Raises:
        ValueError: r is not positive; r does not divide an input's height and width.

    PyTorch: `torch.nn.PixelUnshuffle`.

    Example:
        >>> PixelUnshuffle(2)(jnp.arange(4.0).reshape(1, 2, 2)).ravel()
        Array([0., 1., 2., 3.], dtype=float32)
    """

    def __init__(self, downscale_factor: int):
        self.downscale_factor = _factor("downscale_factor", downscale_factor)

    def __call__(self, input: jax.Array) -> jax.Array:
        r = self.downscale_factor
        *lead, channels, height, width = _image(f"PixelUnshuffle({r})", input)
        if height % r or width % r:
            raise misfit(
                f"PixelUnshuffle({r})", input, f"sides are no multiples of {r}"
            )
        # (*, C, H, r, W, r) -> (*, C, r, r, H, W)
        parts = jnp.asarray(input).reshape(
            math.prod(lead), channels, height // r, r, width // r, r
        )
        grid = parts.transpose(0, 1, 3, 5, 2, 4)
        return grid.reshape(*lead, channels * r**2, height // r, width // r)


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
        >>> ChannelShuffle(2)(jnp.arange(4.0).reshape(1, 4, 1)).ravel()
        Array([0., 2., 1., 3.], dtype=float32)
    """

    def __init__(self, groups: int):
        self.groups = _factor("groups", groups)

    def __call__(self, input: jax.Array) -> jax.Array:
        name = f"ChannelShuffle({self.groups})"
        if input.ndim < 3:
            raise misfit(name, input, "it must have 3 dimensions or more")
        batch, channels, *rest = input.shape
        if channels % self.groups:
            raise misfit(name, input, f"channels are no multiple of {self.groups}")
        parts = jnp.asarray(input).reshape(
            batch, self.groups, channels // self.groups, *rest
        )
        # (N, channels of a group, groups, *), one channel of each group after another.
        return parts.swapaxes(1, 2).reshape(input.shape)


def _factor(name: str, value: int) -> int:
    if value < 1:
        raise ValueError(f"{name} must be greater than 0, got {value}")
    return value


def _image(name: str, input: jax.Array) -> tuple[int, ...]:
    if input.ndim < 3:
        raise misfit(name, input, "it must have 3 dimensions or more")
    return input.shape
