"""Convolutions, in both directions."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jax.typing import DTypeLike

from jaxtrain import rng
from jaxtrain.nn.functional._conv import (
    check_output_padding,
    convolution,
    pads_of,
    reaches,
    transposed_convolution,
    transposed_sizes,
)
from jaxtrain.nn.linear import kaiming_pair
from jaxtrain.nn.module import Module, value
from jaxtrain.nn.shapes import at_least, check_ndim, misfit, per_dim

_PAD_MODES = {
    "zeros": "constant",
    "reflect": "reflect",
    "replicate": "edge",
    "circular": "wrap",
}


class ConvNd(Module):
    """What the convolutions share, in whatever direction: arguments and parameters."""

    n: int
    transposed = False

    def _begin(
        self,
        channels: tuple[int, int],
        kernel_size: int | Sequence[int],
        stride: int | Sequence[int],
        dilation: int | Sequence[int],
        groups: int,
        bias: bool,
        generator: rng.Generator | None,
        dtype: DTypeLike,
    ) -> None:
        name = type(self).__name__
        if groups < 1 or any(size % groups for size in channels):
            raise ValueError(
                f"{name}: groups must divide the channels, got {channels} and {groups}"
            )
        self.in_channels, self.out_channels = channels
        self.kernel_size = per_dim(name, "kernel_size", kernel_size, self.n)
        self.stride = per_dim(name, "stride", stride, self.n)
        self.dilation = per_dim(name, "dilation", dilation, self.n)
        at_least(
            name,
            1,
            kernel_size=self.kernel_size,
            stride=self.stride,
            dilation=self.dilation,
        )
        self.groups = groups
        # PyTorch's (out, in / groups, *), and transposed (in, out / groups, *).
        first, second = channels if self.transposed else channels[::-1]
        shape = (first, second // groups, *self.kernel_size)
        self.weight, self.bias = kaiming_pair(
            shape, self.out_channels, bias, generator, dtype
        )

    @property
    def _name(self) -> str:
        return (
            f"{type(self).__name__}({self.in_channels}, {self.out_channels}, "
            f"kernel_size={self.kernel_size})"
        )


class _Conv(ConvNd):
    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | Sequence[int],
        stride: int | Sequence[int] = 1,
        padding: int | Sequence[int] | str = 0,
        dilation: int | Sequence[int] = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        *,
        generator: rng.Generator | None = None,
        dtype: DTypeLike = jnp.float32,
    ):
        if padding_mode not in _PAD_MODES:
            raise ValueError(
                f"padding_mode must be one of {[*_PAD_MODES]}, got {padding_mode!r}"
            )
        channels = (in_channels, out_channels)
        self._begin(
            channels, kernel_size, stride, dilation, groups, bias, generator, dtype
        )
        self.padding_mode = padding_mode
        reach = reaches(self.dilation, self.kernel_size)
        name = type(self).__name__
        self.padding = pads_of(name, padding, self.stride, reach)

    def __call__(self, input: jax.Array) -> jax.Array:
        x, padding = input, self.padding
        if self.padding_mode != "zeros":
            self._check_padding(input)
            pads = ((0, 0),) * (input.ndim - self.n)
            mode = _PAD_MODES[self.padding_mode]
            x = jnp.pad(input, (*pads, *padding), mode=mode)
            padding = ((0, 0),) * self.n
        return convolution(
            self._name,
            x,
            self.weight[...],
            value(self.bias),
            self.stride,
            padding,
            self.dilation,
            self.groups,
        )

    def _check_padding(self, input: jax.Array) -> None:
        """Padding takes no more from the input than there is."""
        check_ndim(self._name, input, (self.n + 1, self.n + 2))
        # A mirror does not repeat the element at the edge.
        spare = {"reflect": 1, "circular": 0}.get(self.padding_mode)
        sizes = zip(input.shape[-self.n :], self.padding, strict=True)
        if spare is not None and any(max(pads) > size - spare for size, pads in sizes):
            mode = self.padding_mode
            raise misfit(self._name, input, f"too small for {mode} {self.padding}")


class Conv1d(_Conv):
    """y[o] = b[o] + Σ_c w[o, c] ⋆ x[c], a cross-correlation along one dimension.

    `weight` is (out_channels, in_channels / groups, *kernel_size), `bias`
    (out_channels,), both drawn from U(-b, b) with b = (inputs of one output)^-½.

    Args:
        in_channels: C of inputs (N, C, L) or (C, L).
        out_channels: C of the output.
        kernel_size: length of the kernel.
        stride: steps between its places.
        padding: what is added at each end; `"valid"` for none, `"same"` for an output
            as long as the input.
        dilation: distance of the kernel's elements.
        groups: inputs and outputs are split into as many groups, each by itself.
        bias: whether b is there.
        padding_mode: `"zeros"`, `"reflect"`, `"replicate"` or `"circular"`.
        generator: where the initial values come from; `rng.default_generator` if not
            given.
        dtype: of the parameters; see `Linear`.

    Raises:
        ValueError: sizes that cannot be, groups that do not divide the channels,
            `"same"` with a stride, an input that does not fit.

    PyTorch: `torch.nn.Conv1d`. (Flax pads to `"SAME"` by default, channels last.)

    Example:
        >>> Conv1d(3, 8, 5, stride=2, padding=2)(jnp.ones((4, 3, 10))).shape
        (4, 8, 5)
    """

    n = 1


class Conv2d(_Conv):
    """`Conv1d` for images (N, C, H, W) or (C, H, W), with its arguments and errors.

    Sizes are one number, or two: of height and width.

    PyTorch: `torch.nn.Conv2d`.

    Example:
        >>> Conv2d(3, 8, 3, padding="same")(jnp.ones((4, 3, 10, 12))).shape
        (4, 8, 10, 12)
    """

    n = 2


class Conv3d(_Conv):
    """`Conv1d` for (N, C, D, H, W) or (C, D, H, W), with its arguments and errors.

    Sizes are one number, or three: of depth, height and width.

    PyTorch: `torch.nn.Conv3d`.

    Example:
        >>> Conv3d(1, 2, (1, 2, 3))(jnp.ones((1, 4, 4, 4))).shape
        (2, 4, 3, 2)
    """

    n = 3


class _ConvTranspose(ConvNd):
    transposed = True

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | Sequence[int],
        stride: int | Sequence[int] = 1,
        padding: int | Sequence[int] = 0,
        output_padding: int | Sequence[int] = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: int | Sequence[int] = 1,
        padding_mode: str = "zeros",
        *,
        generator: rng.Generator | None = None,
        dtype: DTypeLike = jnp.float32,
    ):
        name = type(self).__name__
        if padding_mode != "zeros":
            raise ValueError(f'{name} knows "zeros" alone, got {padding_mode=}')
        self.padding = per_dim(name, "padding", padding, self.n)
        self.output_padding = per_dim(name, "output_padding", output_padding, self.n)
        at_least(name, 0, padding=self.padding, output_padding=self.output_padding)
        channels = (in_channels, out_channels)
        self._begin(
            channels, kernel_size, stride, dilation, groups, bias, generator, dtype
        )
        check_output_padding(name, self.output_padding, self.stride, self.dilation)

    def __call__(
        self, input: jax.Array, output_size: Sequence[int] | None = None
    ) -> jax.Array:
        extra = self.output_padding
        if output_size is not None:
            extra = self._extra(input, tuple(output_size)[-self.n :])
        return transposed_convolution(
            self._name,
            input,
            self.weight[...],
            value(self.bias),
            self.stride,
            self.padding,
            extra,
            self.groups,
            self.dilation,
        )

    def _extra(self, input: jax.Array, sizes: tuple[int, ...]) -> tuple[int, ...]:
        """What is added behind each dimension, up to the size asked for."""
        check_ndim(self._name, input, (self.n + 1, self.n + 2))
        reach = reaches(self.dilation, self.kernel_size)
        shape = input.shape[-self.n :]
        least = transposed_sizes(shape, self.stride, self.padding, reach)
        extra = tuple(a - b for a, b in zip(sizes, least, strict=True))
        if any(not 0 <= more < s for more, s in zip(extra, self.stride, strict=True)):
            highest = tuple(a + s - 1 for a, s in zip(least, self.stride, strict=True))
            raise misfit(
                self._name,
                input,
                f"output_size {sizes} is not within {least} … {highest}",
            )
        return extra


class ConvTranspose1d(_ConvTranspose):
    """The transpose of `Conv1d` as a linear map, plus a bias: its gradient as a layer.

    The output has (L - 1) stride - 2 padding + dilation (kernel_size - 1) +
    output_padding + 1 elements. `weight` is (in_channels, out_channels / groups,
    *kernel_size), `bias` (out_channels,), both drawn from U(-b, b), b = fan_in^-½
    with the fan of PyTorch's formula: kernel elements times out_channels / groups.

    Args:
        in_channels: C of inputs (N, C, L) or (C, L).
        out_channels: C of the output.
        kernel_size: length of the kernel.
        stride: steps between the places of the inputs in the output.
        padding: what is cut off at each end.
        output_padding: what is added at the far end, below stride or dilation.
        groups: inputs and outputs are split into as many groups, each by itself.
        bias: whether b is there.
        dilation: distance of the kernel's elements.
        padding_mode: `"zeros"`.
        generator: where the initial values come from; `rng.default_generator` if not
            given.
        dtype: of the parameters; see `Linear`.

    A call takes `output_size` too, which takes the place of `output_padding`.

    Raises:
        ValueError: sizes that cannot be, groups that do not divide the channels, an
            input or output size that does not fit.

    PyTorch: `torch.nn.ConvTranspose1d`.

    Example:
        >>> layer = ConvTranspose1d(3, 8, 5, stride=2, padding=2)
        >>> layer(jnp.ones((4, 3, 5))).shape, layer(jnp.ones((3, 5)), [10]).shape
        ((4, 8, 9), (8, 10))
    """

    n = 1


class ConvTranspose2d(_ConvTranspose):
    """`ConvTranspose1d` for images (N, C, H, W) or (C, H, W): the same arguments.

    Sizes are one number, or two: of height and width.

    PyTorch: `torch.nn.ConvTranspose2d`.

    Example:
        >>> ConvTranspose2d(3, 8, 2, stride=2)(jnp.ones((4, 3, 5, 6))).shape
        (4, 8, 10, 12)
    """

    n = 2


class ConvTranspose3d(_ConvTranspose):
    """`ConvTranspose1d` for (N, C, D, H, W) or (C, D, H, W): the same arguments.

    Sizes are one number, or three: of depth, height and width.

    PyTorch: `torch.nn.ConvTranspose3d`.

    Example:
        >>> ConvTranspose3d(1, 2, (1, 2, 3))(jnp.ones((1, 4, 4, 4))).shape
        (2, 4, 5, 6)
    """

    n = 3
