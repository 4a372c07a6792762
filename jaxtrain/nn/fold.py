"""Patches of images as columns, and back."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from jaxtrain.nn.module import Module
from jaxtrain.nn.pooling.windows import (
    check_counts,
    flat_positions,
    slide,
    window_count,
)
from jaxtrain.nn.shapes import (
    at_least,
    check_ndim,
    check_size,
    ensure_batch,
    misfit,
    per_dim,
)

Size = int | Sequence[int]


class _Patches(Module):
    def _begin(
        self, kernel_size: Size, dilation: Size, padding: Size, stride: Size
    ) -> None:
        name = type(self).__name__
        self.kernel_size = per_dim(name, "kernel_size", kernel_size, 2)
        self.dilation = per_dim(name, "dilation", dilation, 2)
        self.padding = per_dim(name, "padding", padding, 2)
        self.stride = per_dim(name, "stride", stride, 2)
        at_least(
            name,
            1,
            kernel_size=self.kernel_size,
            dilation=self.dilation,
            stride=self.stride,
        )
        at_least(name, 0, padding=self.padding)

    @property
    def _name(self) -> str:
        return f"{type(self).__name__}(kernel_size={self.kernel_size})"

    def _places(self, height: int, width: int) -> tuple[np.ndarray, tuple[int, ...]]:
        """Places in the padded, flattened image, (elements, windows), and its sizes."""
        steps = (self.kernel_size, self.stride, self.padding, self.dilation)
        dims = list(zip((height, width), *steps, strict=True))
        counts = [window_count(*dim, ceil_mode=False) for dim in dims]
        padded = tuple(size + 2 * pad for size, _, _, pad, _ in dims)
        if min(counts) < 1:
            return np.zeros((0, 0), int), padded
        windows = [
            slide(size, count, kernel, stride, 0, dilation)
            for size, count, (_, kernel, stride, _, dilation) in zip(
                padded, counts, dims, strict=True
            )
        ]
        flat = flat_positions(windows, padded)
        return flat.reshape(-1, flat.shape[-1]).T, padded  # (elements, windows)


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
        >>> Unfold(2)(jnp.arange(6.0).reshape(1, 2, 3)).T
        Array([[0., 1., 3., 4.],
               [1., 2., 4., 5.]], dtype=float32)
    """

    def __init__(
        self, kernel_size: Size, dilation: Size = 1, padding: Size = 0, stride: Size = 1
    ):
        self._begin(kernel_size, dilation, padding, stride)

    def __call__(self, input: jax.Array) -> jax.Array:
        x = ensure_batch(self._name, jnp.asarray(input), 2)
        places, _ = self._places(*x.shape[2:])
        check_counts(self._name, input, places.shape)
        high, wide = self.padding
        padded = jnp.pad(x, ((0, 0), (0, 0), (high, high), (wide, wide)))
        # (N, C, elements, windows)
        patches = padded.reshape(*x.shape[:2], -1)[..., places]
        output = patches.reshape(len(x), -1, places.shape[1])
        return output if input.ndim == 4 else output[0]


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
        check_ndim(self._name, input, (2, 3))
        places, padded = self._places(*self.output_size)
        elements, windows = places.shape
        check_size(self._name, input, -1, windows)
        if elements == 0 or input.shape[-2] % elements:
            raise misfit(self._name, input, f"it must hold patches of {elements}")
        x = jnp.asarray(input)
        x = x if x.ndim == 3 else x[None]
        patches = x.reshape(len(x), -1, elements, windows)
        canvas = jnp.zeros((*patches.shape[:2], padded[0] * padded[1]), x.dtype)
        # A place occurs once for each window that it is in: `add` takes them all.
        image = canvas.at[..., places].add(patches).reshape(*patches.shape[:2], *padded)
        (high, wide), (height, width) = self.padding, self.output_size
        output = image[..., high : high + height, wide : wide + width]
        return output if input.ndim == 3 else output[0]
