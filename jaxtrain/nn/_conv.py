from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jax.typing import DTypeLike

from jaxtrain import rng
from jaxtrain.nn._convolve import convolve
from jaxtrain.nn._input import check_size, misfit
from jaxtrain.nn._linear import kaiming_pair
from jaxtrain.nn._spatial import at_least, batched, per_dim

_PAD_MODES = {
    "zeros": "constant",
    "reflect": "reflect",
    "replicate": "edge",
    "circular": "wrap",
}


class ConvNd(nnx.Module):
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

    def _checked(self, input: jax.Array) -> jax.Array:
        x = batched(self._name, input, self.n)
        check_size(self._name, input, input.ndim - self.n - 1, self.in_channels)
        return x

    def _finished(self, output: jax.Array, input: jax.Array) -> jax.Array:
        if self.bias is not None:
            output = output + self.bias[...].reshape(-1, *[1] * self.n)
        return output if output.ndim == input.ndim else output[0]

    def _convolved(
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
        self, given: int | Sequence[int] | str
    ) -> tuple[tuple[int, int], ...]:
        """(before, after) of each dimension."""
        if given == "valid":
            return ((0, 0),) * self.n
        if given == "same":
            if max(self.stride) > 1:
                raise ValueError(f"padding='same' needs stride 1, got {self.stride}")
            # An odd reach puts the larger half behind.
            return tuple((reach // 2, reach - reach // 2) for reach in self._reach)
        if isinstance(given, str):
            raise ValueError(f"padding must be 'valid', 'same' or sizes, got {given!r}")
        name = type(self).__name__
        sizes = per_dim(name, "padding", given, self.n)
        at_least(name, 0, padding=sizes)
        return tuple((size, size) for size in sizes)

    def __call__(self, input: jax.Array) -> jax.Array:
        x, padding = self._checked(input), self.padding
        if self.padding_mode != "zeros":
            self._check_borrowed(input)
            pads = ((0, 0), (0, 0), *padding)
            x = jnp.pad(x, pads, mode=_PAD_MODES[self.padding_mode])
            padding = ((0, 0),) * self.n
        sizes = zip(x.shape[2:], padding, self._reach, strict=True)
        if any(size + sum(pads) <= reach for size, pads, reach in sizes):
            raise misfit(self._name, input, "padded, it is smaller than the kernel")
        output = self._convolved(
            x, self.weight[...], padding, window_strides=self.stride
        )
        return self._finished(output, input)

    def _check_borrowed(self, input: jax.Array) -> None:
        """Padding takes no more from the input than there is."""
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
