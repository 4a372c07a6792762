import jax
import jax.numpy as jnp
from flax import nnx
from jax.typing import DTypeLike

from jaxtrain.nn._input import check_size, misfit
from jaxtrain.nn._moments import affine, like, moments, normalised, wide
from jaxtrain.nn._parameter import filled


class GroupNorm(nnx.Module):
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
        self.weight = filled((num_channels,), 1, dtype) if affine else None
        self.bias = filled((num_channels,), 0, dtype) if affine and bias else None

    def __call__(self, input: jax.Array) -> jax.Array:
        name = f"GroupNorm({self.num_groups}, {self.num_channels})"
        if input.ndim < 2:
            raise misfit(name, input, "it must have a batch and channels")
        check_size(name, input, 1, self.num_channels)
        grouped = wide(input).reshape(input.shape[0], self.num_groups, -1)
        y = normalised(grouped, *moments(grouped, (2,)), self.eps).reshape(input.shape)
        weight, bias = (
            p if p is None else p[...].reshape(-1, *[1] * (input.ndim - 2))
            for p in (self.weight, self.bias)
        )
        return like(affine(y, weight, bias), input)
