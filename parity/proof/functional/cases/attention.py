"""Calls of attention: masks of every form, rows with nothing to see, grouped heads."""

from typing import Any

from parity.proof.functional.cases.case import (
    INF,
    FunctionCase,
    Recipe,
    case,
    mask,
    real,
    values,
)

# fmt: off
BOOL = values([[1, 0, 1, 1], [0, 1, 0, 1], [1, 1, 1, 1]], "bool")
BLIND = values([[1, 0, 1, 1], [0, 0, 0, 0], [1, 1, 1, 1]], "bool")
"""The second query may look at nothing."""
CUT = values([[0, -INF, 0, 0.5], [-INF, -INF, 2, 0], [0, 1, 0, -1]])
BLIND_CUT = values([[0, -INF, 0, 0.5], [-INF, -INF, -INF, -INF], [0, 1, 0, -1]])
# fmt: on
HEADS = {"query": real(2, 2, 3, 4), "key": real(2, 2, 4, 4), "value": real(2, 2, 4, 5)}
SQUARE = {"query": real(1, 2, 4, 3), "key": real(1, 2, 4, 3), "value": real(1, 2, 4, 3)}
QKV = ("query", "key", "value")


def _scaled(**args: Any) -> FunctionCase:
    return case("scaled_dot_product_attention", **args)


# fmt: off
SCALED = (
    _scaled(**HEADS),
    _scaled(**SQUARE),
    _scaled(query=real(3, 4), key=real(5, 4), value=real(5, 2)),
    _scaled(query=real(2, 3, 4), key=real(2, 5, 4), value=real(2, 5, 4)),
    _scaled(query=real(2, 1, 2, 3, 4), key=real(2, 1, 2, 5, 4),
            value=real(2, 1, 2, 5, 4)),
    _scaled(query=real(2, 1, 3, 4), key=real(1, 3, 5, 4), value=real(2, 3, 5, 4),
            note="leading dimensions spread"),
    _scaled(**SQUARE, is_causal=True),
    _scaled(**HEADS, is_causal=True,
            note="three queries of four keys: from the top left"),
    _scaled(query=real(1, 1, 5, 2), key=real(1, 1, 3, 2), value=real(1, 1, 3, 2),
            is_causal=True),
    _scaled(**HEADS, scale=0.25),
    _scaled(**HEADS, scale=1.0, attn_mask=BOOL),
    _scaled(**HEADS, scale=0.0),
    _scaled(**HEADS, scale=-2.0),
    _scaled(**HEADS, attn_mask=BOOL),
    _scaled(**HEADS, attn_mask=mask(2, 2, 3, 4), note="rows may be blind"),
    _scaled(**HEADS, attn_mask=mask(2, 1, 1, 4)),
    _scaled(**HEADS, attn_mask=mask(1, 2, 3, 1)),
    _scaled(**HEADS, attn_mask=values([[1, 1, 0, 1]], "bool")),
    _scaled(**HEADS, attn_mask=BLIND, note="a blind row"),
    _scaled(**HEADS, attn_mask=Recipe((3, 4), "zero", dtype="bool"),
            note="all are blind"),
    _scaled(**HEADS, attn_mask=CUT, gradients=QKV),
    _scaled(**HEADS, attn_mask=BLIND_CUT, gradients=QKV, note="a blind row"),
    _scaled(**HEADS, attn_mask=real(3, 4), note="a bias that learns"),
    _scaled(**HEADS, attn_mask=real(2, 2, 3, 4)),
    _scaled(**HEADS, attn_mask=real(2, 1, 1, 4)),
    _scaled(**HEADS, attn_mask=real(1, 4)),
    _scaled(**HEADS, attn_mask=real(2, 3, 1)),
    _scaled(query=real(3, 4), key=real(5, 4), value=real(5, 4), attn_mask=mask(3, 5)),
    _scaled(query=real(2, 3, 4), key=real(2, 5, 4), value=real(2, 5, 4),
            attn_mask=real(3, 5)),
    _scaled(**HEADS, attn_mask=values([[1e4, 0, -1e4, 0]]), gradients=QKV),
    _scaled(query=Recipe((1, 1, 3, 2), "wide"), key=Recipe((1, 1, 3, 2), "wide"),
            value=Recipe((1, 1, 3, 2), "wide")),
    _scaled(query=real(1, 4, 3, 2), key=real(1, 2, 5, 2), value=real(1, 2, 5, 2),
            enable_gqa=True),
    _scaled(query=real(2, 6, 3, 2), key=real(2, 2, 3, 2), value=real(2, 2, 3, 2),
            enable_gqa=True, is_causal=True, scale=0.5),
    _scaled(query=real(1, 4, 3, 2), key=real(1, 1, 4, 2), value=real(1, 1, 4, 2),
            enable_gqa=True, attn_mask=BLIND),
    _scaled(query=real(4, 3, 2), key=real(2, 5, 2), value=real(2, 5, 2),
            enable_gqa=True),
    _scaled(**HEADS, enable_gqa=True, note="as many heads: nothing to repeat"),
    _scaled(query=real(1, 1, 1, 2), key=real(1, 1, 1, 2), value=real(1, 1, 1, 2)),
    _scaled(query=real(1, 2, 0, 2), key=real(1, 2, 3, 2), value=real(1, 2, 3, 2)),
    _scaled(query=real(0, 2, 3, 2), key=real(0, 2, 3, 2), value=real(0, 2, 3, 2)),
    _scaled(query=real(1, 1, 3, 2), key=real(1, 1, 0, 2), value=real(1, 1, 0, 2),
            note="no keys"),
    _scaled(**HEADS, dropout_p=0.5, draws=True),
    _scaled(**SQUARE, dropout_p=0.2, is_causal=True, draws=True),
    _scaled(**HEADS, dropout_p=0.9, attn_mask=BOOL, draws=True),
    _scaled(**HEADS, dropout_p=1.0),
    _scaled(query=real(1, 4, 3, 2), key=real(1, 2, 5, 2), value=real(1, 2, 5, 2),
            enable_gqa=True, dropout_p=0.3, draws=True),
)
# fmt: on

