"""Convolutions, in both directions."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp

from jaxtrain.nn.convolve import convolve
from jaxtrain.nn.shapes import (
    at_least,
    check_ndim,
    check_size,
    ensure_batch,
    misfit,
    per_dim,
)

Size = int | Sequence[int]
Ends = tuple[tuple[int, int], ...]


def reaches(dilation: Sequence[int], kernel: Sequence[int]) -> tuple[int, ...]:
    """How far each kernel dimension reaches beyond its first element.

    Example:
        >>> reaches((1, 2), (3, 3))
        (2, 4)
    """
    return tuple(d * (k - 1) for d, k in zip(dilation, kernel, strict=True))


def pads_of(
    name: str, padding: Size | str, stride: tuple[int, ...], reach: tuple[int, ...]
) -> Ends:
    """(before, after) of each dimension.

    Raises:
        ValueError: a word that is none, `"same"` with a stride, negative sizes.

    Example:
        >>> pads_of("Conv1d", "same", (1,), (3,))
        ((1, 2),)
    """
    if padding == "valid":
        return ((0, 0),) * len(reach)
    if padding == "same":
        if max(stride) > 1:
            raise ValueError(f"padding='same' needs stride 1, got {stride}")
        # An odd reach puts the larger half behind.
        return tuple((size // 2, size - size // 2) for size in reach)
    if isinstance(padding, str):
        raise ValueError(f"padding must be 'valid', 'same' or sizes, got {padding!r}")
    sizes = per_dim(name, "padding", padding, len(reach))
    at_least(name, 0, padding=sizes)
    return tuple((size, size) for size in sizes)


def convolution(
    name: str,
    input: jax.Array,
    weight: jax.Array,
    bias: jax.Array | None,
    stride: tuple[int, ...],
    ends: Ends,
    dilation: tuple[int, ...],
    groups: int,
) -> jax.Array:
    """y[o] = b[o] + Σ_c w[o, c] ⋆ x[c], along as many dimensions as the kernel has.

    Args:
        name: for errors.
        input: (N, C, *) or (C, *).
        weight: (out, C / groups, *).
        bias: (out,).
        stride: steps between the kernel's places.
        ends: how many zeros are (before, behind).
        dilation: distance of the kernel's elements.
        groups: how many, each by itself.

    Example:
        >>> x, w = jnp.ones((1, 3)), jnp.ones((1, 1, 2))
        >>> convolution("conv1d", x, w, None, (1,), ((0, 0),), (1,), 1)
        Array([[2., 2.]], dtype=float32)
    """
    n = weight.ndim - 2
    x = ensure_batch(name, jnp.asarray(input), n)
    check_size(name, input, input.ndim - n - 1, weight.shape[1] * groups)
    reach = reaches(dilation, weight.shape[2:])
    sizes = zip(x.shape[2:], ends, reach, strict=True)
    if any(size + sum(pads) <= r for size, pads, r in sizes):
        raise misfit(name, input, "padded, it is smaller than the kernel")
    output = convolve(
        x,
        weight,
        window_strides=stride,
        padding=ends,
        rhs_dilation=dilation,
        feature_group_count=groups,
    )
    return _finish(output, input, bias)


def _finish(output: jax.Array, input: jax.Array, bias: jax.Array | None) -> jax.Array:
    if bias is not None:
        output = output + bias.reshape(-1, *[1] * (output.ndim - 2))
    return output if output.ndim == input.ndim else output[0]


def transposed_convolution(
    name: str,
    input: jax.Array,
    weight: jax.Array,
    bias: jax.Array | None,
    stride: tuple[int, ...],
    padding: tuple[int, ...],
    output_padding: tuple[int, ...],
    groups: int,
    dilation: tuple[int, ...],
) -> jax.Array:
    """The transpose of `convolution` as a linear map, plus a bias.

    Args:
        name: for errors.
        input: (N, C, *) or (C, *).
        weight: (C, out / groups, *).
        bias: (out,).
        stride: steps between the places of the inputs in the output.
        padding: what is cut off at each end.
        output_padding: what is added at the far end.
        groups: how many, each by itself.
        dilation: distance of the kernel's elements.

    Example:
        >>> x, w = jnp.ones((1, 2)), jnp.ones((1, 1, 2))
        >>> transposed_convolution("", x, w, None, (1,), (0,), (0,), 1, (1,))
        Array([[1., 2., 1.]], dtype=float32)
    """
    n = weight.ndim - 2
    x = ensure_batch(name, jnp.asarray(input), n)
    check_size(name, input, input.ndim - n - 1, weight.shape[0])
    reach = reaches(dilation, weight.shape[2:])
    sizes = zip(reach, padding, output_padding, strict=True)
    # A convolution of the input spread out by the stride, where padding by p becomes
    # one by reach - p: Dumoulin and Visin 2016, https://arxiv.org/abs/1603.07285.
    ends = [(r - p, r - p + more) for r, p, more in sizes]
    least = transposed_sizes(x.shape[2:], stride, padding, reach)
    if min(a + b for a, b in zip(least, output_padding, strict=True)) < 1:
        raise misfit(name, input, "too small: nothing would come out")
    output = convolve(
        x,
        mirror(weight, groups),
        padding=ends,
        rhs_dilation=dilation,
        feature_group_count=groups,
        window_strides=(1,) * n,
        lhs_dilation=stride,
    )
    return _finish(output, input, bias)


def transposed_sizes(
    sizes: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    reach: Sequence[int],
) -> tuple[int, ...]:
    """(size - 1) stride - 2 padding + reach + 1 of each dimension.

    Example:
        >>> transposed_sizes((5,), (2,), (2,), (4,))
        (9,)
    """
    steps = zip(sizes, stride, padding, reach, strict=True)
    return tuple((size - 1) * s - 2 * p + r + 1 for size, s, p, r in steps)


def mirror(weight: jax.Array, groups: int) -> jax.Array:
    """A transposed weight as a convolution takes it: mirrored, (out, in / groups, *).

    Example:
        >>> mirror(jnp.array([[[1.0, 2.0]]]), 1)
        Array([[[2., 1.]]], dtype=float32)
    """
    channels, share, *kernel = weight.shape
    # (groups, in / groups, out / groups, *kernel) -> (out, in / groups, *kernel).
    split = weight.reshape(groups, channels // groups, share, *kernel)
    transpose = split.swapaxes(1, 2).reshape(
        groups * share, channels // groups, *kernel
    )
    return jnp.flip(transpose, range(2, transpose.ndim))


def check_output_padding(
    name: str,
    output_padding: tuple[int, ...],
    stride: tuple[int, ...],
    dilation: tuple[int, ...],
) -> None:
    """Let what is added at the far end pass where it is below stride or dilation.

    Example:
        >>> check_output_padding("ConvTranspose1d", (1,), (2,), (1,))
    """
    sizes = zip(output_padding, stride, dilation, strict=True)
    if any(extra >= max(s, d) for extra, s, d in sizes):
        raise ValueError(
            f"{name} needs output_padding below stride or dilation, "
            f"got {output_padding}"
        )


def _conv(
    n: int,
    input: jax.Array,
    weight: jax.Array,
    bias: jax.Array | None,
    stride: Size,
    padding: Size | str,
    dilation: Size,
    groups: int,
) -> jax.Array:
    name = f"conv{n}d"
    check_weight(name, n, weight, bias, weight.shape[0], groups)
    if weight.shape[0] % groups:
        raise misfit(name, weight, f"{groups} groups do not divide its outputs")
    steps = per_dim(name, "stride", stride, n)
    gaps = per_dim(name, "dilation", dilation, n)
    at_least(name, 1, stride=steps, dilation=gaps)
    ends = pads_of(name, padding, steps, reaches(gaps, weight.shape[2:]))
    return convolution(name, input, weight, bias, steps, ends, gaps, groups)


def check_weight(
    name: str,
    n: int,
    weight: jax.Array,
    bias: jax.Array | None,
    outputs: int,
    groups: int,
) -> None:
    """Let a weight and bias pass that have the right dimensions.

    Example:
        >>> check_weight("conv1d", 1, jnp.ones((2, 3, 4)), jnp.ones(2), 2, 1)
    """
    check_ndim(f"the weight of {name}", weight, (n + 2,))
    if groups < 1:
        raise ValueError(f"{name} needs groups >= 1, got {groups}")
    if bias is not None and bias.shape != (outputs,):
        raise misfit(f"the bias of {name}", bias, f"it must be {(outputs,)}")


def conv1d(
    input: jax.Array,
    weight: jax.Array,
    bias: jax.Array | None = None,
    stride: Size = 1,
    padding: Size | str = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> jax.Array:
    """y[o] = b[o] + Σ_c w[o, c] ⋆ x[c], a cross-correlation along one dimension.

    Args:
        input: x, (N, C, L) or (C, L).
        weight: w, (out, C / groups, kernel).
        bias: b, (out,).
        stride: steps between the kernel's places.
        padding: zeros at each end; `"valid"` for none, `"same"` for an output as long
            as the input.
        dilation: distance of the kernel's elements.
        groups: inputs and outputs are split into as many groups, each by itself.

    Raises:
        ValueError: sizes that cannot be, groups that do not divide the channels,
            `"same"` with a stride, an input that does not fit.

    PyTorch: `torch.nn.functional.conv1d`.

    Example:
        >>> conv1d(jnp.ones((4, 3, 10)), jnp.ones((8, 3, 5)), stride=2, padding=2).shape
        (4, 8, 5)
    """
    return _conv(1, input, weight, bias, stride, padding, dilation, groups)


def conv2d(
    input: jax.Array,
    weight: jax.Array,
    bias: jax.Array | None = None,
    stride: Size = 1,
    padding: Size | str = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> jax.Array:
    """`conv1d` for images (N, C, H, W) or (C, H, W); sizes are one number, or two.

    PyTorch: `torch.nn.functional.conv2d`.

    Example:
        >>> conv2d(jnp.ones((3, 9, 9)), jnp.ones((8, 3, 3, 3)), padding="same").shape
        (8, 9, 9)
    """
    return _conv(2, input, weight, bias, stride, padding, dilation, groups)


def conv3d(
    input: jax.Array,
    weight: jax.Array,
    bias: jax.Array | None = None,
    stride: Size = 1,
    padding: Size | str = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> jax.Array:
    """`conv1d` for (N, C, D, H, W) or (C, D, H, W); sizes are one number, or three.

    PyTorch: `torch.nn.functional.conv3d`.

    Example:
        >>> conv3d(jnp.ones((1, 4, 4, 4)), jnp.ones((2, 1, 1, 2, 3))).shape
        (2, 4, 3, 2)
    """
    return _conv(3, input, weight, bias, stride, padding, dilation, groups)


def conv_tbc(
    input: jax.Array, weight: jax.Array, bias: jax.Array, pad: int = 0
) -> jax.Array:
    """`conv1d` of a sequence with time first and channels last.

    Args:
        input: (T, N, C).
        weight: (kernel, C, out).
        bias: (out,).
        pad: zeros at each end.

    Raises:
        ValueError: an input or weight of other than three dimensions, or that does not
            fit.

    PyTorch: `torch.nn.functional.conv_tbc`.

    Example:
        >>> conv_tbc(jnp.ones((5, 2, 3)), jnp.ones((2, 3, 4)), jnp.zeros(4)).shape
        (4, 2, 4)
    """
    check_ndim("conv_tbc", input, (3,))
    check_ndim("the weight of conv_tbc", weight, (3,))
    # (T, N, C) -> (N, C, T), and (kernel, C, out) -> (out, C, kernel).
    x, kernel = input.transpose(1, 2, 0), weight.transpose(2, 1, 0)
    output = convolution("conv_tbc", x, kernel, bias, (1,), ((pad, pad),), (1,), 1)
    return output.transpose(2, 0, 1)
