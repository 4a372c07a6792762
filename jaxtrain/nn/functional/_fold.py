"""Patches of images as columns, and back."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

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


class Patches(NamedTuple):
    """Where patches lie: two sizes of each kind."""

    kernel_size: tuple[int, ...]
    dilation: tuple[int, ...]
    padding: tuple[int, ...]
    stride: tuple[int, ...]


def patches_of(
    name: str, kernel_size: Size, dilation: Size, padding: Size, stride: Size
) -> Patches:
    """The sizes, each one of two.

    Raises:
        ValueError: sizes that cannot be.

    Example:
        >>> patches_of("Unfold", 2, 1, (0, 1), 1).padding
        (0, 1)
    """
    sizes = Patches(
        per_dim(name, "kernel_size", kernel_size, 2),
        per_dim(name, "dilation", dilation, 2),
        per_dim(name, "padding", padding, 2),
        per_dim(name, "stride", stride, 2),
    )
    at_least(
        name,
        1,
        kernel_size=sizes.kernel_size,
        dilation=sizes.dilation,
        stride=sizes.stride,
    )
    at_least(name, 0, padding=sizes.padding)
    return sizes


def _places(
    sizes: Patches, height: int, width: int
) -> tuple[np.ndarray, tuple[int, ...]]:
    """Places in the padded, flattened image, (elements, windows), and its sizes."""
    steps = (sizes.kernel_size, sizes.stride, sizes.padding, sizes.dilation)
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


def unfold(
    input: jax.Array,
    kernel_size: Size,
    dilation: Size = 1,
    padding: Size = 0,
    stride: Size = 1,
) -> jax.Array:
    """(N, C, H, W) -> (N, C · elements of a window, windows): all patches as columns.

    Args:
        input: (N, C, H, W) or (C, H, W).
        kernel_size: of a window; sizes are one number, or two.
        dilation: distance of a window's elements.
        padding: zeros at each side of the image.
        stride: distance of windows.

    Raises:
        ValueError: sizes that cannot be, an input that is no image or smaller than a
            window.

    PyTorch: `torch.nn.functional.unfold`.

    Example:
        >>> unfold(jnp.arange(6.0).reshape(1, 2, 3), 2).T
        Array([[0., 1., 3., 4.],
               [1., 2., 4., 5.]], dtype=float32)
    """
    sizes = patches_of("Unfold", kernel_size, dilation, padding, stride)
    name = f"Unfold(kernel_size={sizes.kernel_size})"
    x = ensure_batch(name, jnp.asarray(input), 2)
    places, _ = _places(sizes, *x.shape[2:])
    check_counts(name, input, places.shape)
    high, wide = sizes.padding
    padded = jnp.pad(x, ((0, 0), (0, 0), (high, high), (wide, wide)))
    # (N, C, elements, windows)
    columns = padded.reshape(*x.shape[:2], math.prod(padded.shape[2:]))[..., places]
    output = columns.reshape(len(x), x.shape[1] * len(places), places.shape[1])
    return output if input.ndim == 4 else output[0]


def fold(
    input: jax.Array,
    output_size: Size,
    kernel_size: Size,
    dilation: Size = 1,
    padding: Size = 0,
    stride: Size = 1,
) -> jax.Array:
    """(N, C · elements of a window, windows) -> (N, C, *output_size): patches added up.

    Args:
        input: patches; N may be missing.
        output_size: height and width.
        kernel_size: of a window; sizes are one number, or two.
        dilation: distance of a window's elements.
        padding: what is cut off at each side of the image.
        stride: distance of windows.

    Raises:
        ValueError: sizes that cannot be, an input with another number of elements or
            windows.

    PyTorch: `torch.nn.functional.fold`.

    Example:
        >>> fold(jnp.ones((1, 4, 2)), (2, 3), 2)
        Array([[[[1., 2., 1.],
                 [1., 2., 1.]]]], dtype=float32)
    """
    sizes = patches_of("Fold", kernel_size, dilation, padding, stride)
    height, width = per_dim("Fold", "output_size", output_size, 2)
    at_least("Fold", 1, output_size=(height, width))
    name = f"Fold(kernel_size={sizes.kernel_size})"
    check_ndim(name, input, (2, 3))
    places, padded = _places(sizes, height, width)
    elements, windows = places.shape
    check_size(name, input, -1, windows)
    if elements == 0 or input.shape[-2] % elements:
        raise misfit(name, input, f"it must hold patches of {elements}")
    x = jnp.asarray(input)
    x = x if x.ndim == 3 else x[None]
    columns = x.reshape(len(x), x.shape[1] // elements, elements, windows)
    canvas = jnp.zeros((*columns.shape[:2], padded[0] * padded[1]), x.dtype)
    # A place occurs once for each window that it is in: `add` takes them all.
    image = canvas.at[..., places].add(columns).reshape(*columns.shape[:2], *padded)
    high, wide = sizes.padding
    output = image[..., high : high + height, wide : wide + width]
    return output if input.ndim == 3 else output[0]
