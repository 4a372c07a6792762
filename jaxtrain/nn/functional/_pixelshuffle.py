"""Channels moved into pixels, back, and among one another."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp

from jaxtrain.nn.shapes import misfit


def pixel_shuffle(input: jax.Array, upscale_factor: int) -> jax.Array:
    """(*, C r², H, W) -> (*, C, H r, W r), each r² channels one square of r by r.

    Args:
        input: of three dimensions or more.
        upscale_factor: r.

    Raises:
        ValueError: r is not positive; r² does not divide the channels.

    PyTorch: `torch.nn.functional.pixel_shuffle`.

    Example:
        >>> pixel_shuffle(jnp.arange(4.0).reshape(4, 1, 1), 2)
        Array([[[0., 1.],
                [2., 3.]]], dtype=float32)
    """
    r = check_factor("upscale_factor", upscale_factor)
    *lead, channels, height, width = _image(f"PixelShuffle({r})", input)
    if channels % r**2:
        raise misfit(f"PixelShuffle({r})", input, f"channels are no multiple of {r**2}")
    # (*, C, r, r, H, W) -> (*, C, H, r, W, r)
    parts = jnp.asarray(input).reshape(
        math.prod(lead), channels // r**2, r, r, height, width
    )
    grid = parts.transpose(0, 1, 4, 2, 5, 3)
    return grid.reshape(*lead, channels // r**2, height * r, width * r)


def pixel_unshuffle(input: jax.Array, downscale_factor: int) -> jax.Array:
    """(*, C, H r, W r) -> (*, C r², H, W): what `pixel_shuffle` does, undone.

    Args:
        input: of three dimensions or more.
        downscale_factor: r.

    Raises:
        ValueError: r is not positive; r does not divide height and width.

    PyTorch: `torch.nn.functional.pixel_unshuffle`.

    Example:
        >>> pixel_unshuffle(jnp.arange(4.0).reshape(1, 2, 2), 2).ravel()
        Array([0., 1., 2., 3.], dtype=float32)
    """
    r = check_factor("downscale_factor", downscale_factor)
    *lead, channels, height, width = _image(f"PixelUnshuffle({r})", input)
    if height % r or width % r:
        raise misfit(f"PixelUnshuffle({r})", input, f"sides are no multiples of {r}")
    # (*, C, H, r, W, r) -> (*, C, r, r, H, W)
    parts = jnp.asarray(input).reshape(
        math.prod(lead), channels, height // r, r, width // r, r
    )
    grid = parts.transpose(0, 1, 3, 5, 2, 4)
    return grid.reshape(*lead, channels * r**2, height // r, width // r)


def channel_shuffle(input: jax.Array, groups: int) -> jax.Array:
    """Channels of (N, C, *) in another order: the first of each group, the second, ….

    Args:
        input: of three dimensions or more.
        groups: how many groups of channels, one behind the other, there are.

    Raises:
        ValueError: `groups` is not positive, or does not divide the channels; an input
            has fewer than three dimensions.

    PyTorch: `torch.nn.functional.channel_shuffle`.

    Example:
        >>> channel_shuffle(jnp.arange(4.0).reshape(1, 4, 1), 2).ravel()
        Array([0., 2., 1., 3.], dtype=float32)
    """
    name = f"ChannelShuffle({check_factor('groups', groups)})"
    if input.ndim < 3:
        raise misfit(name, input, "it must have 3 dimensions or more")
    batch, channels, *rest = input.shape
    if channels % groups:
        raise misfit(name, input, f"channels are no multiple of {groups}")
    parts = jnp.asarray(input).reshape(batch, groups, channels // groups, *rest)
    # (N, channels of a group, groups, *), one channel of each group after another.
    return parts.swapaxes(1, 2).reshape(input.shape)


def native_channel_shuffle(input: jax.Array, groups: int) -> jax.Array:
    """`channel_shuffle`.

    PyTorch: `torch.nn.functional.native_channel_shuffle`.

    Example:
        >>> native_channel_shuffle(jnp.arange(4.0).reshape(1, 4, 1), 2).ravel()
        Array([0., 2., 1., 3.], dtype=float32)
    """
    return channel_shuffle(input, groups)


def check_factor(name: str, value: int) -> int:
    """Let a factor pass that is positive.

    Example:
        >>> check_factor("groups", 2)
        2
    """
    if value < 1:
        raise ValueError(f"{name} must be greater than 0, got {value}")
    return value


def _image(name: str, input: jax.Array) -> tuple[int, ...]:
    if input.ndim < 3:
        raise misfit(name, input, "it must have 3 dimensions or more")
    return input.shape
