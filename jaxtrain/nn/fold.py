"""Patches of images as columns, and back."""

from __future__ import annotations

import jax

from jaxtrain.nn import functional as F
from jaxtrain.nn.functional._fold import Size, patches_of
from jaxtrain.nn.module import Module
from jaxtrain.nn.shapes import at_least, per_dim


class _Patches(Module):
    def _begin(
        self, kernel_size: Size, dilation: Size, padding: Size, stride: Size
    ) -> None:
        name = type(self).__name__
        sizes = patches_of(name, kernel_size, dilation, padding, stride)
        self.kernel_size, self.dilation, self.padding, self.stride = sizes


class Unfold(_Patches):
    """(N, C, H, W) -> (N, C · elements of a window, windows): all patches as columns.

    An input may be (C, H, W) too.

    Args:
        kernel_size: of a window; sizes are one number, or two.
        dilation: distance of a window's elements.
        padding: zeros at each side of the image.
        stride: distance of windows.

    Raises:
        ValueError: sizes that cannot be, an input that is no image or smaller than a
            window.

    PyTorch: `torch.nn.Unfold`.

    Example:
        >>> import jax.numpy as jnp
        >>> Unfold(2)(jnp.arange(6.0).reshape(1, 2, 3)).T
        Array([[0., 1., 3., 4.],
               [1., 2., 4., 5.]], dtype=float32)
    """

    def __init__(
        self, kernel_size: Size, dilation: Size = 1, padding: Size = 0, stride: Size = 1
    ):
        self._begin(kernel_size, dilation, padding, stride)

    def __call__(self, input: jax.Array) -> jax.Array:
        return F.unfold(
            input, self.kernel_size, self.dilation, self.padding, self.stride
        )


class Fold(_Patches):
    """(N, C · elements of a window, windows) -> (N, C, *output_size): patches added up.

    Where windows overlap their elements are summed. An input may be without N.

    Args:
        output_size: height and width.
        kernel_size: of a window; sizes are one number, or two.
        dilation: distance of a window's elements.
        padding: what is cut off at each side of the image.
        stride: distance of windows.

    Raises:
        ValueError: sizes that cannot be, an input with another number of elements or
            windows.

    PyTorch: `torch.nn.Fold`.

    Example:
        >>> import jax.numpy as jnp
        >>> Fold((2, 3), 2)(jnp.ones((1, 4, 2)))
        Array([[[[1., 2., 1.],
                 [1., 2., 1.]]]], dtype=float32)
    """

    def __init__(
        self,
        output_size: Size,
        kernel_size: Size,
        dilation: Size = 1,
        padding: Size = 0,
        stride: Size = 1,
    ):
        self.output_size = per_dim("Fold", "output_size", output_size, 2)
        at_least("Fold", 1, output_size=self.output_size)
        self._begin(kernel_size, dilation, padding, stride)

    def __call__(self, input: jax.Array) -> jax.Array:
        return F.fold(
            input,
            self.output_size,
            self.kernel_size,
            self.dilation,
            self.padding,
            self.stride,
        )
