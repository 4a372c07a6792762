from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jax.typing import DTypeLike

from jaxtrain import rng
from jaxtrain.nn._conv import ConvNd
from jaxtrain.nn._input import misfit
from jaxtrain.nn._spatial import at_least, per_dim


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
        x = self._checked(input)
        extra = self._extra(input, output_size)
        sizes = zip(self._reach, self.padding, extra, strict=True)
        padding = [(reach - p, reach - p + more) for reach, p, more in sizes]
        output = self._convolved(
            x,
            self._kernel(),
            padding,
            window_strides=(1,) * self.n,
            lhs_dilation=self.stride,
        )
        return self._finished(output, input)

    def _kernel(self) -> jax.Array:
        """The weight as a convolution takes it: mirrored, (out, in / groups, *)."""
        weight = self.weight[...]
        groups, kernel = self.groups, self.kernel_size
        split = weight.reshape(groups, self.in_channels // groups, -1, *kernel)
        swapped = split.swapaxes(1, 2).reshape(self.out_channels, -1, *kernel)
        return jnp.flip(swapped, range(2, swapped.ndim))

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
        asked = tuple(output_size)[-self.n :]
        extra = tuple(a - b for a, b in zip(asked, least, strict=True))
        if any(not 0 <= more < s for more, s in zip(extra, self.stride, strict=True)):
            highest = tuple(a + s - 1 for a, s in zip(least, self.stride, strict=True))
            raise misfit(
                self._name,
                input,
                f"output_size {asked} is not within {least} … {highest}",
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
