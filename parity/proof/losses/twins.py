"""Broken losses: each is a mistake that is easy to make, and must be seen."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax.nn import log_sigmoid, relu

from jaxtrain import losses
from parity.proof.losses.cases import CASES, LossCase
from parity.proof.losses.judge import judge
from parity.proof.verdict import Verdict, worst

Twin = Callable[..., Any]


def reduced(values: jax.Array, reduction: str) -> jax.Array:
    return values if reduction == "none" else getattr(values, reduction)()


def l1_with_the_slope_of_jnp_abs(input: Any, target: Any, reduction: str) -> Any:
    return reduced(jnp.abs(input - target), reduction)


def half_the_square(input: Any, target: Any, reduction: str) -> Any:
    return reduced((input - target) ** 2 / 2, reduction)


def weighted_mean_over_elements(
    input: Any, target: Any, weight: Any, reduction: str
) -> Any:
    return reduced((input - target) ** 2 * weight, reduction)


def weighted_huber_over_the_weights(weight: Any, reduction: str, **given: Any) -> Any:
    terms = losses.huber_loss(**given, weight=weight, reduction="none")
    if reduction == "mean":
        return terms.sum() / weight.sum()
    return reduced(terms, reduction)


def huber_for_smooth_l1(beta: float = 1.0, **given: Any) -> Any:
    return losses.huber_loss(**given, delta=beta)


def cross_entropy_over_the_batch(reduction: str, **given: Any) -> Any:
    return reduced(losses.cross_entropy(**given, reduction="none"), reduction)


def smoothing_that_forgets_the_weights(weight: Any, **given: Any) -> Any:
    smoothing = given.pop("label_smoothing")
    sharp = losses.cross_entropy(**given, weight=weight)
    flat = losses.cross_entropy(**given, label_smoothing=1.0)
    return (1 - smoothing) * sharp + smoothing * flat


def nll_that_ignores_nothing(ignore_index: int = -100, **given: Any) -> Any:
    return losses.nll_loss(**given, ignore_index=-7)


def layer_that_forgets_its_bias(linear_bias: Any, **given: Any) -> Any:
    return losses.linear_cross_entropy(**given) + 0 * linear_bias.sum()


def stirling_from_one_on(input: Any, target: Any, reduction: str, **_: Any) -> Any:
    y = target
    stirling = y * jnp.log(y) - y + 0.5 * jnp.log(2 * jnp.pi * y)
    return reduced(jnp.exp(input) - y * input + stirling, reduction)


def variance_that_is_clipped_for_good(
    input: Any, target: Any, var: Any, reduction: str, eps: float = 1e-6
) -> Any:
    v = jnp.maximum(var, eps)
    return reduced(0.5 * (jnp.log(v) + (input - target) ** 2 / v), reduction)


def divergence_over_the_batch(reduction: str, **given: Any) -> Any:
    return losses.kl_div(**given, reduction="batchmean")


def probabilities_clipped(
    input: Any, target: Any, reduction: str, weight: Any = 1.0
) -> Any:
    x = jnp.clip(input, 1e-12, 1 - 1e-12)
    terms = -(target * jnp.log(x) + (1 - target) * jnp.log1p(-x))
    return reduced(terms * weight, reduction)


def divisor_of_float64(input: Any, target: Any, reduction: str, weight: Any = 1) -> Any:
    @jax.custom_jvp
    def terms(x: jax.Array) -> jax.Array:
        return losses.binary_cross_entropy(x, target, reduction="none")

    @terms.defjvp
    def _(primals: Any, tangents: Any) -> Any:
        (x,), (moved,) = primals, tangents
        slope = (x - target) / jnp.maximum(x * (1 - x), 1e-12)
        return terms(x), slope * moved

    return reduced(terms(input) * weight, reduction)


def positive_weight_on_both_sides(
    pos_weight: Any, weight: Any = 1, **given: Any
) -> Any:
    return losses.binary_cross_entropy_with_logits(**given, weight=weight * pos_weight)


def focal_with_the_sides_swapped(alpha: float = 0.25, **given: Any) -> Any:
    return losses.sigmoid_focal_loss(**given, alpha=1 - alpha)


def soft_margin_that_does_not_overflow(input: Any, target: Any, reduction: str) -> Any:
    return reduced(-log_sigmoid(target * input), reduction)


def classes_added_up(reduction: str, **given: Any) -> Any:
    return losses.multilabel_soft_margin_loss(**given, reduction=reduction) * 5


def hinge_with_half_a_slope(
    input: Any, target: Any, reduction: str, margin: float = 1.0
) -> Any:
    return reduced(jnp.maximum(margin - target * input, 0), reduction)


def ranking_with_half_a_slope(
    input1: Any, input2: Any, target: Any, reduction: str, margin: float = 0.0
) -> Any:
    return reduced(jnp.maximum(margin - target * (input1 - input2), 0), reduction)


def embedding_that_keeps_the_near_apart(target: Any, **given: Any) -> Any:
    return losses.hinge_embedding_loss(**given, target=-target)


def cosine_without_epsilon(
    input1: Any, input2: Any, target: Any, reduction: str, margin: float = 0.0
) -> Any:
    lengths = (jnp.sqrt((v * v).sum(-1)) for v in (input1, input2))
    cos = (input1 * input2).sum(-1) / (next(lengths) * next(lengths))
    same = jnp.where(target == 1, 1 - cos, 0)
    return reduced(same + jnp.where(target == -1, relu(cos - margin), 0), reduction)


def triplet_without_epsilon(eps: float = 1e-6, **given: Any) -> Any:
    return losses.triplet_margin_loss(**given, eps=0.0)


def triplet_with_the_farther_negative(swap: bool, **given: Any) -> Any:
    return losses.triplet_margin_with_distance_loss(**given)


def margin_that_counts_its_own_class(
    input: Any, target: Any, reduction: str, p: int = 1, margin: float = 1.0
) -> Any:
    own = jnp.take_along_axis(input, target[..., None], -1)
    return reduced((relu(margin - own + input) ** p).mean(-1), reduction)


def labels_counted_past_the_end(target: Any, **given: Any) -> Any:
    return losses.multilabel_margin_loss(**given, target=jnp.abs(target))


def generalised_for_distance(**given: Any) -> Any:
    return losses.generalized_box_iou_loss(**given)


def distance_for_complete(**given: Any) -> Any:
    return losses.distance_box_iou_loss(**given)


def complete_for_generalised(**given: Any) -> Any:
    return losses.complete_box_iou_loss(**given)


def alignment_over_the_batch(reduction: str, **given: Any) -> Any:
    return reduced(losses.ctc_loss(**given, reduction="none"), reduction)


def alignment_with_the_true_derivative(
    log_probs: Any, input_lengths: Any, **given: Any
) -> Any:
    """Minus the posterior, without PyTorch's exp(log_probs)."""
    used = jnp.arange(len(log_probs))[:, None] < input_lengths
    lost = (jnp.exp(log_probs).sum(-1) * used).sum(0)
    value = losses.ctc_loss(log_probs, input_lengths=input_lengths, **given)
    return value - (lost - jax.lax.stop_gradient(lost))


