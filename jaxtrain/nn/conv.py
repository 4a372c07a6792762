"""Convolutions, in both directions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax.typing import DTypeLike

from jaxtrain import rng
from jaxtrain.nn.convolve import convolve
from jaxtrain.nn.linear import kaiming_pair
from jaxtrain.nn.module import Module
from jaxtrain.nn.shapes import at_least, check_size, ensure_batch, misfit, per_dim

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

    @property
    def _reach(self) -> tuple[int, ...]:
        """How far each kernel dimension reaches beyond its first element."""
        sizes = zip(self.dilation, self.kernel_size, strict=True)
        return tuple(d * (k - 1) for d, k in sizes)

    def _check(self, input: jax.Array) -> jax.Array:
        x = ensure_batch(self._name, input, self.n)
        check_size(self._name, input, input.ndim - self.n - 1, self.in_channels)
        return x

    def _finish(self, output: jax.Array, input: jax.Array) -> jax.Array:
        if self.bias is not None:
            output = output + self.bias[...].reshape(-1, *[1] * self.n)
        return output if output.ndim == input.ndim else output[0]

    def _convolve(
        self,
        x: jax.Array,
        kernel: jax.Array,
        padding: Sequence[tuple[int, int]],
        **how: Any,
    ) -> jax.Array:
        return convolve(
            x,
            kernel,
            padding=padding,
            rhs_dilation=self.dilation,
            feature_group_count=self.groups,
            **how,
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
        self.padding = self._paddings(padding)

    def _paddings(
        self, padding: int | Sequence[int] | str
    ) -> tuple[tuple[int, int], ...]:
        """(before, after) of each dimension."""
        if padding == "valid":
            return ((0, 0),) * self.n
        if padding == "same":
            if max(self.stride) > 1:
                raise ValueError(f"padding='same' needs stride 1, got {self.stride}")
            # An odd reach puts the larger half behind.
            return tuple((reach // 2, reach - reach // 2) for reach in self._reach)
        if isinstance(padding, str):
            raise ValueError(
                f"padding must be 'valid', 'same' or sizes, got {padding!r}"
            )
        name = type(self).__name__
        sizes = per_dim(name, "padding", padding, self.n)
        at_least(name, 0, padding=sizes)
        return tuple((size, size) for size in sizes)

    def __call__(self, input: jax.Array) -> jax.Array:
        x, padding = self._check(input), self.padding
        if self.padding_mode != "zeros":
            self._check_padding(input)
            pads = ((0, 0), (0, 0), *padding)
            x = jnp.pad(x, pads, mode=_PAD_MODES[self.padding_mode])
            padding = ((0, 0),) * self.n
        sizes = zip(x.shape[2:], padding, self._reach, strict=True)
        if any(size + sum(pads) <= reach for size, pads, reach in sizes):
            raise misfit(self._name, input, "padded, it is smaller than the kernel")
        output = self._convolve(
            x, self.weight[...], padding, window_strides=self.stride
        )
        return self._finish(output, input)

    def _check_padding(self, input: jax.Array) -> None:
        """Padding takes no more from the input than there is."""
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
        sizes = zip(self.output_padding, self.stride, self.dilation, strict=True)
        if any(extra >= max(s, d) for extra, s, d in sizes):
            raise ValueError(
                f"{name} needs output_padding below stride or dilation, "
                f"got {self.output_padding}"
            )

    def __call__(
        self, input: jax.Array, output_size: Sequence[int] | None = None
    ) -> jax.Array:
        x = self._check(input)
        extra = self._extra(input, output_size)
        sizes = zip(self._reach, self.padding, extra, strict=True)
        # A convolution of the input spread out by the stride, where padding by p
        # becomes one by reach - p: Dumoulin and Visin 2016, arxiv.org/abs/1603.07285.
        padding = [(reach - p, reach - p + more) for reach, p, more in sizes]
        output = self._convolve(
            x,
            self._kernel(),
            padding,
            window_strides=(1,) * self.n,
            lhs_dilation=self.stride,
        )
        return self._finish(output, input)

    def _kernel(self) -> jax.Array:
        """The weight as a convolution takes it: mirrored, (out, in / groups, *)."""
        weight = self.weight[...]
        groups, kernel = self.groups, self.kernel_size
        # (groups, in / groups, out / groups, *kernel) -> (out, in / groups, *kernel).
        split = weight.reshape(groups, self.in_channels // groups, -1, *kernel)
        transpose = split.swapaxes(1, 2).reshape(self.out_channels, -1, *kernel)
        return jnp.flip(transpose, range(2, transpose.ndim))

    def _extra(
        self, input: jax.Array, output_size: Sequence[int] | None
    ) -> tuple[int, ...]:
        """What is added behind each dimension: as told, or up to the size asked for."""
        rest = zip(
            input.shape[-self.n :], self.stride, self.padding, self._reach, strict=True
        )
        least = tuple((size - 1) * s - 2 * p + r + 1 for size, s, p, r in rest)
        if output_size is None:
            if min(a + b for a, b in zip(least, self.output_padding, strict=True)) < 1:
                raise misfit(self._name, input, "too small: nothing would come out")
            return self.output_padding
        sizes = tuple(output_size)[-self.n :]
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
