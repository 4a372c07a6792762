"""The way back from the largest of each window."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from jaxtrain.nn.shapes import at_least, ensure_batch, misfit, per_dim

Size = int | Sequence[int]
Sizes = tuple[tuple[int, ...], ...]


def unpool_windows(
    name: str, n: int, kernel_size: Size, stride: Size | None, padding: Size
) -> Sizes:
    """Sizes of kernel, stride and padding in n dimensions.

    Raises:
        ValueError: sizes that cannot be.

    Example:
        >>> unpool_windows("max_unpool1d", 1, 2, None, 0)
        ((2,), (2,), (0,))
    """
    kernel = per_dim(name, "kernel_size", kernel_size, n)
    steps = kernel if stride is None else per_dim(name, "stride", stride, n)
    at_least(name, 1, kernel_size=kernel, stride=steps)
    return kernel, steps, per_dim(name, "padding", padding, n)


def unpool(
    name: str,
    input: jax.Array,
    indices: jax.Array,
    windows: Sizes,
    output_size: Sequence[int] | None,
) -> jax.Array:
    """Values at their places, and zeros elsewhere.

    Example:
        >>> x, places = jnp.array([[3.0]]), jnp.array([[1]])
        >>> unpool("max_unpool1d", x, places, ((2,), (2,), (0,)), None)
        Array([[0., 3.]], dtype=float32)
    """
    x = ensure_batch(name, jnp.asarray(input), len(windows[0]))
    if indices.shape != input.shape:
        raise misfit(name, input, f"indices have shape {indices.shape}")
    sizes = _sizes(name, x, windows, output_size)
    flat = x.reshape(*x.shape[:2], -1)
    places = jnp.asarray(indices).reshape(flat.shape)
    output = _scatter(flat, places, math.prod(sizes)).reshape(*x.shape[:2], *sizes)
    return output if input.ndim == x.ndim else output[0]


def _sizes(
    name: str, x: jax.Array, windows: Sizes, output_size: Sequence[int] | None
) -> tuple[int, ...]:
    n, strides = len(windows[0]), windows[1]
    steps = zip(x.shape[2:], *windows, strict=True)
    plain = tuple((size - 1) * s + k - 2 * p for size, k, s, p in steps)
    sizes = plain if output_size is None else tuple(output_size)[-n:]
    if output_size is not None:
        near = zip(plain, sizes, strides, strict=False)
        fits = len(output_size) in (n, n + 2)
        if not fits or any(abs(a - b) >= stride for a, b, stride in near):
            raise ValueError(
                f"{name}: output_size must be less than the stride "
                f"{strides} from {plain}, got {tuple(output_size)}"
            )
    if min(sizes) < 1:
        raise misfit(name, x, f"the output would have sizes {sizes}")
    return sizes


@jax.custom_vjp
def _scatter_into(x: jax.Array, places: jax.Array, zeros: jax.Array) -> jax.Array:
    # (N, 1, 1) and (C, 1, 1), the latter turned below to (1, C, 1).
    n, c = (jnp.arange(size)[:, None, None] for size in x.shape[:2])
    return zeros.at[n, c.swapaxes(0, 1), places].set(x, mode="drop")


def _forward(x: jax.Array, places: jax.Array, zeros: jax.Array) -> Any:
    return _scatter_into(x, places, zeros), places


def _backward(places: jax.Array, cotangent: jax.Array) -> Any:
    # Where windows overlapped one place was found twice: each finder has the gradient.
    grad = jnp.take_along_axis(cotangent, places, -1, mode="fill", fill_value=0)
    return grad, None, None


_scatter_into.defvjp(_forward, _backward)


def _scatter(x: jax.Array, places: jax.Array, size: int) -> jax.Array:
    """(N, C, size), with x (N, C, elements) at its places and zeros elsewhere."""
    return _scatter_into(x, places, jnp.zeros((*x.shape[:2], size), x.dtype))


def max_unpool1d(
    input: jax.Array,
    indices: jax.Array,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    output_size: Sequence[int] | None = None,
) -> jax.Array:
    """Values back at the places where `max_pool1d` found them, and zeros elsewhere.

    Args:
        input: (N, C, L) or (C, L).
        indices: places in the flattened output, of the input's shape. One beyond it is
            left out, where PyTorch raises.
        kernel_size: of the pooling, whose default sizes the output has.
        stride: of the pooling; `kernel_size` if not given.
        padding: of the pooling.
        output_size: sizes of the output, alone or behind those of N and C.

    Raises:
        ValueError: sizes that cannot be; indices of another shape; an `output_size`
            that is not less than the stride away.

    PyTorch: `torch.nn.functional.max_unpool1d`.

    Example:
        >>> max_unpool1d(jnp.array([[3.0, 4.0]]), jnp.array([[1, 2]]), 2)
        Array([[0., 3., 4., 0.]], dtype=float32)
    """
    windows = unpool_windows("max_unpool1d", 1, kernel_size, stride, padding)
    return unpool("max_unpool1d", input, indices, windows, output_size)


def max_unpool2d(
    input: jax.Array,
    indices: jax.Array,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    output_size: Sequence[int] | None = None,
) -> jax.Array:
    """`max_unpool1d` for (N, C, H, W) or (C, H, W); sizes are one number, or two.

    PyTorch: `torch.nn.functional.max_unpool2d`.

    Example:
        >>> max_unpool2d(jnp.ones((1, 1, 1)), jnp.array([[[3]]]), 2)
        Array([[[0., 0.],
                [0., 1.]]], dtype=float32)
    """
    windows = unpool_windows("max_unpool2d", 2, kernel_size, stride, padding)
    return unpool("max_unpool2d", input, indices, windows, output_size)


def max_unpool3d(
    input: jax.Array,
    indices: jax.Array,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    output_size: Sequence[int] | None = None,
) -> jax.Array:
    """`max_unpool1d` for (N, C, D, H, W) or (C, D, H, W); one number, or three.

    PyTorch: `torch.nn.functional.max_unpool3d`.

    Example:
        >>> places = jnp.zeros((1, 1, 1, 1), int)
        >>> max_unpool3d(jnp.ones((1, 1, 1, 1)), places, 2).shape
        (1, 2, 2, 2)
    """
    windows = unpool_windows("max_unpool3d", 3, kernel_size, stride, padding)
    return unpool("max_unpool3d", input, indices, windows, output_size)
