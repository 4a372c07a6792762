"""Stacks of encoder and decoder layers."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jax.typing import DTypeLike

from jaxtrain import rng
from jaxtrain.nn import init
from jaxtrain.nn.container import ModuleList
from jaxtrain.nn.module import Module, named_variables
from jaxtrain.nn.normalization import LayerNorm
from jaxtrain.nn.shapes import misfit
from jaxtrain.nn.transformer.layers import (
    Activation,
    TransformerDecoderLayer,
    TransformerEncoderLayer,
)


class _Stack(Module):
    """Copies of one layer, one after another, and a norm behind them."""

    def _begin(self, layer: nnx.Module, num_layers: int, norm: Any) -> None:
        if num_layers < 1:
            raise ValueError(
                f"{type(self).__name__} needs num_layers >= 1, got {num_layers}"
            )
        self.layers = ModuleList(nnx.clone(layer) for _ in range(num_layers))
        self.num_layers = num_layers
        self.norm = norm

    def _normalise(self, x: jax.Array) -> jax.Array:
        return x if self.norm is None else self.norm(x)


class TransformerEncoder(_Stack):
    """`num_layers` copies of a layer, which begin with the same values.

    Args:
        encoder_layer: copied, such as a `TransformerEncoderLayer`.
        num_layers: number of copies.
        norm: applied to the last output, if given.

    Raises:
        ValueError: `num_layers` is not positive.

    PyTorch: `torch.nn.TransformerEncoder`; `enable_nested_tensor` and `mask_check` only
    choose an implementation there.

    Example:
        >>> layer = TransformerEncoderLayer(8, 2, dim_feedforward=16, dropout=0.0)
        >>> TransformerEncoder(layer, 2)(jnp.ones((5, 3, 8))).shape
        (5, 3, 8)
    """

    def __init__(
        self,
        encoder_layer: nnx.Module,
        num_layers: int,
        norm: Any = None,
    ):
        self._begin(encoder_layer, num_layers, norm)

    def __call__(
        self,
        src: jax.Array,
        mask: jax.Array | None = None,
        src_key_padding_mask: jax.Array | None = None,
        is_causal: bool | None = None,
    ) -> jax.Array:
        """The encoded sequence; the masks are those of `MultiheadAttention`."""
        for layer in self.layers:
            src = layer(src, mask, src_key_padding_mask, bool(is_causal))
        return self._normalise(src)


class TransformerDecoder(_Stack):
    """`num_layers` copies of a layer, which begin with the same values.

    Args:
        decoder_layer: copied, such as a `TransformerDecoderLayer`.
        num_layers: number of copies.
        norm: applied to the last output, if given.

    Raises:
        ValueError: `num_layers` is not positive.

    PyTorch: `torch.nn.TransformerDecoder`.

    Example:
        >>> layer = TransformerDecoderLayer(8, 2, dim_feedforward=16, dropout=0.0)
        >>> TransformerDecoder(layer, 2)(jnp.ones((5, 3, 8)), jnp.ones((7, 3, 8))).shape
        (5, 3, 8)
    """

    def __init__(
        self,
        decoder_layer: nnx.Module,
        num_layers: int,
        norm: Any = None,
    ):
        self._begin(decoder_layer, num_layers, norm)

    def __call__(
        self,
        tgt: jax.Array,
        memory: jax.Array,
        tgt_mask: jax.Array | None = None,
        memory_mask: jax.Array | None = None,
        tgt_key_padding_mask: jax.Array | None = None,
        memory_key_padding_mask: jax.Array | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> jax.Array:
        """The decoded sequence; the masks are those of `MultiheadAttention`."""
        for layer in self.layers:
            tgt = layer(
                tgt,
                memory,
                tgt_mask,
                memory_mask,
                tgt_key_padding_mask,
                memory_key_padding_mask,
                bool(tgt_is_causal),
                memory_is_causal,
            )
        return self._normalise(tgt)


class Transformer(Module):
    """A `TransformerEncoder`, and a `TransformerDecoder` that attends to its output.

    Once both are built every parameter of two dimensions or more is drawn anew, by
    `init.xavier_uniform`, so that the layers differ.

    Args:
        d_model: size of the features.
        nhead: number of heads.
        num_encoder_layers: number of layers of the encoder.
        num_decoder_layers: number of layers of the decoder.
        dim_feedforward: size between the two linear maps of a layer.
        dropout: of the layers.
        activation: of the layers: `"relu"`, `"gelu"`, or a module or function.
        custom_encoder: in place of the encoder.
        custom_decoder: in place of the decoder.
        layer_norm_eps: eps of the norms.
        batch_first: whether batched inputs are (N, L, d_model), not (L, N, d_model).
        norm_first: whether norms come before attentions and maps, not after.
        bias: whether linear maps and norms have biases.
        generator: where the initial values come from; `rng.default_generator` if not
            given.
        dtype: of the parameters; see `Linear`.

    Raises:
        ValueError: numbers of layers that are not positive, inputs that do not fit, and
            as for the layers.

    PyTorch: `torch.nn.Transformer`.
    Reference: Vaswani et al. 2017, https://arxiv.org/abs/1706.03762

    Example:
        >>> model = Transformer(8, 2, 1, 1, dim_feedforward=16, dropout=0.0)
        >>> model(jnp.ones((7, 3, 8)), jnp.ones((5, 3, 8))).shape
        (5, 3, 8)
    """

    def __init__(
        self,
        d_model: int = 512,
        nhead: int = 8,
        num_encoder_layers: int = 6,
        num_decoder_layers: int = 6,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: str | Activation = "relu",
        custom_encoder: Any = None,
        custom_decoder: Any = None,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        *,
        generator: rng.Generator | None = None,
        dtype: DTypeLike = jnp.float32,
    ):
        shape = (d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps)
        how = (batch_first, norm_first, bias)
        new: dict[str, Any] = {"generator": generator, "dtype": dtype}
        norm = partial(LayerNorm, d_model, layer_norm_eps, bias=bias, dtype=dtype)
        if custom_encoder is None:
            first = TransformerEncoderLayer(*shape, *how, **new)
            custom_encoder = TransformerEncoder(first, num_encoder_layers, norm())
        self.encoder = custom_encoder
        if custom_decoder is None:
            second = TransformerDecoderLayer(*shape, *how, **new)
            custom_decoder = TransformerDecoder(second, num_decoder_layers, norm())
        self.decoder = custom_decoder
        self._draw_anew(generator)
        self.d_model, self.nhead = d_model, nhead
        self.batch_first = batch_first

    def _draw_anew(self, generator: rng.Generator | None) -> None:
        # In the order of PyTorch's `parameters()`, which is that of the draws.
        for name, variable in named_variables(self).items():
            if isinstance(variable, nnx.Param) and variable.ndim > 1:
                *path, last = name.split(".")
                owner: Any = self
                for part in path:
                    owner = getattr(owner, part)
                getattr(owner, last)[...] = _xavier(variable, generator)

    def __call__(
        self,
        src: jax.Array,
        tgt: jax.Array,
        src_mask: jax.Array | None = None,
        tgt_mask: jax.Array | None = None,
        memory_mask: jax.Array | None = None,
        src_key_padding_mask: jax.Array | None = None,
        tgt_key_padding_mask: jax.Array | None = None,
        memory_key_padding_mask: jax.Array | None = None,
        src_is_causal: bool | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> jax.Array:
        """The decoded sequence, of the shape of `tgt`.

        Args:
            src: what the encoder reads, (S, N, d_model), or (S, d_model).
            tgt: what the decoder reads, (T, N, d_model), or (T, d_model).
            src_mask, tgt_mask, memory_mask: (S, S), (T, T) and (T, S), as `attn_mask`
                of `MultiheadAttention`.
            src_key_padding_mask, tgt_key_padding_mask, memory_key_padding_mask: (N, S),
                (N, T) and (N, S).
            src_is_causal, tgt_is_causal, memory_is_causal: say that the mask is the
                causal one, which must be given.
        """
        self._check(src, tgt)
        memory = self.encoder(src, src_mask, src_key_padding_mask, src_is_causal)
        return self.decoder(
            tgt,
            memory,
            tgt_mask,
            memory_mask,
            tgt_key_padding_mask,
            memory_key_padding_mask,
            tgt_is_causal,
            memory_is_causal,
        )

    def _check(self, src: jax.Array, tgt: jax.Array) -> None:
        name = f"Transformer({self.d_model}, {self.nhead})"
        for x in (src, tgt):
            if x.ndim != src.ndim or x.shape[-1:] != (self.d_model,):
                need = f"it must have {src.ndim} dimensions to {self.d_model}"
                raise misfit(name, x, need)
        batch = 0 if self.batch_first else 1
        if src.ndim == 3 and src.shape[batch] != tgt.shape[batch]:
            raise misfit(name, tgt, f"src has a batch of {src.shape[batch]}")

    @staticmethod
    def generate_square_subsequent_mask(
        sz: int, dtype: DTypeLike = jnp.float32
    ) -> jax.Array:
        """The causal mask, (sz, sz): -∞ where a key lies behind its query, else 0.

        PyTorch: `torch.nn.Transformer.generate_square_subsequent_mask`.

        Example:
            >>> Transformer.generate_square_subsequent_mask(2)
            Array([[  0., -inf],
                   [  0.,   0.]], dtype=float32)
        """
        return jnp.triu(jnp.full((sz, sz), -jnp.inf, dtype), 1)


def _xavier(parameter: nnx.Param, generator: rng.Generator | None) -> jax.Array:
    # float64 draws values of its own; see `Linear`.
    kind = jnp.float64 if parameter.dtype == jnp.float64 else jnp.float32
    values = init.xavier_uniform(parameter.shape, generator=generator, dtype=kind)
    return jnp.asarray(values, parameter.dtype)
