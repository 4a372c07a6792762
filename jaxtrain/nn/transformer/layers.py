"""One encoder or decoder layer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax.typing import DTypeLike

from jaxtrain import rng
from jaxtrain.nn import functional as F
from jaxtrain.nn.activation.attention import MultiheadAttention
from jaxtrain.nn.activation.rectifiers import ReLU
from jaxtrain.nn.activation.smooth import GELU
from jaxtrain.nn.dropout import Dropout
from jaxtrain.nn.linear import Linear
from jaxtrain.nn.module import Module
from jaxtrain.nn.normalization import LayerNorm

Activation = Callable[[jax.Array], jax.Array]


class _Layer(Module):
    """Attentions, then two linear maps, each with a residual and a LayerNorm."""

    attentions: Sequence[str]
    self_attn: MultiheadAttention

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: str | Activation = "relu",
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        *,
        generator: rng.Generator | None = None,
        dtype: DTypeLike = jnp.float32,
    ):
        new: dict[str, Any] = {"generator": generator, "dtype": dtype}
        for name in self.attentions:
            attention = MultiheadAttention(
                d_model, nhead, dropout, bias, batch_first=batch_first, **new
            )
            setattr(self, name, attention)
        self.linear1 = Linear(d_model, dim_feedforward, bias, **new)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, bias, **new)
        self.norm_first = norm_first
        parts = range(1, len(self.attentions) + 2)
        for i in parts:
            norm = LayerNorm(d_model, layer_norm_eps, bias=bias, dtype=dtype)
            setattr(self, f"norm{i}", norm)
        for i in parts:
            setattr(self, f"dropout{i}", Dropout(dropout))
        self.activation = _activation(activation)

    def _pass_through(self, x: jax.Array, *parts: Activation) -> jax.Array:
        """Part by part, each with its residual and its norm."""
        for i, part in enumerate(parts, 1):
            norm = getattr(self, f"norm{i}")
            x = x + part(norm(x)) if self.norm_first else norm(x + part(x))
        return x

    def _attend(
        self,
        place: int,
        memory: jax.Array | None,
        mask: jax.Array | None,
        key_padding_mask: jax.Array | None,
        is_causal: bool,
    ) -> Activation:
        """Attention to the memory, or to the sequence itself."""
        attention = getattr(self, self.attentions[place])

        def attend(x: jax.Array) -> jax.Array:
            keys = x if memory is None else memory
            output, _ = attention(
                x,
                keys,
                keys,
                key_padding_mask,
                # As PyTorch's layers ask: what may look nowhere
                # gets zeros then, and not NaN.
                need_weights=False,
                attn_mask=mask,
                is_causal=is_causal,
            )
            return self._drop(getattr(self, f"dropout{place + 1}"), output)

        return attend

    def _drop(self, dropout: Dropout, x: jax.Array) -> jax.Array:
        # In PyTorch's memory time still comes first here, and masks are drawn in it.
        order = (1, 0, 2) if self.self_attn.batch_first and x.ndim == 3 else None
        return F.dropout(x, dropout.p, not dropout.deterministic, order=order)

    def _feed_forward(self, x: jax.Array) -> jax.Array:
        hidden = self.dropout(self.activation(self.linear1(x)))
        last = getattr(self, f"dropout{len(self.attentions) + 1}")
        return last(self.linear2(hidden))


def _activation(activation: str | Activation) -> Activation:
    if not isinstance(activation, str):
        return activation
    choices = {"relu": ReLU, "gelu": GELU}
    if activation not in choices:
        raise ValueError(
            f"activation must be one of {sorted(choices)}, got {activation!r}"
        )
    return choices[activation]()


class TransformerEncoderLayer(_Layer):
    """Self-attention, then two linear maps, each with a residual and a LayerNorm.

    x ← norm1(x + attention(x)), x ← norm2(x + linear2(activation(linear1(x)))), or,
    with `norm_first`, x ← x + attention(norm1(x)), x ← x + …(norm2(x)).

    Args:
        d_model: size of the features.
        nhead: number of heads.
        dim_feedforward: size between the two linear maps.
        dropout: after attention weights, attention, activation and second map.
        activation: `"relu"`, `"gelu"`, or a module or function.
        layer_norm_eps: eps of the norms.
        batch_first: whether batched inputs are (N, L, d_model), not (L, N, d_model).
        norm_first: whether norms come before instead of after.
        bias: whether linear maps and norms have biases.
        generator: where the initial values come from; `rng.default_generator` if not
            given.
        dtype: of the parameters; see `Linear`.

    Raises:
        ValueError: another activation's name, and as for `MultiheadAttention`.

    PyTorch: `torch.nn.TransformerEncoderLayer`.
    Reference: Vaswani et al. 2017, https://arxiv.org/abs/1706.03762

    Example:
        >>> layer = TransformerEncoderLayer(8, 2, dim_feedforward=16, dropout=0.0)
        >>> layer(jnp.ones((5, 3, 8))).shape
        (5, 3, 8)
    """

    attentions = ("self_attn",)

    def __call__(
        self,
        src: jax.Array,
        src_mask: jax.Array | None = None,
        src_key_padding_mask: jax.Array | None = None,
        is_causal: bool = False,
    ) -> jax.Array:
        """The encoded sequence; the masks are those of `MultiheadAttention`."""
        attend = self._attend(0, None, src_mask, src_key_padding_mask, is_causal)
        return self._pass_through(src, attend, self._feed_forward)


class TransformerDecoderLayer(_Layer):
    """Self-attention, attention to a memory, and two linear maps.

    Each has a residual and a LayerNorm, as in `TransformerEncoderLayer`, whose
    arguments and errors these are.

    PyTorch: `torch.nn.TransformerDecoderLayer`.

    Example:
        >>> layer = TransformerDecoderLayer(8, 2, dim_feedforward=16, dropout=0.0)
        >>> layer(jnp.ones((5, 3, 8)), jnp.ones((7, 3, 8))).shape
        (5, 3, 8)
    """

    attentions = ("self_attn", "multihead_attn")

    def __call__(
        self,
        tgt: jax.Array,
        memory: jax.Array,
        tgt_mask: jax.Array | None = None,
        memory_mask: jax.Array | None = None,
        tgt_key_padding_mask: jax.Array | None = None,
        memory_key_padding_mask: jax.Array | None = None,
        tgt_is_causal: bool = False,
        memory_is_causal: bool = False,
    ) -> jax.Array:
        """The decoded sequence; the masks are those of `MultiheadAttention`."""
        return self._pass_through(
            tgt,
            self._attend(0, None, tgt_mask, tgt_key_padding_mask, tgt_is_causal),
            self._attend(
                1, memory, memory_mask, memory_key_padding_mask, memory_is_causal
            ),
            self._feed_forward,
        )
