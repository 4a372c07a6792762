"""Transposed convolutions by PyTorch's three names."""

from __future__ import annotations

import jax

from jaxtrain.nn.functional._conv import (
    Size,
    check_output_padding,
    check_weight,
    transposed_convolution,
)
from jaxtrain.nn.shapes import at_least, misfit, per_dim


def conv_transpose1d(
    input: jax.Array,
    weight: jax.Array,
    bias: jax.Array | None = None,
    stride: Size = 1,
    padding: Size = 0,
    output_padding: Size = 0,
    groups: int = 1,
    dilation: Size = 1,
) -> jax.Array:
    """The transpose of `conv1d` as a linear map, plus a bias: its gradient.

    The output has (L - 1) stride - 2 padding + dilation (kernel - 1) + output_padding
    + 1 elements.

    Args:
        input: x, (N, C, L) or (C, L).
        weight: (C, out / groups, kernel).
        bias: (out,).
        stride: steps between the places of the inputs in the output.
        padding: what is cut off at each end.
        output_padding: what is added at the far end, below stride or dilation.
        groups: inputs and outputs are split into as many groups, each by itself.
        dilation: distance of the kernel's elements.

    Raises:
        ValueError: sizes that cannot be, groups that do not divide the channels, an
            input that does not fit.

    PyTorch: `torch.nn.functional.conv_transpose1d`.

    Example:
        >>> import jax.numpy as jnp
        >>> x, weight = jnp.ones((4, 3, 5)), jnp.ones((3, 8, 5))
        >>> conv_transpose1d(x, weight, stride=2, padding=2).shape
        (4, 8, 9)
    """
    return _transpose(
        1, input, weight, bias, stride, padding, output_padding, groups, dilation
    )


def conv_transpose2d(
    input: jax.Array,
    weight: jax.Array,
    bias: jax.Array | None = None,
    stride: Size = 1,
    padding: Size = 0,
    output_padding: Size = 0,
    groups: int = 1,
    dilation: Size = 1,
) -> jax.Array:
    """`conv_transpose1d` for images (N, C, H, W) or (C, H, W): one number, or two.

    PyTorch: `torch.nn.functional.conv_transpose2d`.

    Example:
        >>> import jax.numpy as jnp
        >>> x, weight = jnp.ones((3, 5, 6)), jnp.ones((3, 8, 2, 2))
        >>> conv_transpose2d(x, weight, stride=2).shape
        (8, 10, 12)
    """
    return _transpose(
        2, input, weight, bias, stride, padding, output_padding, groups, dilation
    )


def conv_transpose3d(
    input: jax.Array,
    weight: jax.Array,
    bias: jax.Array | None = None,
    stride: Size = 1,
    padding: Size = 0,
    output_padding: Size = 0,
    groups: int = 1,
    dilation: Size = 1,
) -> jax.Array:
    """`conv_transpose1d` for (N, C, D, H, W) or (C, D, H, W): one number, or three.

    PyTorch: `torch.nn.functional.conv_transpose3d`.

    Example:
        >>> import jax.numpy as jnp
        >>> conv_transpose3d(jnp.ones((1, 4, 4, 4)), jnp.ones((1, 2, 1, 2, 3))).shape
        (2, 4, 5, 6)
    """
    return _transpose(
        3, input, weight, bias, stride, padding, output_padding, groups, dilation
    )


def _transpose(
    n: int,
    input: jax.Array,
    weight: jax.Array,
    bias: jax.Array | None,
    stride: Size,
    padding: Size,
    output_padding: Size,
    groups: int,
    dilation: Size,
) -> jax.Array:
    name = f"conv_transpose{n}d"
    check_weight(name, n, weight, bias, weight.shape[1] * groups, groups)
    if weight.shape[0] % groups:
        raise misfit(name, weight, f"{groups} groups do not divide its inputs")
    steps, pads, extra, gaps = (
        per_dim(name, key, value, n)
        for key, value in (
            ("stride", stride),
            ("padding", padding),
            ("output_padding", output_padding),
            ("dilation", dilation),
        )
    )
    at_least(name, 1, stride=steps, dilation=gaps)
    at_least(name, 0, padding=pads, output_padding=extra)
    check_output_padding(name, extra, steps, gaps)
    return transposed_convolution(
        name, input, weight, bias, steps, pads, extra, groups, gaps
    )
