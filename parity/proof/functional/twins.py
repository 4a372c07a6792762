"""Broken functions: each is a mistake that is easy to make, and must be seen."""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp

from jaxtrain.nn import functional as F
from parity.proof.functional.cases import CASES, FunctionCase
from parity.proof.functional.judge import judge
from parity.proof.verdict import Verdict, worst

Twin = Callable[..., Any]


def relu_with_the_slope_of_maximum(input: Any) -> Any:
    return jnp.maximum(input, 0)


def elu_by_its_own_value(input: Any, alpha: float = 1.0) -> Any:
    return jax.nn.elu(input, alpha)


def softmax_in_the_type_of_its_input(input: Any, dim: int, dtype: Any) -> Any:
    return F.softmax(input, dim)


def noise_within_the_temperature(logits: Any, tau: float = 1) -> Any:
    return F.gumbel_softmax(logits / tau)


def one_hot_with_a_slope_of_its_own(logits: Any, hard: bool) -> Any:
    y = F.gumbel_softmax(logits)
    return jnp.where(y == y.max(-1, keepdims=True), 1.0, 0.0) + 0 * y


def mask_of_what_to_leave_out(attn_mask: Any, **given: Any) -> Any:
    return F.scaled_dot_product_attention(attn_mask=~attn_mask, **given)


def causal_from_the_bottom_right(is_causal: bool, **given: Any) -> Any:
    q, k = given["query"], given["key"]
    mask = jnp.tri(q.shape[-2], k.shape[-2], k.shape[-2] - q.shape[-2], dtype=bool)
    return F.scaled_dot_product_attention(**given, attn_mask=mask)


def attention_that_is_nan_where_it_is_blind(**given: Any) -> Any:
    y = F.scaled_dot_product_attention(**given)
    blind = ~given["attn_mask"].any(-1, keepdims=True)
    return jnp.where(blind, jnp.nan, y)


def scale_of_one(scale: float, **given: Any) -> Any:
    return F.scaled_dot_product_attention(**given, scale=1.0)


def grouped_heads_in_turns(enable_gqa: bool, **given: Any) -> Any:
    count = given["query"].shape[-3] // given["key"].shape[-3]
    for key in ("key", "value"):
        given[key] = jnp.concatenate([given[key]] * count, -3)
    return F.scaled_dot_product_attention(**given)


def dropout_before_the_softmax(dropout_p: float, **given: Any) -> Any:
    dropped = {**given, "query": F.dropout(given["query"], dropout_p)}
    return F.scaled_dot_product_attention(**dropped)


def mirrored_grid(grid: Any, **given: Any) -> Any:
    return F.grid_sample(grid=grid[..., ::-1], **given)


def nearest_that_rounds_halves_up(input: Any, grid: Any, **given: Any) -> Any:
    return F.grid_sample(input, grid + 1e-9, **given)


def corners_the_other_way(align_corners: bool, **given: Any) -> Any:
    return F.affine_grid(align_corners=not align_corners, **given)


def smoothing_that_is_left_out(antialias: bool, **given: Any) -> Any:
    return F.interpolate(**given)


def normalize_with_eps_inside(
    input: Any, p: float = 2.0, dim: int = 1, eps: float = 1e-12
) -> Any:
    return input / jnp.sqrt(jnp.square(input).sum(dim, keepdims=True) + eps)


def ties_that_share(input: Any, p: float) -> Any:
    x = input[jnp.triu_indices(len(input), 1)[0]]
    y = input[jnp.triu_indices(len(input), 1)[1]]
    return F.pairwise_distance(x, y, p, eps=0.0)


def running_variance_that_is_biased(**given: Any) -> Any:
    y, mean, var = F.batch_norm_with_statistics(**given)
    old = (1 - given.get("momentum", 0.1)) * given["running_var"]
    n = given["input"].size // given["input"].shape[1]
    return y, mean, old + (var - old) * (n - 1) / n


