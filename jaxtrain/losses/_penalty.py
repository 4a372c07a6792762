"""Penalties on the size of the weights, added to a loss."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from jaxtrain.losses._inputs import absolute, floats, total


def l1_penalty(params: Any) -> jax.Array:
    """Σ|p| over all parameters, with gradient 0 at p = 0.

    Args:
        params: a tree of arrays, say `nnx.state(model, nnx.Param)`.

    PyTorch: `sum(p.abs().sum() for p in model.parameters())`.

    Example:
        >>> print(l1_penalty({"weight": jnp.array([[1.0, -2.0]]), "bias": jnp.ones(1)}))
        4.0
    """
    return _sum_over(absolute, params)


def l2_penalty(params: Any) -> jax.Array:
    """Σp² over all parameters, neither halved nor rooted.

    Added to a loss as λ·Σp², it gives the gradient 2λp: in `sgd`, what
    `weight_decay` = 2λ adds. In an adaptive optimiser such as `adam` both pass through
    its scaling; `adamw` shrinks the parameter instead, which no penalty does.

    Args:
        params: a tree of arrays, say `nnx.state(model, nnx.Param)`.

    PyTorch: `sum(p.pow(2).sum() for p in model.parameters())`.

    Example:
        >>> print(l2_penalty({"weight": jnp.array([[1.0, -2.0]]), "bias": jnp.ones(1)}))
        6.0
    """
    return _sum_over(jnp.square, params)


def _sum_over(function: Callable[[jax.Array], jax.Array], params: Any) -> jax.Array:
    leaves, _ = jax.tree.flatten_with_path(params)
    if not leaves:
        return jnp.zeros(())
    arrays, dtype = floats(**{jax.tree_util.keystr(path): x for path, x in leaves})
    return sum((total(function(x)) for x in arrays), jnp.zeros(())).astype(dtype)
