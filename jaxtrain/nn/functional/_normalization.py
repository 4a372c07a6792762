"""Normalisation of each example by its own moments, or its neighbouring channels."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp

from jaxtrain.nn.shapes import check_size, misfit


def wide(x: jax.Array) -> jax.Array:
    """x, or its float32 if it has 16 bits: statistics are never taken in those.

    Example:
        >>> wide(jnp.ones(1, jnp.bfloat16)).dtype
        dtype('float32')
    """
    array = jnp.asarray(x)
    return array.astype(jnp.promote_types(array.dtype, jnp.float32))


def cast_like(y: jax.Array, input: jax.Array) -> jax.Array:
    """y in the type that `input` has as an array of JAX.

    Example:
        >>> cast_like(jnp.ones(1), jnp.ones(1, jnp.bfloat16)).dtype
        dtype(bfloat16)
    """
    return y.astype(jax.dtypes.canonicalize_dtype(input.dtype))


def moments(x: jax.Array, dims: tuple[int, ...]) -> tuple[jax.Array, jax.Array]:
    """Mean and biased variance over `dims`, which stay with size 1.

    The variance is that of the deviations: E[x²] - E[x]² would cancel.

    Example:
        >>> mean, var = moments(jnp.array([1.0, 3.0]), (0,))
        >>> float(mean[0]), float(var[0])
        (2.0, 1.0)
    """
    mean = x.mean(dims, keepdims=True)
    return mean, jnp.square(x - mean).mean(dims, keepdims=True)


def normalise(x: jax.Array, mean: jax.Array, var: jax.Array, eps: float) -> jax.Array:
    """(x - mean) / sqrt(var + eps).

    Example:
        >>> normalise(jnp.array([3.0]), jnp.array([1.0]), jnp.array([4.0]), 0.0)
        Array([1.], dtype=float32)
    """
    # PyTorch's kernels multiply by the reciprocal of the root.
    return (x - mean) * jax.lax.rsqrt(var + eps)


def affine(x: jax.Array, weight: jax.Array | None, bias: jax.Array | None) -> jax.Array:
    """x · weight + bias, as far as they are there.

    Example:
        >>> affine(jnp.ones(2), None, jnp.ones(2))
        Array([2., 2.], dtype=float32)
    """
    y = x if weight is None else x * weight
    return y if bias is None else y + bias


def layer_norm(
    input: jax.Array,
    normalized_shape: int | Sequence[int],
    weight: jax.Array | None = None,
    bias: jax.Array | None = None,
    eps: float = 1e-5,
) -> jax.Array:
    """y = (x - mean) / sqrt(var + eps) · weight + bias, over the last dimensions.

    The variance is the biased one.

    Args:
        input: x.
        normalized_shape: sizes of the last dimensions.
        weight: of that shape.
        bias: of that shape.
        eps: added to the variance.

    Raises:
        ValueError: `normalized_shape` is empty; an input does not end in it.

    PyTorch: `torch.nn.functional.layer_norm`.

    Example:
        >>> layer_norm(jnp.array([1.0, 3.0]), (2,))
        Array([-0.999995,  0.999995], dtype=float32)
    """
    dims = _last_dims("LayerNorm", input, normalized_shape, weight, bias)
    x = wide(input)
    y = normalise(x, *moments(x, dims), eps)
    return cast_like(affine(y, weight, bias), input)


def rms_norm(
    input: jax.Array,
    normalized_shape: int | Sequence[int],
    weight: jax.Array | None = None,
    eps: float | None = None,
) -> jax.Array:
    """y = x / sqrt(mean(x²) + eps) · weight, over the last dimensions.

    Args:
        input: x.
        normalized_shape: sizes of the last dimensions.
        weight: of that shape.
        eps: added to the mean square; if not given, the spacing of the input's type at
            1, which for 16-bit inputs is float32's.

    Raises:
        ValueError: `normalized_shape` is empty; an input does not end in it.

    PyTorch: `torch.nn.functional.rms_norm`.

    Example:
        >>> rms_norm(jnp.array([1.0, 7.0]), (2,), eps=0.0)
        Array([0.2, 1.4], dtype=float32)
    """
    dims = _last_dims("RMSNorm", input, normalized_shape, weight)
    x = wide(input)
    least = float(jnp.finfo(x.dtype).eps) if eps is None else eps
    y = x * jax.lax.rsqrt(jnp.square(x).mean(dims, keepdims=True) + least)
    return cast_like(affine(y, weight, None), input)


def shape_of(name: str, sizes: int | Sequence[int]) -> tuple[int, ...]:
    """Sizes of the last dimensions, one at least.

    Raises:
        ValueError: there are none.

    Example:
        >>> shape_of("LayerNorm", 3)
        (3,)
    """
    shape = (sizes,) if isinstance(sizes, int) else tuple(sizes)
    if not shape:
        raise ValueError(f"{name} needs one dimension or more, got {sizes!r}")
    return shape


def _last_dims(
    name: str,
    input: jax.Array,
    sizes: int | Sequence[int],
    *parameters: jax.Array | None,
) -> tuple[int, ...]:
    shape = shape_of(name, sizes)
    for x in parameters:
        if x is not None and x.shape != shape:
            raise misfit(f"a parameter of {name}({shape})", x, "it must be that shape")
    if input.shape[-len(shape) :] != shape:
        raise misfit(f"{name}({shape})", input, f"its last dimensions must be {shape}")
    return tuple(range(-len(shape), 0))


def group_norm(
    input: jax.Array,
    num_groups: int,
    weight: jax.Array | None = None,
    bias: jax.Array | None = None,
    eps: float = 1e-5,
) -> jax.Array:
    """y = (x - mean) / sqrt(var + eps) · weight + bias, over groups of channels.

    Mean and biased variance are those of one example's group, (C / num_groups, *).

    Args:
        input: x, (N, C, *).
        num_groups: how many groups the channels make.
        weight: (C,).
        bias: (C,).
        eps: added to the variance.

    Raises:
        ValueError: the groups do not divide the channels; an input has none.

    PyTorch: `torch.nn.functional.group_norm`.

    Example:
        >>> group_norm(jnp.array([[1.0, 3.0]]), 1)
        Array([[-0.999995,  0.999995]], dtype=float32)
    """
    channels = weight.shape[0] if weight is not None else None
    name = f"GroupNorm({num_groups}, {channels})"
    if input.ndim < 2:
        raise misfit(name, input, "it must have a batch and channels")
    if channels is not None:
        check_size(name, input, 1, channels)
    check_groups(num_groups, input.shape[1])
    # (N, groups, channels of one · positions)
    size = input.size // max(input.shape[0] * num_groups, 1)
    groups = wide(input).reshape(input.shape[0], num_groups, size)
    y = normalise(groups, *moments(groups, (2,)), eps).reshape(input.shape)
    weight, bias = (
        p if p is None else p.reshape(-1, *[1] * (input.ndim - 2))
        for p in (weight, bias)
    )
    return cast_like(affine(y, weight, bias), input)


def check_groups(num_groups: int, num_channels: int) -> None:
    """Let groups pass that divide the channels.

    Example:
        >>> check_groups(2, 4)
    """
    if num_groups < 1 or num_channels % num_groups:
        raise ValueError(
            f"num_channels ({num_channels}) must be divisible by num_groups "
            f"({num_groups})"
        )


def local_response_norm(
    input: jax.Array,
    size: int,
    alpha: float = 1e-4,
    beta: float = 0.75,
    k: float = 1.0,
) -> jax.Array:
    """y = x / (k + alpha / size · Σ x²)^beta, the sum over `size` channels around it.

    Args:
        input: x, (N, C, L, …).
        size: how many channels; of an even number one more lies before than behind.
        alpha: weight of their mean square.
        beta: exponent.
        k: what is added.

    Raises:
        ValueError: `size` is not positive; an input has fewer than three dimensions.

    PyTorch: `torch.nn.functional.local_response_norm`.

    Example:
        >>> local_response_norm(jnp.ones((1, 2, 1)), 1, alpha=1.0, beta=1.0)
        Array([[[0.5],
                [0.5]]], dtype=float32)
    """
    check_response(size)
    if input.ndim < 3:
        name = f"LocalResponseNorm({size})"
        raise misfit(name, input, "it must have 3 dimensions or more")
    pads = [(0, 0)] * input.ndim
    pads[1] = (size // 2, (size - 1) // 2)
    squares = jnp.pad(jnp.square(input), pads)
    channels = input.shape[1]
    total = sum(
        jax.lax.slice_in_dim(squares, i, i + channels, axis=1) for i in range(size)
    )
    # PyTorch's order: the mean of the squares, times alpha, plus k.
    return input / (total / size * alpha + k) ** beta


def check_response(size: int) -> None:
    """Let a number of channels pass that is positive.

    Example:
        >>> check_response(1)
    """
    if size < 1:
        raise ValueError(f"LocalResponseNorm needs size >= 1, got {size}")
