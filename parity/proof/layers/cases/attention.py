"""Attention, and the layers made of it."""

import numpy as np

from parity.proof.layers.cases.case import Arguments, LayerCase, inputs_of

CAUSAL = np.triu(np.ones((5, 5), bool), 1)
PADDING_MASK = np.arange(5) >= np.array([[5], [3]])
SLOPE_MASK = (-np.abs(np.subtract.outer(np.arange(5), np.arange(5))) / 4).astype(
    np.float32
)


def _attention(
    arguments: Arguments,
    call: Arguments | None = None,
    sizes: tuple[int, int, int] = (8, 8, 8),
    lengths: tuple[int, int] = (5, 5),
    train: bool = True,
) -> LayerCase:
    """Two sequences, of which `lengths` are those of queries and of keys."""
    args = {"embed_dim": 8, "num_heads": 2, **arguments}
    rows = (lengths[0], lengths[1], lengths[1])
    flip = -1 if args.get("batch_first") else 1
    shapes = [(*(row, 2)[::flip], size) for row, size in zip(rows, sizes, strict=True)]
    inputs = inputs_of("real", *shapes)
    return LayerCase("MultiheadAttention", args, inputs, train, call or {})


ATTENTION = (
    _attention({}),
    _attention({}, {"need_weights": False}),
    _attention({"num_heads": 1, "bias": False}, lengths=(3, 5)),
    _attention({"num_heads": 8, "batch_first": True}, {"average_attn_weights": False}),
    _attention({"kdim": 3, "vdim": 6}, sizes=(8, 3, 6), lengths=(4, 7)),
    _attention({"add_bias_kv": True}, {"attn_mask": CAUSAL}),
    _attention({"add_zero_attn": True}, {"key_padding_mask": PADDING_MASK}),
    _attention(
        {"add_bias_kv": True, "add_zero_attn": True, "kdim": 4},
        {"attn_mask": CAUSAL, "key_padding_mask": PADDING_MASK, "need_weights": False},
        sizes=(8, 4, 8),
    ),
    _attention({}, {"attn_mask": SLOPE_MASK}),
    _attention({}, {"attn_mask": CAUSAL, "is_causal": True, "need_weights": False}),
    _attention({"dropout": 0.3}),
    _attention({"dropout": 0.3, "batch_first": True}, {"need_weights": False}),
    _attention({"dropout": 0.3}, train=False),
    LayerCase(
        "MultiheadAttention",
        {"embed_dim": 6, "num_heads": 3, "batch_first": True},
        inputs_of("real", (4, 6), (5, 6), (5, 6)),
    ),
)


def _encoder(
    arguments: Arguments, call: Arguments | None = None, train: bool = True, n: int = 2
) -> LayerCase:
    args = {
        "d_model": 8,
        "nhead": 2,
        "dim_feedforward": 12,
        "dropout": 0.0,
        **arguments,
    }
    lead = (n, 5) if args.get("batch_first") else (5, n)
    shape = (*lead, 8) if n else (5, 8)
    inputs = inputs_of("real", shape)
    return LayerCase("TransformerEncoderLayer", args, inputs, train, call or {})


ENCODER = (
    _encoder({}),
    _encoder({"norm_first": True}),
    _encoder({"activation": "gelu", "nhead": 4}),
    _encoder({"bias": False, "layer_norm_eps": 0.1}),
    _encoder({"batch_first": True}, {"src_mask": CAUSAL}),
    _encoder({}, {"src_key_padding_mask": PADDING_MASK}),
    _encoder({}, {"src_mask": CAUSAL, "is_causal": True}, n=3),
    _encoder({"dropout": 0.3}),
    _encoder({"dropout": 0.3, "batch_first": True, "norm_first": True}, n=3),
    _encoder({"dropout": 0.3, "batch_first": True}),
    _encoder({"dropout": 0.3}, train=False),
    _encoder({"nhead": 1}, n=0),
)
