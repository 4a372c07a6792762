"""Normalisation of each example by its own moments, or its neighbouring channels."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jax.typing import DTypeLike

from jaxtrain.nn import functional as F
from jaxtrain.nn.functional._normalization import (
    check_groups,
    check_response,
    shape_of,
)
from jaxtrain.nn.module import Module, fill_parameter, value
from jaxtrain.nn.shapes import check_size, misfit


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
        shape = shape_of("LayerNorm", normalized_shape)
        self.normalized_shape = shape
        self.eps = eps
        self.weight = fill_parameter(shape, 1, dtype) if elementwise_affine else None
        self.bias = (
            fill_parameter(shape, 0, dtype) if elementwise_affine and bias else None
        )

    def __call__(self, input: jax.Array) -> jax.Array:
        shape, weight, bias = self.normalized_shape, self.weight, self.bias
        return F.layer_norm(input, shape, value(weight), value(bias), self.eps)


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
        shape = shape_of("RMSNorm", normalized_shape)
        self.normalized_shape = shape
        self.eps = eps
        self.weight = fill_parameter(shape, 1, dtype) if elementwise_affine else None

    def __call__(self, input: jax.Array) -> jax.Array:
        return F.rms_norm(input, self.normalized_shape, value(self.weight), self.eps)


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
        check_groups(num_groups, num_channels)
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
        weight, bias = value(self.weight), value(self.bias)
        return F.group_norm(input, self.num_groups, weight, bias, self.eps)


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
        check_response(size)
        self.size = size
        self.alpha = alpha
        self.beta = beta
        self.k = k

    def __call__(self, input: jax.Array) -> jax.Array:
        return F.local_response_norm(input, self.size, self.alpha, self.beta, self.k)
