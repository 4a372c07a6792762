"""The multi-layer perceptron of PyTorch's tutorial."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import jax
import jax.numpy as jnp
from flax import nnx
from jax.typing import DTypeLike

from jaxtrain import nn, rng


class MLP(nnx.Module):
    """Flatten, then Linear and ReLU for each hidden size, then Linear.

    With the default sizes this is the network of the official PyTorch tutorial, down
    to the names of its parameters (`linear_relu_stack.0.weight`, …).

    Args:
        in_features: values of one input, all its dimensions taken together.
        hidden: sizes of the hidden layers; empty for a linear model.
        out_features: number of outputs.
        dropout: probability of zeroing an activation, after each ReLU; no dropout layer
            is there when it is 0.
        generator: where the initial values come from, layer by layer in this order;
            `rng.default_generator` if not given.
        dtype: of the parameters; see `nn.Linear`.

    Raises:
        ValueError: a size is not positive, or `dropout` lies outside [0, 1].

    Example:
        >>> model = MLP(generator=rng.Generator(0))
        >>> model(jnp.zeros((64, 28, 28))).shape
        (64, 10)
    """

    def __init__(
        self,
        in_features: int = 784,
        hidden: Sequence[int] = (512, 512),
        out_features: int = 10,
        dropout: float = 0.0,
        *,
        generator: rng.Generator | None = None,
        dtype: DTypeLike = jnp.float32,
    ):
        sizes = [in_features, *hidden, out_features]
        if min(sizes) < 1:
            raise ValueError(f"layer sizes must be positive, but got {sizes}")
        layers: list[nnx.Module] = []
        for i, (inputs, outputs) in enumerate(pairwise(sizes)):
            layers.append(nn.Linear(inputs, outputs, generator=generator, dtype=dtype))
            # The last Linear gives logits: the softmax is the loss's.
            if i < len(hidden):
                layers.append(nn.ReLU())
                layers += [nn.Dropout(dropout)] if dropout else []
        self.flatten = nn.Flatten()
        self.linear_relu_stack = nn.Sequential(*layers)

    def __call__(self, input: jax.Array) -> jax.Array:
        return self.linear_relu_stack(self.flatten(input))