WIDTH = 4
PLAIN: dict[str, Any] = {
    "query": real(3, 2, WIDTH),
    "key": real(4, 2, WIDTH),
    "value": real(4, 2, WIDTH),
    "embed_dim_to_check": WIDTH,
    "num_heads": 2,
    "in_proj_weight": real(3 * WIDTH, WIDTH),
    "in_proj_bias": real(3 * WIDTH),
    "bias_k": None,
    "bias_v": None,
    "add_zero_attn": False,
    "dropout_p": 0.0,
    "out_proj_weight": real(WIDTH, WIDTH),
    "out_proj_bias": real(WIDTH),
}
"""Three queries and four keys of two sequences, two heads of two."""
SELF: dict[str, Any] = {
    **PLAIN,
    "query": real(3, 2, WIDTH, seed=9),
    "key": real(3, 2, WIDTH, seed=9),
    "value": real(3, 2, WIDTH, seed=9),
}
ALONE: dict[str, Any] = {
    **PLAIN,
    "query": real(3, WIDTH),
    "key": real(4, WIDTH),
    "value": real(4, WIDTH),
}
APART: dict[str, Any] = {
    **PLAIN,
    "key": real(4, 2, 3),
    "value": real(4, 2, 5),
    "in_proj_weight": None,
    "use_separate_proj_weight": True,
    "q_proj_weight": real(WIDTH, WIDTH),
    "k_proj_weight": real(WIDTH, 3),
    "v_proj_weight": real(WIDTH, 5),
}
# True is what may NOT be looked at here, unlike above.
HIDE = values([[0, 1, 0, 0], [1, 0, 1, 0], [0, 0, 0, 0]], "bool")
HIDE_ALL = values([[0, 1, 0, 0], [1, 1, 1, 1], [0, 0, 0, 0]], "bool")
CAUSAL = values([[0, 1, 1], [0, 0, 1], [0, 0, 0]], "bool")
CAUSAL_CUT = values([[0, -INF, -INF], [0, 0, -INF], [0, 0, 0]])
PADDED = values([[0, 0, 0, 1], [0, 1, 1, 1]], "bool")
PADDED_CUT = values([[0, 0, 0, -INF], [0, 1, -INF, -INF]])
BIASES = {"bias_k": real(1, 1, WIDTH), "bias_v": real(1, 1, WIDTH)}


def _many(base: dict[str, Any], /, **args: Any) -> FunctionCase:
    calls = {
        key: args.pop(key) for key in ("gradients", "draws", "note") if key in args
    }
    return case("multi_head_attention_forward", **calls, **{**base, **args})


