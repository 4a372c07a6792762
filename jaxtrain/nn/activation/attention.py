"""Multi-head attention."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jax.typing import DTypeLike

from jaxtrain import rng
from jaxtrain.nn import init
from jaxtrain.nn.dropout import Dropout
from jaxtrain.nn.functional._multi_head import multi_head_attention_forward
from jaxtrain.nn.linear import Linear
from jaxtrain.nn.module import Module, draw_parameter, fill_parameter
from jaxtrain.nn.module import value as held


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
        turned = self.batch_first and query.ndim == 3
        if turned:
            query, key, value = (jnp.swapaxes(x, 0, 1) for x in (query, key, value))
        output, weights = multi_head_attention_forward(
            query,
            key,
            value,
            self.embed_dim,
            self.num_heads,
            held(self.in_proj_weight),
            held(self.in_proj_bias),
            held(self.bias_k),
            held(self.bias_v),
            self.add_zero_attn,
            self.dropout.p,
            self.out_proj.weight[...],
            held(self.out_proj.bias),
            training=not self.dropout.deterministic,
            key_padding_mask=key_padding_mask,
            need_weights=need_weights,
            attn_mask=attn_mask,
            use_separate_proj_weight=not self._qkv_same_embed_dim,
            q_proj_weight=held(self.q_proj_weight),
            k_proj_weight=held(self.k_proj_weight),
            v_proj_weight=held(self.v_proj_weight),
            average_attn_weights=average_attn_weights,
            is_causal=is_causal,
        )
        return output.swapaxes(0, 1) if turned else output, weights
