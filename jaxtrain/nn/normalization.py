"""Normalisation of each example by its own moments, or its neighbouring channels."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from flax import nnx
from jax.typing import DTypeLike

from jaxtrain.nn.module import Module, fill_parameter
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


class LayerNorm(Module):
    """y = (x - mean) / sqrt(var + eps) · weight + bias, over the last dimensions.

    The variance is the biased one. `weight` begins as ones, `bias` as zeros, both of
    shape `normalized_shape`.

    Args:
        normalized_shape: sizes of the last dimensions, an integer for one.
        eps: added to the variance.
        elementwise_affine: whether there are a weight and a bias.
        bias: whether there is a bias, where there is a weight.
        dtype: of the parameters.

    Raises:
        ValueError: `normalized_shape` is empty; an input does not end in it.

    PyTorch: `torch.nn.LayerNorm`. (Flax has eps = 1e-6.)
    Reference: Ba et al. 2016, https://arxiv.org/abs/1607.06450

    Example:
        >>> LayerNorm(2)(jnp.array([1.0, 3.0]))
        Array([-0.999995,  0.999995], dtype=float32)
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        *,
        dtype: DTypeLike = jnp.float32,
    ):
        shape = _shape("LayerNorm", normalized_shape)
        self.normalized_shape = shape
        self.eps = eps
        self.weight = fill_parameter(shape, 1, dtype) if elementwise_affine else None
        self.bias = (
            fill_parameter(shape, 0, dtype) if elementwise_affine and bias else None
        )

    def __call__(self, input: jax.Array) -> jax.Array:
        dims = _last_dims(self, input, self.normalized_shape)
        x = wide(input)
        y = normalise(x, *moments(x, dims), self.eps)
        return cast_like(affine(y, _value(self.weight), _value(self.bias)), input)


