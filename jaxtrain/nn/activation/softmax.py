"""Activations along one dimension."""

from __future__ import annotations

import jax

from jaxtrain.nn import functional as F
from jaxtrain.nn.module import Module
from jaxtrain.nn.shapes import check_ndim


class Softmax(Module):
    """y = exp(x) / Σ exp(x), the sum along `dim`.

    Args:
        dim: along which y sums to 1; if not given, 0 for inputs of 0, 1 or 3 dimensions
            and 1 for others.

    PyTorch: `torch.nn.Softmax`.

    Example:
        >>> import jax.numpy as jnp
        >>> Softmax(-1)(jnp.zeros(2))
        Array([0.5, 0.5], dtype=float32)
    """

    def __init__(self, dim: int | None = None):
        self.dim = dim

    def __call__(self, input: jax.Array) -> jax.Array:
        return F.softmax(input, self.dim)


class LogSoftmax(Module):
    """y = x - ln Σ exp(x), the sum along `dim`.

    Args:
        dim: as for `Softmax`.

    PyTorch: `torch.nn.LogSoftmax`.

    Example:
        >>> import jax.numpy as jnp
        >>> LogSoftmax(-1)(jnp.zeros(2))
        Array([-0.6931472, -0.6931472], dtype=float32)
    """

    def __init__(self, dim: int | None = None):
        self.dim = dim

    def __call__(self, input: jax.Array) -> jax.Array:
        return F.log_softmax(input, self.dim)


class Softmin(Module):
    """y = exp(-x) / Σ exp(-x), the sum along `dim`.

    Args:
        dim: as for `Softmax`.

    PyTorch: `torch.nn.Softmin`.

    Example:
        >>> import jax.numpy as jnp
        >>> Softmin(-1)(jnp.zeros(2))
        Array([0.5, 0.5], dtype=float32)
    """

    def __init__(self, dim: int | None = None):
        self.dim = dim

    def __call__(self, input: jax.Array) -> jax.Array:
        return F.softmin(input, self.dim)


class Softmax2d(Module):
    """Softmax over the channels of images.

    Raises:
        ValueError: an input is neither (N, C, H, W) nor (C, H, W).

    PyTorch: `torch.nn.Softmax2d`.

    Example:
        >>> import jax.numpy as jnp
        >>> Softmax2d()(jnp.zeros((2, 1, 1)))[:, 0, 0]
        Array([0.5, 0.5], dtype=float32)
    """

    def __call__(self, input: jax.Array) -> jax.Array:
        check_ndim("Softmax2d()", input, (3, 4))
        return F.softmax(input, -3)


class GLU(Module):
    """y = a / (1 + exp(-b)), a and b the halves of x along `dim`.

    Args:
        dim: along which x is halved.

    Raises:
        ValueError: that dimension of an input is odd, or there is none.

    PyTorch: `torch.nn.GLU`.
    Reference: Dauphin et al. 2016, https://arxiv.org/abs/1612.08083

    Example:
        >>> import jax.numpy as jnp
        >>> GLU()(jnp.array([3.0, 0.0]))
        Array([1.5], dtype=float32)
    """

    def __init__(self, dim: int = -1):
        self.dim = dim

    def __call__(self, input: jax.Array) -> jax.Array:
        return F.glu(input, self.dim)
