import math
from collections.abc import Callable
from typing import Any

import jax
from flax import nnx


class Sequential(nnx.Module):
    """Modules applied one after another: y = f_n(… f_1(x)).

    Its children are named `"0"`, `"1"`, … as in PyTorch, so that the parameters of the
    first are `0.weight` and `0.bias`.

    Args:
        layers: modules or plain functions, in order.

    PyTorch: `torch.nn.Sequential`.

    Example:
        >>> import jax.numpy as jnp
        >>> Sequential(jnp.exp, jnp.log1p)(jnp.zeros(1))
        Array([0.6931472], dtype=float32)
    """

    def __init__(self, *layers: Callable[[jax.Array], jax.Array]):
        self.length = len(layers)
        for i, layer in enumerate(layers):
            setattr(self, str(i), layer)

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return Sequential(*(self[i] for i in range(self.length)[index]))
        return getattr(self, str(range(self.length)[index]))

    def __call__(self, input: jax.Array) -> jax.Array:
        for i in range(self.length):
            input = self[i](input)
        return input


class Flatten(nnx.Module):
    """Merge the dimensions `start_dim` … `end_dim` into one.

    PyTorch: `torch.nn.Flatten`.

    Example:
        >>> import jax.numpy as jnp
        >>> Flatten()(jnp.ones((2, 28, 28))).shape
        (2, 784)
    """

    def __init__(self, start_dim: int = 1, end_dim: int = -1):
        self.start_dim = start_dim
        self.end_dim = end_dim

    def __call__(self, input: jax.Array) -> jax.Array:
        shape = input.shape
        first, last = (range(len(shape))[d] for d in (self.start_dim, self.end_dim))
        merged = math.prod(shape[first : last + 1])
        return input.reshape(*shape[:first], merged, *shape[last + 1 :])