class RMSNorm(Module):
    """y = x / sqrt(mean(x²) + eps) · weight, over the last dimensions.

    Args:
        normalized_shape: sizes of the last dimensions, an integer for one.
        eps: added to the mean square; if not given, the spacing of the input's type at
            1, which for 16-bit inputs is float32's.
        elementwise_affine: whether there is a weight; it begins as ones.
        dtype: of the weight.

    Raises:
        ValueError: `normalized_shape` is empty; an input does not end in it.

    PyTorch: `torch.nn.RMSNorm`.
    Reference: Zhang and Sennrich 2019, https://arxiv.org/abs/1910.07467

    Example:
        >>> RMSNorm(2, eps=0.0)(jnp.array([1.0, 7.0]))
        Array([0.2, 1.4], dtype=float32)
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float | None = None,
        elementwise_affine: bool = True,
        *,
        dtype: DTypeLike = jnp.float32,
    ):
        shape = _shape("RMSNorm", normalized_shape)
        self.normalized_shape = shape
        self.eps = eps
        self.weight = fill_parameter(shape, 1, dtype) if elementwise_affine else None

    def __call__(self, input: jax.Array) -> jax.Array:
        dims = _last_dims(self, input, self.normalized_shape)
        x = wide(input)
        eps = float(jnp.finfo(x.dtype).eps) if self.eps is None else self.eps
        y = x * jax.lax.rsqrt(jnp.square(x).mean(dims, keepdims=True) + eps)
        return cast_like(affine(y, _value(self.weight), None), input)


def _shape(name: str, sizes: int | Sequence[int]) -> tuple[int, ...]:
    shape = (sizes,) if isinstance(sizes, int) else tuple(sizes)
    if not shape:
        raise ValueError(f"{name} needs one dimension or more, got {sizes!r}")
    return shape


def _last_dims(
    layer: nnx.Module, input: jax.Array, shape: tuple[int, ...]
) -> tuple[int, ...]:
    if input.shape[-len(shape) :] != shape:
        name = f"{type(layer).__name__}({shape})"
        raise misfit(name, input, f"its last dimensions must be {shape}")
    return tuple(range(-len(shape), 0))


def _value(parameter: nnx.Param | None) -> jax.Array | None:
    return None if parameter is None else parameter[...]


class GroupNorm(Module):
    """y = (x - mean) / sqrt(var + eps) · weight + bias, over groups of channels.

    Mean and biased variance are those of one example's group, (C / num_groups, *).
    `weight` begins as ones, `bias` as zeros, both (num_channels,).

    Args:
        num_groups: how many groups the channels make.
        num_channels: C of inputs (N, C, *).
        eps: added to the variance.
        affine: whether there are a weight and a bias.
        bias: whether there is a bias, where there is a weight.
        dtype: of the parameters.

    Raises:
        ValueError: the groups do not divide the channels; an input has other channels.

    PyTorch: `torch.nn.GroupNorm`. (Flax has eps = 1e-6.)
    Reference: Wu and He 2018, https://arxiv.org/abs/1803.08494

    Example:
        >>> GroupNorm(1, 2)(jnp.array([[1.0, 3.0]]))
        Array([[-0.999995,  0.999995]], dtype=float32)
    """

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        *,
        bias: bool = True,
        dtype: DTypeLike = jnp.float32,
    ):
        if num_groups < 1 or num_channels % num_groups:
            raise ValueError(
                f"num_channels ({num_channels}) must be divisible by num_groups "
                f"({num_groups})"
            )
        self.num_groups = num_groups
        self.num_channels = num_channels
        self.eps = eps
        self.weight = fill_parameter((num_channels,), 1, dtype) if affine else None
        self.bias = (
            fill_parameter((num_channels,), 0, dtype) if affine and bias else None
        )

    def __call__(self, input: jax.Array) -> jax.Array:
        name = f"GroupNorm({self.num_groups}, {self.num_channels})"
        if input.ndim < 2:
            raise misfit(name, input, "it must have a batch and channels")
        check_size(name, input, 1, self.num_channels)
        # (N, groups, channels of one · positions)
        groups = wide(input).reshape(input.shape[0], self.num_groups, -1)
        y = normalise(groups, *moments(groups, (2,)), self.eps).reshape(input.shape)
        weight, bias = (
            p if p is None else p[...].reshape(-1, *[1] * (input.ndim - 2))
            for p in (self.weight, self.bias)
        )
        return cast_like(affine(y, weight, bias), input)


class LocalResponseNorm(Module):
    """y = x / (k + alpha / size · Σ x²)^beta, the sum over `size` channels around it.

    Args:
        size: how many channels; of an even number one more lies before than behind.
        alpha: weight of their mean square.
        beta: exponent.
        k: what is added.

    Raises:
        ValueError: `size` is not positive; an input is not (N, C, L, …).

    PyTorch: `torch.nn.LocalResponseNorm`.
    Reference: Krizhevsky et al. 2012, doi.org/10.1145/3065386

    Example:
        >>> LocalResponseNorm(1, alpha=1.0, beta=1.0)(jnp.ones((1, 2, 1)))
        Array([[[0.5],
                [0.5]]], dtype=float32)
    """

    def __init__(
        self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
    ):
        if size < 1:
            raise ValueError(f"LocalResponseNorm needs size >= 1, got {size}")
        self.size = size
        self.alpha = alpha
        self.beta = beta
        self.k = k

    def __call__(self, input: jax.Array) -> jax.Array:
        if input.ndim < 3:
            name = f"LocalResponseNorm({self.size})"
            raise misfit(name, input, "it must have 3 dimensions or more")
        pads = [(0, 0)] * input.ndim
        pads[1] = (self.size // 2, (self.size - 1) // 2)
        squares = jnp.pad(jnp.square(input), pads)
        channels = input.shape[1]
        total = sum(
            jax.lax.slice_in_dim(squares, i, i + channels, axis=1)
            for i in range(self.size)
        )
        # PyTorch's order: the mean of the squares, times alpha, plus k.
        return input / (total / self.size * self.alpha + self.k) ** self.beta