# Masks that cut are numbers, but nobody learns them.
LEARNT = tuple(
    key for key, value in PLAIN.items() if isinstance(value, Recipe) and value.floating
)

# fmt: off
MANY_HEADS = (
    _many(PLAIN),
    _many(PLAIN, training=False),
    _many(SELF),
    _many(ALONE),
    _many(APART),
    _many(APART, in_proj_bias=None, training=False),
    _many(PLAIN, in_proj_bias=None, out_proj_bias=None),
    _many(PLAIN, num_heads=1),
    _many(PLAIN, num_heads=4, average_attn_weights=False),
    _many(PLAIN, need_weights=False),
    _many(ALONE, need_weights=False),
    _many(ALONE, average_attn_weights=False),
    _many(PLAIN, **BIASES),
    _many(PLAIN, **BIASES, add_zero_attn=True, attn_mask=HIDE, key_padding_mask=PADDED),
    _many(PLAIN, **BIASES, attn_mask=CUT, gradients=(*LEARNT, "bias_k", "bias_v")),
    _many(PLAIN, add_zero_attn=True),
    _many(PLAIN, add_zero_attn=True, attn_mask=HIDE_ALL, note="a zero is left to see"),
    _many(PLAIN, attn_mask=HIDE),
    _many(PLAIN, attn_mask=HIDE, need_weights=False),
    _many(PLAIN, attn_mask=HIDE_ALL, note="a blind row"),
    _many(PLAIN, attn_mask=HIDE_ALL, need_weights=False, note="a blind row"),
    _many(PLAIN, attn_mask=CUT, gradients=LEARNT),
    _many(PLAIN, attn_mask=real(3, 4), note="a bias that learns"),
    _many(PLAIN, attn_mask=real(4, 3, 4), need_weights=False),
    _many(PLAIN, attn_mask=Recipe((4, 3, 4), "bool", 21, dtype="bool")),
    _many(PLAIN, key_padding_mask=PADDED),
    _many(PLAIN, key_padding_mask=PADDED, need_weights=False),
    _many(PLAIN, key_padding_mask=PADDED_CUT, gradients=LEARNT),
    _many(PLAIN, key_padding_mask=PADDED, attn_mask=HIDE, need_weights=False),
    _many(PLAIN, key_padding_mask=PADDED, attn_mask=HIDE, average_attn_weights=False),
    _many(PLAIN, key_padding_mask=PADDED_CUT, attn_mask=CUT, gradients=LEARNT),
    _many(ALONE, key_padding_mask=values([0, 0, 1, 1], "bool")),
    _many(ALONE, attn_mask=HIDE, key_padding_mask=values([0, 0, 0, 1], "bool"),
          need_weights=False),
    _many(ALONE, attn_mask=mask(2, 3, 4)),
    _many(SELF, attn_mask=CAUSAL),
    _many(SELF, attn_mask=CAUSAL, is_causal=True, need_weights=False),
    _many(SELF, attn_mask=CAUSAL_CUT, is_causal=True, need_weights=False,
          gradients=LEARNT),
    _many(SELF, attn_mask=CAUSAL, is_causal=True),
    _many(SELF, attn_mask=CAUSAL, is_causal=True, need_weights=False,
          key_padding_mask=values([[0, 0, 0], [0, 0, 1]], "bool")),
    _many(PLAIN, static_k=real(4, 5, 2), gradients=("query", "value", "static_k"),
          value=real(5, 2, WIDTH), key=real(5, 2, WIDTH),
          note="keys after the map: one row for each head of each sequence"),
    _many(PLAIN, static_k=real(4, 5, 2), static_v=real(4, 5, 2),
          gradients=("query", "static_k", "static_v", "out_proj_weight")),
    _many(PLAIN, query=real(0, 2, WIDTH), gradients=(),
          note="no queries: PyTorch crashes on the gradient"),
    _many(PLAIN, dropout_p=0.5, draws=True),
    _many(PLAIN, dropout_p=0.5, training=False),
    _many(PLAIN, dropout_p=0.3, need_weights=False, draws=True),
    _many(PLAIN, dropout_p=0.3, attn_mask=HIDE, average_attn_weights=False, draws=True),
    _many(ALONE, dropout_p=0.3, need_weights=False, draws=True),
)
# fmt: on

CASES = (*SCALED, *MANY_HEADS)
