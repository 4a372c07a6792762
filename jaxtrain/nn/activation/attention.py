"""Multi-head attention."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jax.typing import DTypeLike

from jaxtrain import rng
from jaxtrain.nn import init
from jaxtrain.nn.dropout import Dropout
from jaxtrain.nn.linear import Linear
from jaxtrain.nn.module import Module, draw_parameter, fill_parameter
from jaxtrain.nn.shapes import check_ndim, misfit


class MultiheadAttention(Module):
    """softmax(q kᵀ / sqrt(d) + mask) v in each of `num_heads` parts of the features.

    q, k, v are linear maps of the inputs, with `in_proj_weight` (3 embed_dim,
    embed_dim) and `in_proj_bias`, or, where keys or values have sizes of their own,
    with `q_proj_weight`, `k_proj_weight` and `v_proj_weight`; `out_proj` maps what the
    heads found together.

    Args:
        embed_dim: size of queries and outputs.
        num_heads: number of heads; d = embed_dim / num_heads.
        dropout: probability of zeroing an attention weight in training.
        bias: whether the maps have biases, zeros at first.
        add_bias_kv: whether a learnt pair of key and value follows the given ones.
        add_zero_attn: whether a pair of zeros follows them.
        kdim: size of keys; `embed_dim` if not given.
        vdim: size of values; `embed_dim` if not given.
        batch_first: whether batched inputs are (N, L, size), not (L, N, size).
        generator: where the initial values come from; `rng.default_generator` if not
            given.
        dtype: of the parameters; see `Linear`.

    Raises:
        ValueError: sizes that are not positive, heads that do not divide `embed_dim`,
            `dropout` outside [0, 1], inputs or masks that do not fit.

    PyTorch: `torch.nn.MultiheadAttention`.
    Reference: Vaswani et al. 2017, https://arxiv.org/abs/1706.03762

    Example:
        >>> x = jnp.ones((7, 2, 8))
        >>> output, weights = MultiheadAttention(8, 4)(x, x, x)
        >>> output.shape, weights.shape
        ((7, 2, 8), (2, 7, 7))
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        *,
        generator: rng.Generator | None = None,
        dtype: DTypeLike = jnp.float32,
    ):
        if min(embed_dim, num_heads) < 1 or embed_dim % num_heads:
            raise ValueError(
                f"embed_dim ({embed_dim}) must be divisible by num_heads ({num_heads}),"
                " both greater than 0"
            )
        self.embed_dim = embed_dim
        self.num_heads = num_heads
        self.kdim = embed_dim if kdim is None else kdim
        self.vdim = embed_dim if vdim is None else vdim
        self.dropout = Dropout(dropout)
        self.add_zero_attn = add_zero_attn
        self.batch_first = batch_first
        # Drawn before the maps of the inputs: PyTorch's `_reset_parameters` comes last.
        self.out_proj = Linear(
            embed_dim, embed_dim, bias, generator=generator, dtype=dtype
        )
        self._draw_projections(generator, dtype)
        self._begin_biases(bias, add_bias_kv, generator, dtype)

    def _draw_projections(
        self, generator: rng.Generator | None, dtype: DTypeLike
    ) -> None:
        def draw(*shape: int) -> nnx.Param:
            return draw_parameter(
                init.xavier_uniform, shape, dtype=dtype, generator=generator
            )

        size = self.embed_dim
        self._qkv_same_embed_dim = self.kdim == self.vdim == size
        self.in_proj_weight: Any = (
            draw(3 * size, size) if self._qkv_same_embed_dim else None
        )
        self.q_proj_weight: Any = None if self._qkv_same_embed_dim else draw(size, size)
        self.k_proj_weight: Any = (
            None if self._qkv_same_embed_dim else draw(size, self.kdim)
        )
        self.v_proj_weight: Any = (
            None if self._qkv_same_embed_dim else draw(size, self.vdim)
        )

    def _begin_biases(
        self,
        bias: bool,
        add_bias_kv: bool,
        generator: rng.Generator | None,
        dtype: DTypeLike,
    ) -> None:
        size = self.embed_dim
        # PyTorch draws the bias of the output, and then puts zeros in its place.
        self.in_proj_bias: Any = fill_parameter((3 * size,), 0, dtype) if bias else None
        if bias:
            self.out_proj.bias = fill_parameter((size,), 0, dtype)
        self.bias_k: Any
        self.bias_v: Any
        self.bias_k, self.bias_v = (
            draw_parameter(
                init.xavier_normal, (1, 1, size), dtype=dtype, generator=generator
            )
            if add_bias_kv
            else None
            for _ in range(2)
        )

    def __call__(
        self,
        query: jax.Array,
        key: jax.Array,
        value: jax.Array,
        key_padding_mask: jax.Array | None = None,
        need_weights: bool = True,
        attn_mask: jax.Array | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[jax.Array, jax.Array | None]:
        """Outputs, and the attention weights if they are needed.

        Args:
            query: (L, N, embed_dim), or (L, embed_dim) without a batch.
            key: (S, N, kdim).
            value: (S, N, vdim).
            key_padding_mask: (N, S), true for keys to leave out, or numbers to add.
            need_weights: whether weights are returned, (N, L, S).
            attn_mask: (L, S) or (N · num_heads, L, S), true for pairs to leave out, or
                numbers to add.
            average_attn_weights: whether weights are averaged over heads, else they
                are (N, num_heads, L, S).
            is_causal: says that `attn_mask` is the causal mask, which must be given.
        """
        if is_causal and attn_mask is None:
            raise ValueError(f"{is_causal=} is a hint: attn_mask must be given too")
        batched = self._check(query, key, value)
        if not batched:
            query, key, value = (x[:, None] for x in (query, key, value))
            if key_padding_mask is not None:
                key_padding_mask = key_padding_mask[None]
        elif self.batch_first:
            query, key, value = (x.swapaxes(0, 1) for x in (query, key, value))
        q, k, v = self._extend(*self._project(query, key, value))
        mask = self._mask(attn_mask, key_padding_mask, query, key.shape[0], k.shape[1])
        # PyTorch returns the weights as they are after dropout.
        weights = self.dropout(_softmax(q, k, mask, safe=not need_weights))
        length, batch = query.shape[:2]
        # (N · num_heads, L, d) -> (L, N, embed_dim).
        context = (weights @ v).swapaxes(0, 1).reshape(length, batch, self.embed_dim)
        output = self._arrange(self.out_proj(context), batched)
        if not need_weights:
            return output, None
        # (N, num_heads, L, S): the heads of one example lie side by side.
        by_head = weights.reshape(batch, self.num_heads, length, -1)
        attention = by_head.mean(1) if average_attn_weights else by_head
        return output, attention if batched else attention[0]

    def _check(self, query: jax.Array, key: jax.Array, value: jax.Array) -> bool:
        """Whether there is a batch."""
        name = f"MultiheadAttention({self.embed_dim}, {self.num_heads})"
        sizes = (self.embed_dim, self.kdim, self.vdim)
        for x, size in zip((query, key, value), sizes, strict=True):
            check_ndim(name, x, (2, 3))
            if x.shape[-1] != size or x.ndim != query.ndim:
                raise misfit(name, x, f"it must have {query.ndim} dimensions to {size}")
        if key.shape[:-1] != value.shape[:-1]:
            raise misfit(name, value, f"keys are {key.shape}")
        return query.ndim == 3

    def _arrange(self, output: jax.Array, batched: bool) -> jax.Array:
        if not batched:
            return output[:, 0]
        return output.swapaxes(0, 1) if self.batch_first else output

    def _project(self, *inputs: jax.Array) -> tuple[jax.Array, ...]:
        """q, k and v, (L or S, N, embed_dim)."""
        if self.in_proj_weight is None:
            parts = (self.q_proj_weight, self.k_proj_weight, self.v_proj_weight)
            weights = [part[...] for part in parts]
        else:
            # (3 · embed_dim, embed_dim): q's rows, then k's, then v's.
            weights = jnp.split(self.in_proj_weight[...], 3)
        projections = [x @ w.T for x, w in zip(inputs, weights, strict=True)]
        if self.in_proj_bias is None:
            return tuple(projections)
        biases = jnp.split(self.in_proj_bias[...], 3)
        return tuple(x + b for x, b in zip(projections, biases, strict=True))

    def _extend(
        self, q: jax.Array, k: jax.Array, v: jax.Array
    ) -> tuple[jax.Array, ...]:
        """Heads apart, (N · num_heads, L or S, d), and the pairs added to k and v."""
        if self.bias_k is not None:
            shape = (1, *k.shape[1:])  # one more key after the given ones
            k, v = (
                jnp.concatenate([x, jnp.broadcast_to(b[...], shape)])
                for x, b in ((k, self.bias_k), (v, self.bias_v))
            )
        q, k, v = (self._split(x) for x in (q, k, v))
        if self.add_zero_attn:
            k, v = (jnp.pad(x, ((0, 0), (0, 1), (0, 0))) for x in (k, v))
        return q, k, v

    def _split(self, x: jax.Array) -> jax.Array:
        size = self.embed_dim // self.num_heads
        return x.reshape(len(x), -1, size).swapaxes(0, 1)  # (N · num_heads, L, d)

    def _mask(
        self,
        attn_mask: jax.Array | None,
        key_padding_mask: jax.Array | None,
        query: jax.Array,
        keys: int,
        columns: int,
    ) -> jax.Array | None:
        """What is added to the scores, (1 or N · num_heads, L or 1, columns)."""
        length, batch = query.shape[:2]
        heads = batch * self.num_heads
        masks = []
        if attn_mask is not None:
            choices = ((length, keys), (heads, length, keys))
            _check_mask("attn_mask", attn_mask, choices)
            masks.append(attn_mask if attn_mask.ndim == 3 else attn_mask[None])
        if key_padding_mask is not None:
            _check_mask("key_padding_mask", key_padding_mask, ((batch, keys),))
            # Once for each head of an example, as they lie side by side.
            masks.append(jnp.repeat(key_padding_mask, self.num_heads, 0)[:, None])
        if not masks:
            return None
        total = sum(_mask_bias(mask, query.dtype) for mask in masks)
        # The pairs that were added are open to every query.
        return jnp.pad(total, ((0, 0), (0, 0), (0, columns - keys)))


def _check_mask(
    name: str, mask: jax.Array, choices: tuple[tuple[int, ...], ...]
) -> None:
    if mask.shape not in choices:
        shapes = " or ".join(map(str, choices))
        raise ValueError(f"{name} has shape {mask.shape}: it must be {shapes}")


def _mask_bias(mask: jax.Array, dtype: DTypeLike) -> jax.Array:
    """Numbers to add, of a mask that may say what to leave out."""
    if mask.dtype == bool:
        return jnp.where(mask, jnp.asarray(-jnp.inf, dtype), 0)
    return jnp.asarray(mask, dtype)


def _softmax(
    q: jax.Array, k: jax.Array, mask: jax.Array | None, safe: bool
) -> jax.Array:
    """Attention weights, (N · num_heads, L, S).

    Where a query may look nowhere they are NaN, or zero if `safe`: PyTorch has both,
    the second where no weights are asked for.
    """
    # PyTorch scales the queries, not the products.
    scores = (q * math.sqrt(1 / q.shape[-1])) @ k.swapaxes(1, 2)
    if mask is None:
        return jax.nn.softmax(scores, -1)
    scores = scores + mask
    if not safe:
        return jax.nn.softmax(scores, -1)
    blind = (scores == -jnp.inf).all(-1, keepdims=True)
    # Of -∞ alone the softmax is NaN, and so would be the slope of the branch not taken.
    return jnp.where(blind, 0, jax.nn.softmax(jnp.where(blind, 0, scores), -1))
