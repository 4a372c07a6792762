from collections.abc import Sequence

import jax
import jax.numpy as jnp
from flax import nnx
from jax.typing import DTypeLike

from jaxtrain.nn._input import misfit
from jaxtrain.nn._moments import affine, like, moments, normalised, wide
from jaxtrain.nn._parameter import filled


class LayerNorm(nnx.Module):
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
        self.weight = filled(shape, 1, dtype) if elementwise_affine else None
        self.bias = filled(shape, 0, dtype) if elementwise_affine and bias else None

    def __call__(self, input: jax.Array) -> jax.Array:
        dims = _last_dims(self, input, self.normalized_shape)
        x = wide(input)
        y = normalised(x, *moments(x, dims), self.eps)
        return like(affine(y, _value(self.weight), _value(self.bias)), input)


class RMSNorm(nnx.Module):
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
        self.weight = filled(shape, 1, dtype) if elementwise_affine else None

    def __call__(self, input: jax.Array) -> jax.Array:
        dims = _last_dims(self, input, self.normalized_shape)
        x = wide(input)
        eps = float(jnp.finfo(x.dtype).eps) if self.eps is None else self.eps
        y = x * jax.lax.rsqrt(jnp.square(x).mean(dims, keepdims=True) + eps)
        return like(affine(y, _value(self.weight), None), input)


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