def padding_that_wins(input: Any, kernel_size: int, **given: Any) -> Any:
    x = jnp.pad(input, ((0, 0), (1, 1), (1, 1)), constant_values=-jnp.inf)
    given.pop("padding")
    return F.max_pool2d(x, kernel_size, **given)


def time_behind_the_channels(input: Any, weight: Any, bias: Any, pad: int = 0) -> Any:
    return F.conv_tbc(input, weight[::-1], bias, pad)


def classes_from_one(input: Any, num_classes: int = -1) -> Any:
    return jnp.roll(F.one_hot(input, num_classes), 1, -1)


def mask_that_is_drawn_twice(**given: Any) -> Any:
    F.dropout(**given)
    return F.dropout(**given)


def _mentions(*keys: str, note: str = "") -> Callable[[FunctionCase], bool]:
    return lambda case: {*keys} <= {*case.args} and note in case.note


def _off(**given: Any) -> Any:
    return F.gelu(**given) * (1 + 1e-5)


BROKEN: tuple[tuple[str, str, Callable[[FunctionCase], bool], Twin], ...] = (
    ("a function that is a hundred-thousandth too large", "gelu", _mentions(), _off),
    *(
        (twin.__name__.replace("_", " "), name, fits, twin)
        for name, fits, twin in (
            ("relu", _mentions(), relu_with_the_slope_of_maximum),
            ("elu", _mentions(), elu_by_its_own_value),
            ("softmax", _mentions("dtype"), softmax_in_the_type_of_its_input),
            ("gumbel_softmax", _mentions("tau"), noise_within_the_temperature),
            ("gumbel_softmax", _mentions("hard"), one_hot_with_a_slope_of_its_own),
            ("grid_sample", _mentions("grid"), mirrored_grid),
            ("affine_grid", _mentions("align_corners"), corners_the_other_way),
            ("interpolate", _mentions("antialias"), smoothing_that_is_left_out),
            ("normalize", _mentions(), normalize_with_eps_inside),
            ("pdist", _mentions("p", note="tied"), ties_that_share),
            ("conv_tbc", _mentions("pad"), time_behind_the_channels),
            ("one_hot", _mentions(), classes_from_one),
            ("dropout", lambda case: case.draws, mask_that_is_drawn_twice),
            (
                "batch_norm",
                lambda case: bool(case.changes),
                running_variance_that_is_biased,
            ),
            ("max_pool2d", _mentions(note="no maximum"), padding_that_wins),
        )
    ),
    *(
        (twin.__name__.replace("_", " "), "scaled_dot_product_attention", fits, twin)
        for fits, twin in (
            (
                lambda case: getattr(case.args.get("attn_mask"), "dtype", "") == "bool",
                mask_of_what_to_leave_out,
            ),
            (_mentions("is_causal", note="top left"), causal_from_the_bottom_right),
            (
                _mentions("attn_mask", note="a blind row"),
                attention_that_is_nan_where_it_is_blind,
            ),
            (_mentions("scale"), scale_of_one),
            (_mentions("enable_gqa"), grouped_heads_in_turns),
            (lambda case: case.draws, dropout_before_the_softmax),
        )
    ),
)
"""What is wrong, of which function, in which of its calls, and how."""


def _judged(name: str, fits: Callable[[FunctionCase], bool], twin: Twin) -> Verdict:
    case = next(case for case in CASES if case.name == name and fits(case))
    return worst(judge([case], "float64", lambda case: twin))


def _seen(
    name: str, fits: Callable[[FunctionCase], bool], twin: Twin
) -> Callable[[], Verdict]:
    return lambda: _judged(name, fits, twin)


TWINS: Mapping[str, Callable[[], Verdict]] = {
    wrong: _seen(name, fits, twin) for wrong, name, fits, twin in BROKEN
}
"""Name -> the verdict that must fail; the first is the control."""