def half_the_penalty(params: Any) -> Any:
    return losses.l2_penalty(params) / 2


def penalty_with_the_slope_of_jnp_abs(params: Any) -> Any:
    return jnp.abs(params).sum()


def share_of_right_answers(**given: Any) -> Any:
    return 1 - losses.zero_one_loss(**given)


BROKEN: list[tuple[str, Twin, str]] = [
    ("l1_loss", l1_with_the_slope_of_jnp_abs, "tied"),
    ("mse_loss", half_the_square, "random"),
    ("mse_loss", weighted_mean_over_elements, "reduction=mean, weight=weight"),
    ("huber_loss", weighted_huber_over_the_weights, "reduction=mean, weight=weight"),
    ("smooth_l1_loss", huber_for_smooth_l1, "beta=2.0"),
    ("cross_entropy", cross_entropy_over_the_batch, "target=labels, reduction=mean"),
    ("cross_entropy", smoothing_that_forgets_the_weights, "label_smoothing=0.3"),
    ("nll_loss", nll_that_ignores_nothing, "random"),
    ("linear_cross_entropy", layer_that_forgets_its_bias, "linear_bias=bias"),
    ("poisson_nll_loss", stirling_from_one_on, "tied"),
    ("gaussian_nll_loss", variance_that_is_clipped_for_good, "extreme"),
    ("kl_div", divergence_over_the_batch, "reduction=mean"),
    ("binary_cross_entropy", probabilities_clipped, "extreme"),
    ("binary_cross_entropy", divisor_of_float64, "target=bit, reduction=none"),
    ("binary_cross_entropy_with_logits", positive_weight_on_both_sides, "pos_weight"),
    ("sigmoid_focal_loss", focal_with_the_sides_swapped, "alpha=0.9"),
    ("soft_margin_loss", soft_margin_that_does_not_overflow, "extreme"),
    ("multilabel_soft_margin_loss", classes_added_up, "random"),
    ("hinge_loss", hinge_with_half_a_slope, "tied"),
    ("margin_ranking_loss", ranking_with_half_a_slope, "tied"),
    ("hinge_embedding_loss", embedding_that_keeps_the_near_apart, "random"),
    ("cosine_embedding_loss", cosine_without_epsilon, "tied"),
    ("triplet_margin_loss", triplet_without_epsilon, "random"),
    ("triplet_margin_with_distance_loss", triplet_with_the_farther_negative, "swap"),
    ("multi_margin_loss", margin_that_counts_its_own_class, "random"),
    ("multilabel_margin_loss", labels_counted_past_the_end, "random"),
    ("distance_box_iou_loss", generalised_for_distance, "random"),
    ("complete_box_iou_loss", distance_for_complete, "random"),
    ("generalized_box_iou_loss", complete_for_generalised, "random"),
    ("ctc_loss", alignment_over_the_batch, "reduction=mean"),
    ("ctc_loss", alignment_with_the_true_derivative, "reduction=none"),
    ("l2_penalty", half_the_penalty, "random"),
    ("l1_penalty", penalty_with_the_slope_of_jnp_abs, "tied"),
    ("zero_one_loss", share_of_right_answers, "random"),
]
"""The loss, its twin, and what the cases say in which it must be seen."""


