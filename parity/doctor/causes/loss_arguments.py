"""Losses with another argument: smoothing, weights, ignored labels, reduction."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F

from parity.doctor.causes.functions import Variant, try_variants
from parity.doctor.evidence import Evidence
from parity.doctor.trial import Trial

KINDS = ("loss",)

SMOOTHINGS = (0.0, 0.1, 0.05, 0.2, 0.01)


def trials(evidence: Evidence) -> Iterator[Trial]:
    """Recompute the user's own loss, with PyTorch's functional changed inside it."""
    yield from try_variants(evidence, _cross_entropies())
    yield from try_variants(evidence, _others())


def _cross_entropies() -> Iterator[Variant]:
    for value in SMOOTHINGS:
        yield Variant(
            "label smoothing",
            f"the port smooths labels by {value:g}",
            "Give both the same label_smoothing.",
            {"cross_entropy": _change_arguments(label_smoothing=value)},
        )
    yield Variant(
        "label smoothing",
        "the port leaves the right class 1 - s, where PyTorch's smoothing gives it "
        "1 - s + s / classes",
        "Spread s over all classes, the right one too: optax.smooth_labels.",
        {"cross_entropy": _smooth_among_others},
    )
    yield Variant(
        "class weights",
        "the port has no class weights",
        "Pass them: jaxtrain.losses.cross_entropy(..., weight=weight).",
        {
            name: _change_arguments(weight=None)
            for name in ("cross_entropy", "nll_loss")
        },
    )
    yield Variant(
        "mean of weighted losses",
        "the port divides the weighted losses by their number, PyTorch by the sum of "
        "the weights",
        "Divide by the sum of the weights of the kept labels.",
        {"cross_entropy": _by_number},
    )
    yield Variant(
        "ignored labels",
        "the port divides by all labels, PyTorch by those that are not ignored",
        "Divide by the number of kept labels.",
        {"cross_entropy": _by_all},
    )
    yield Variant(
        "ignored labels",
        "the port does not ignore labels: it takes them for class 0",
        "Mask the losses of ignored labels.",
        {"cross_entropy": _without_ignore},
    )
    for name, function in (("softmax", F.softmax), ("log_softmax", F.log_softmax)):
        yield Variant(
            f"{name} before cross entropy",
            f"the port applies {name} before a loss that takes logits",
            "Pass the logits.",
            {"cross_entropy": _of(partial(function, dim=1))},
        )
    yield Variant(
        "sigmoid before binary cross entropy",
        "the port applies sigmoid before a loss that takes logits",
        "Pass the logits.",
        {"binary_cross_entropy_with_logits": _of(torch.sigmoid)},
    )
    yield Variant(
        "class weights",
        "the port has no pos_weight",
        "Multiply the positive terms by pos_weight.",
        {"binary_cross_entropy_with_logits": _change_arguments(pos_weight=None)},
    )


def _others() -> Iterator[Variant]:
    both = ("smooth_l1_loss", "huber_loss")
    yield Variant(
        "smooth L1 or Huber",
        "the port computes Huber's loss, PyTorch smooth L1: Huber's over beta",
        "Divide optax.huber_loss(delta=beta) by beta.",
        {"smooth_l1_loss": _huber},
    )
    yield Variant(
        "smooth L1 or Huber",
        "the port computes smooth L1, PyTorch Huber's loss",
        "Multiply by delta: optax.huber_loss(delta=delta).",
        {"huber_loss": _smooth_l1},
    )
    for value in (1.0, 0.5, 0.1, 2.0):
        yield Variant(
            "beta of smooth L1",
            f"the port's loss turns linear at {value:g}",
            "Give optax.huber_loss PyTorch's beta as delta, and divide by it.",
            {
                both[0]: _change_arguments(beta=value),
                both[1]: _change_arguments(delta=value),
            },
        )
    for reduction in ("batchmean", "mean", "sum"):
        yield Variant(
            "reduction of KL divergence",
            f"the port reduces the KL divergence as reduction={reduction!r}",
            "PyTorch's default divides by all elements; optax's loss averaged over "
            "examples is PyTorch's 'batchmean'.",
            {"kl_div": _change_arguments(reduction=reduction)},
        )
    for name in ("l1_loss", "mse_loss"):
        other = {"l1_loss": F.mse_loss, "mse_loss": F.l1_loss}[name]
        yield Variant(
            "another loss",
            f"the port computes {other.__name__}, PyTorch {name}",
            f"Use {name}.",
            {name: _replace(other)},
        )


def _change_arguments(**changes: Any) -> Callable[..., Any]:
    return lambda func, *args, **kwargs: func(*args[:2], **{**kwargs, **changes})


def _of(transform: Callable[[Any], Any]) -> Callable[..., Any]:
    return lambda func, x, *args, **kwargs: func(transform(x), *args, **kwargs)


def _replace(other: Callable[..., Any]) -> Callable[..., Any]:
    return lambda func, x, y, **kwargs: other(x, y)


def _smooth_among_others(func: Any, x: Any, y: Any, *_: Any, **kwargs: Any) -> Any:
    s, classes = kwargs.get("label_smoothing", 0.0), x.shape[1]
    hot = F.one_hot(y, classes).to(x)
    return func(x, hot * (1 - s) + (1 - hot) * s / (classes - 1))


def _elementwise(func: Any, args: Any, kwargs: Any) -> Any:
    return func(*args[:2], **{**_weight(args), **kwargs, "reduction": "none"})


def _weight(args: Any) -> dict[str, Any]:
    return {"weight": args[2]} if len(args) > 2 else {}


def _by_number(func: Any, *args: Any, **kwargs: Any) -> Any:
    mask = args[1] != kwargs.get("ignore_index", -100)
    return _elementwise(func, args, kwargs).sum() / mask.sum()


def _by_all(func: Any, *args: Any, **kwargs: Any) -> Any:
    return _elementwise(func, args, kwargs).sum() / args[1].numel()


def _without_ignore(func: Any, x: Any, y: Any, *args: Any, **kwargs: Any) -> Any:
    mask = y == kwargs.get("ignore_index", -100)
    return func(x, y.masked_fill(mask, 0), *args, **kwargs)


def _huber(func: Any, x: Any, y: Any, **kwargs: Any) -> Any:
    return F.huber_loss(x, y, delta=kwargs.get("beta", 1.0))


def _smooth_l1(func: Any, x: Any, y: Any, **kwargs: Any) -> Any:
    return F.smooth_l1_loss(x, y, beta=kwargs.get("delta", 1.0))
