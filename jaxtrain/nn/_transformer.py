from collections.abc import Callable

import jax
import jax.numpy as jnp
from flax import nnx
from jax.typing import DTypeLike

from jaxtrain import rng
from jaxtrain.nn._attention import MultiheadAttention
from jaxtrain.nn._dropout import Dropout
from jaxtrain.nn._layer_norm import LayerNorm
from jaxtrain.nn._linear import Linear
from jaxtrain.nn._rectifiers import ReLU
from jaxtrain.nn._smooth import GELU

Activation = Callable[[jax.Array], jax.Array]


class TransformerEncoderLayer(nnx.Module):
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
        self.self_attn = MultiheadAttention(
            d_model,
            nhead,
            dropout,
            bias,
            batch_first=batch_first,
            generator=generator,
            dtype=dtype,
        )
        self.linear1 = Linear(
            d_model, dim_feedforward, bias, generator=generator, dtype=dtype
        )
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(
            dim_feedforward, d_model, bias, generator=generator, dtype=dtype
        )
        self.norm_first = norm_first
        self.norm1 = LayerNorm(d_model, layer_norm_eps, bias=bias, dtype=dtype)
        self.norm2 = LayerNorm(d_model, layer_norm_eps, bias=bias, dtype=dtype)
        self.dropout1 = Dropout(dropout)
        self.dropout2 = Dropout(dropout)
        self.activation = _activation(activation)

    def __call__(
        self,
        src: jax.Array,
        src_mask: jax.Array | None = None,
        src_key_padding_mask: jax.Array | None = None,
        is_causal: bool = False,
    ) -> jax.Array:
        """The encoded sequence; the masks are those of `MultiheadAttention`."""

        def attend(x: jax.Array) -> jax.Array:
            output, _ = self.self_attn(
                x,
                x,
                x,
                src_key_padding_mask,
                need_weights=False,
                attn_mask=src_mask,
                is_causal=is_causal,
            )
            return self._dropped(output)

        if self.norm_first:
            x = src + attend(self.norm1(src))
            return x + self._fed_forward(self.norm2(x))
        x = self.norm1(src + attend(src))
        return self.norm2(x + self._fed_forward(x))

    def _dropped(self, x: jax.Array) -> jax.Array:
        if not self.self_attn.batch_first or x.ndim < 3:
            return self.dropout1(x)
        # In PyTorch's memory time still comes first here, and masks are drawn in it.
        return self.dropout1(x.swapaxes(0, 1)).swapaxes(0, 1)

    def _fed_forward(self, x: jax.Array) -> jax.Array:
        hidden = self.dropout(self.activation(self.linear1(x)))
        return self.dropout2(self.linear2(hidden))


def _activation(given: str | Activation) -> Activation:
    if not isinstance(given, str):
        return given
    known = {"relu": ReLU, "gelu": GELU}
    if given not in known:
        raise ValueError(f"activation must be one of {sorted(known)}, got {given!r}")
    return known[given]()