def chosen(name: str, marks: str, twin: Twin) -> list[LossCase]:
    """Some three cases that the mistake would show in."""
    found = [
        case
        for case in CASES
        if case.name == name and marks in str(case) and min(case.shape, default=1) > 0
    ]
    names = twin.__code__.co_varnames[: twin.__code__.co_argcount]
    takes_all = bool(twin.__code__.co_flags & 0x08)
    found = [case for case in found if "reduction" in case.args or "params" in names]
    return [case for case in found if takes_all or set(case.args) <= set(names)][:3]


def _judged(name: str, twin: Twin, marks: str) -> Verdict:
    cases = chosen(name, marks, twin)
    return worst(judge(cases, "float64", lambda case: twin))


def _too_large() -> Verdict:
    def off(**given: Any) -> Any:
        return losses.mse_loss(**given) * (1 + 1e-5)

    case = next(case for case in CASES if case.name == "mse_loss")
    return judge([case], "float32", lambda case: off)[0]


TWINS: Mapping[str, Callable[[], Verdict]] = {
    "a loss that is a hundred-thousandth too large": _too_large,
    **{
        f"{name}: {twin.__name__.replace('_', ' ')}": partial(
            _judged, name, twin, marks
        )
        for name, twin, marks in BROKEN
    },
}
"""Name -> the verdict that must fail; the first is the control."""
