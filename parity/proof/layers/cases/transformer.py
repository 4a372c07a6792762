"""Layers made of attention, and stacks of them."""

from typing import Any

from parity.proof.layers.cases.attention import CAUSAL, PADDING_MASK
from parity.proof.layers.cases.case import Arguments, LayerCase, LayerPart, inputs_of

SMALL: Arguments = {"d_model": 8, "nhead": 2, "dim_feedforward": 12}
WIDE_PADDING = PADDING_MASK[:, :4]


def _sequences(
    name: str,
    arguments: Arguments,
    call: Arguments | None = None,
    train: bool = True,
    n: int = 2,
    lengths: tuple[int, ...] = (5, 4),
    first: bool = False,
) -> LayerCase:
    """Sequences of `lengths`, one for each input."""
    shapes = [
        ((n, length, 8) if first else (length, n, 8)) if n else (length, 8)
        for length in lengths
    ]
    return LayerCase(name, arguments, inputs_of("real", *shapes), train, call or {})


def _decoder(more: Arguments, call: Arguments | None = None, **how: Any) -> LayerCase:
    arguments = {**SMALL, "dropout": 0.0, **more}
    first = bool(more.get("batch_first"))
    return _sequences("TransformerDecoderLayer", arguments, call, first=first, **how)


MEMORY_PADDING = {"memory_key_padding_mask": WIDE_PADDING}
DECODER = (
    _decoder({}),
    _decoder({"norm_first": True}),
    _decoder({"activation": "gelu", "nhead": 4}),
    _decoder({"bias": False, "layer_norm_eps": 0.1}),
    _decoder({"batch_first": True}, {"tgt_mask": CAUSAL}),
    _decoder({}, {"tgt_mask": CAUSAL, "tgt_is_causal": True, **MEMORY_PADDING}),
    _decoder({}, {"tgt_key_padding_mask": PADDING_MASK, "memory_mask": CAUSAL[:, 1:]}),
    _decoder({"dropout": 0.3}),
    _decoder({"dropout": 0.3, "batch_first": True, "norm_first": True}, n=3),
    _decoder({"dropout": 0.3}, train=False),
    _decoder({"nhead": 1}, n=0),
    _decoder({}, {"memory_mask": CAUSAL, "memory_is_causal": True}, lengths=(5, 5)),
)

NORM = {"norm": LayerPart("LayerNorm", {"normalized_shape": 8, "eps": 0.1})}


def _stack(
    kind: str, layer: Arguments, num_layers: int, more: Arguments, call: Arguments
) -> LayerCase:
    part = LayerPart(f"Transformer{kind}Layer", {**SMALL, "dropout": 0.0, **layer})
    arguments = {f"{kind.lower()}_layer": part, "num_layers": num_layers, **more}
    first = bool(layer.get("batch_first"))
    lengths = (5, 4) if kind == "Decoder" else (5,)
    return _sequences(
        f"Transformer{kind}", arguments, call, lengths=lengths, first=first
    )


def _stacks(kind: str, mask: Arguments, padding: Arguments) -> tuple[LayerCase, ...]:
    dropout = {"dropout": 0.3}
    return (
        _stack(kind, {}, 1, {}, {}),
        _stack(kind, {}, 2, {}, {}),
        _stack(kind, {}, 1, NORM, mask),
        _stack(kind, {"norm_first": True}, 1, NORM, {}),
        _stack(kind, {"batch_first": True}, 1, {}, padding),
        _stack(kind, dropout, 1, {}, {}),
        _stack(kind, {**dropout, "batch_first": True}, 2, NORM, mask),
        _stack(kind, {"bias": False, "activation": "gelu"}, 1, {}, mask),
        _stack(kind, {"nhead": 4, "dim_feedforward": 3}, 1, {}, {**mask, **padding}),
        _stack(kind, {"layer_norm_eps": 0.1}, 2, {}, padding),
    )


ENCODERS = _stacks("Encoder", {"mask": CAUSAL}, {"src_key_padding_mask": PADDING_MASK})
DECODERS = _stacks("Decoder", {"tgt_mask": CAUSAL}, MEMORY_PADDING)


LAYER = {
    "encoder_layer": LayerPart(
        "TransformerEncoderLayer", {**SMALL, "dropout": 0.0, "nhead": 4}
    )
}


def _whole(
    more: Arguments, call: Arguments | None = None, n: int = 2, train: bool = True
) -> LayerCase:
    layers = {"num_encoder_layers": 1, "num_decoder_layers": 1}
    arguments = {**SMALL, **layers, "dropout": 0.0, **more}
    first = bool(more.get("batch_first"))
    how: dict[str, Any] = {"train": train, "n": n, "lengths": (4, 5), "first": first}
    return _sequences("Transformer", arguments, call, **how)


TRANSFORMER = (
    _whole({}),
    _whole({"num_encoder_layers": 2, "num_decoder_layers": 2}),
    _whole({"norm_first": True}, {"tgt_mask": CAUSAL}),
    _whole({"batch_first": True}, {"src_mask": CAUSAL[1:, 1:]}),
    _whole({"bias": False, "activation": "gelu"}),
    _whole({}, {"src_key_padding_mask": WIDE_PADDING, **MEMORY_PADDING}),
    _whole({}, {"tgt_key_padding_mask": PADDING_MASK, "memory_mask": CAUSAL[:, 1:]}),
    _whole({"dropout": 0.3, "batch_first": True}, {"tgt_mask": CAUSAL}, n=3),
    _whole({"dropout": 0.3}, train=False),
    _whole({"layer_norm_eps": 0.1, "nhead": 4}, n=0),
    _whole(
        {"custom_encoder": LayerPart("TransformerEncoder", {**LAYER, "num_layers": 1})}
    ),
)
