"""Dimensions joined and split."""

from __future__ import annotations

import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp

from jaxtrain.nn.module import Module
from jaxtrain.nn.shapes import misfit


class Flatten(Module):
    """Merge the dimensions `start_dim` … `end_dim` into one.

    PyTorch: `torch.nn.Flatten`.

    Example:
        >>> Flatten()(jnp.ones((2, 28, 28))).shape
        (2, 784)
    """

    def __init__(self, start_dim: int = 1, end_dim: int = -1):
        self.start_dim = start_dim
        self.end_dim = end_dim

    def __call__(self, input: jax.Array) -> jax.Array:
        shape = input.shape
        first, last = (range(len(shape))[d] for d in (self.start_dim, self.end_dim))
        size = math.prod(shape[first : last + 1])
        return input.reshape(*shape[:first], size, *shape[last + 1 :])


class Unflatten(Module):
    """Split one dimension into several.

    Args:
        dim: which one; may be negative.
        unflattened_size: what it becomes; one size may be -1, for what is left.

    Raises:
        ValueError: sizes that cannot be, or that do not multiply to an input's.

    PyTorch: `torch.nn.Unflatten`, without named dimensions.

    Example:
        >>> Unflatten(1, (2, -1))(jnp.ones((3, 8, 5))).shape
        (3, 2, 4, 5)
    """

    def __init__(self, dim: int, unflattened_size: Sequence[int]):
        sizes = tuple(unflattened_size)
        if not sizes or min(sizes) < -1 or sizes.count(-1) > 1:
            raise ValueError(
                f"unflattened_size must be sizes, at most one of them -1, got {sizes}"
            )
        self.dim = dim
        self.unflattened_size = sizes

    def __call__(self, input: jax.Array) -> jax.Array:
        name = f"Unflatten({self.dim}, {self.unflattened_size})"
        if not -input.ndim <= self.dim < input.ndim:
            raise misfit(name, input, f"it has no dimension {self.dim}")
        dim = self.dim % input.ndim
        product = math.prod(size for size in self.unflattened_size if size != -1)
        whole = input.shape[dim]
        infer = -1 in self.unflattened_size
        if (not product or whole % product) if infer else whole != product:
            raise misfit(name, input, f"dimension {dim} cannot be split so")
        sizes = [
            whole // product if size == -1 else size for size in self.unflattened_size
        ]
        shape = (*input.shape[:dim], *sizes, *input.shape[dim + 1 :])
        return jnp.asarray(input).reshape(shape)
