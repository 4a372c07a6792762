"""Attention."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike

from jaxtrain.nn.functional._dropout import dropout
from jaxtrain.nn.shapes import misfit


def scaled_dot_product_attention(
    query: jax.Array,
    key: jax.Array,
    value: jax.Array,
    attn_mask: jax.Array | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> jax.Array:
    """y = dropout(softmax(scale · q kᵀ + mask)) v.

    A query that may look nowhere gives zeros. Dropout is always on: hand it 0 in
    evaluation, as in PyTorch.

    Args:
        query: q, (…, H, L, E).
        key: k, (…, H or fewer, S, E).
        value: v, (…, H or fewer, S, Ev).
        attn_mask: broadcast to (…, H, L, S): *true for pairs that may look*, or numbers
            to add.
        dropout_p: probability of zeroing an attention weight; the mask comes from
            `nn.dropout_source`.
        is_causal: whether query i may look at keys up to i alone.
        scale: E^-½ if not given.
        enable_gqa: whether keys and values have fewer heads, each for as many queries'
            heads, side by side.

    Raises:
        ValueError: shapes that do not fit; a mask beside `is_causal`.

    PyTorch: `torch.nn.functional.scaled_dot_product_attention`, where it computes in
    the inputs' type on the CPU. (`jax.nn.dot_product_attention` has heads behind L.)
    Reference: Vaswani et al. 2017, https://arxiv.org/abs/1706.03762

    Example:
        >>> q = jnp.ones((1, 4, 3, 8))
        >>> scaled_dot_product_attention(q, q, q, is_causal=True).shape
        (1, 4, 3, 8)
    """
    q, k, v = (jnp.asarray(x) for x in (query, key, value))
    if min(q.ndim, k.ndim, v.ndim) < 2 or q.shape[-1] != k.shape[-1]:
        raise misfit("attention", k, f"its last dimension must be that of {q.shape}")
    if k.shape[-2] != v.shape[-2]:
        raise misfit("attention", v, f"keys are {k.shape}")
    if enable_gqa:
        k, v = (_repeat_heads(x, q) for x in (k, v))
    mask = _pairs(q, k, attn_mask, is_causal)
    weights = attention_weights(q, k, mask, scale, safe=True)
    return dropout(weights, dropout_p) @ v


def _repeat_heads(x: jax.Array, query: jax.Array) -> jax.Array:
    if min(x.ndim, query.ndim) < 3 or query.shape[-3] % x.shape[-3]:
        raise misfit("attention", x, f"its heads do not divide those of {query.shape}")
    return jnp.repeat(x, query.shape[-3] // x.shape[-3], -3)


def _pairs(
    q: jax.Array, k: jax.Array, mask: jax.Array | None, is_causal: bool
) -> jax.Array | None:
    """What is added to the scores."""
    if not is_causal:
        return None if mask is None else mask_bias(mask, q.dtype, blocks=False)
    if mask is not None:
        raise ValueError("attn_mask must be None where is_causal=True is the mask")
    return causal_bias(q.shape[-2], k.shape[-2], q.dtype)


def causal_bias(length: int, keys: int, dtype: DTypeLike) -> jax.Array:
    """-∞ for the keys behind a query, (length, keys).

    Example:
        >>> causal_bias(2, 2, jnp.float32)
        Array([[  0., -inf],
               [  0.,   0.]], dtype=float32)
    """
    return mask_bias(np.tri(length, keys, dtype=bool), dtype, blocks=False)


def mask_bias(
    mask: jax.Array | np.ndarray, dtype: DTypeLike, blocks: bool
) -> jax.Array:
    """Numbers to add, of a mask of numbers or of booleans.

    Args:
        mask: of any shape.
        dtype: of the result.
        blocks: whether true is what to leave out, and not what to take in.

    Example:
        >>> mask_bias(jnp.array([True, False]), jnp.float32, blocks=True)
        Array([-inf,   0.], dtype=float32)
    """
    if mask.dtype != bool:
        return jnp.asarray(mask, dtype)
    out = mask if blocks else ~mask
    return jnp.where(out, jnp.asarray(-jnp.inf, dtype), 0)


def attention_weights(
    q: jax.Array,
    k: jax.Array,
    mask: jax.Array | None,
    scale: float | None,
    safe: bool,
) -> jax.Array:
    """softmax(scale · q kᵀ + mask), (…, L, S).

    Where a query may look nowhere it is NaN, or zero if `safe`: PyTorch has both.

    Example:
        >>> q = jnp.ones((2, 4))
        >>> attention_weights(q, q, None, None, safe=True)
        Array([[0.5, 0.5],
               [0.5, 0.5]], dtype=float32)
    """
    factor = math.sqrt(1 / q.shape[-1]) if scale is None else scale
    # PyTorch scales the queries, not the products.
    scores = (q * factor) @ k.swapaxes(-1, -2)
    if mask is None:
        return jax.nn.softmax(scores, -1)
    scores = scores + mask
    if not safe:
        return jax.nn.softmax(scores, -1)
    blind = (scores == -jnp.inf).all(-1, keepdims=True)
    # Of -∞ alone the softmax is NaN, and so would be the slope of the branch not taken.
    return jnp.where(blind, 0, jax.nn.softmax(jnp.where(blind, 0, scores), -1))
