"""Normalisations: eps, the variance, running statistics, their momentum."""

from collections.abc import Callable, Iterator
from typing import Any

import torch

from parity.doctor.causes.functions import Variant, try_variants, with_arguments
from parity.doctor.evidence import Evidence
from parity.doctor.trial import Trial

KINDS = ("output", "buffer", "gradient")

BATCH = ("input", "mean", "var", "weight", "bias", "training", "momentum", "eps")
LAYER = ("input", "shape", "weight", "bias", "eps")
GROUP = ("input", "groups", "weight", "bias", "eps")
RMS = ("input", "shape", "weight", "eps")
EPSILONS = (1e-6, 1e-5, 1e-3, 1e-4, 1e-7, 1e-8, 1e-12, 0.0)
MOMENTA = (0.01, 0.1, 0.9, 0.99, 0.001, 0.05, 0.5)


def trials(evidence: Evidence) -> Iterator[Trial]:
    """Those that concern the departing quantity."""
    kind = evidence.first.kind
    if kind == "buffer":
        variants = _of_buffers(_own_momenta(evidence.run.model))
    else:
        variants = _of_gradients() if kind == "gradient" else _of_outputs()
    yield from try_variants(evidence, variants)


def _own_momenta(model: torch.nn.Module) -> str:
    """PyTorch's, in words, with Flax's number where there is one of them."""
    kind = torch.nn.modules.batchnorm._NormBase
    own = {m.momentum for m in model.modules() if isinstance(m, kind)}
    says = " or ".join("1 / n" if m is None else f"{m:g}" for m in own)
    only = next(iter(own)) if len(own) == 1 else None
    if only is None:
        return says
    return f"{says}, which is Flax's momentum={1 - only:g} (0.99 by default)"


def _of_outputs() -> Iterator[Variant]:
    for training in (True, False):
        which = "the batch's" if training else "the running"
        yield Variant(
            "training mode of normalisation",
            f"the port normalises with {which} statistics, PyTorch does not",
            f"Call model.{'train' if training else 'eval'}() on the port, or set "
            f"use_running_average={not training}.",
            {"batch_norm": with_arguments(BATCH, training=training)},
        )
    for eps in EPSILONS:
        yield Variant(
            "eps of normalisation",
            f"the port's normalisation has eps {eps:g}",
            "Give the layer PyTorch's eps, 1e-5 by default; Flax's LayerNorm and "
            "GroupNorm have 1e-6.",
            {
                "batch_norm": with_arguments(BATCH, eps=eps),
                "layer_norm": with_arguments(LAYER, eps=eps),
                "group_norm": with_arguments(GROUP, eps=eps),
                "rms_norm": with_arguments(RMS, eps=eps),
            },
        )
    yield Variant(
        "eps outside the root",
        "the port divides by the deviation plus eps, PyTorch by the root of variance "
        "plus eps",
        "Add eps to the variance, under the root.",
        {"layer_norm": _layer_norm(outside=True)},
    )
    yield Variant(
        "unbiased variance in normalisation",
        "the port's LayerNorm divides the squares by n - 1",
        "Use the variance with n: jnp.var without ddof.",
        {"layer_norm": _layer_norm(ddof=1)},
    )
    yield Variant(
        "weight of normalisation as 1 + weight",
        "the port multiplies by 1 + weight, PyTorch by weight",
        "Multiply by weight.",
        {"layer_norm": _shift(2), "rms_norm": _shift(2)},
    )


def _of_gradients() -> Iterator[Variant]:
    yield Variant(
        "stopped statistics",
        "the port takes no gradient through the mean and variance of the normalisation",
        "Remove stop_gradient from the statistics that normalise; keep it on the "
        "running ones.",
        {"layer_norm": _layer_norm(stop=True), "batch_norm": _stop_batch_norm},
    )


def _of_buffers(own: str) -> Iterator[Variant]:
    for momentum in (None, *MOMENTA):
        share = {} if momentum is None else {"momentum": momentum}
        says = (
            "" if momentum is None else f"the running statistics move by {momentum:g}"
        )
        for biased in (False, True):
            if not share and not biased:
                continue
            var = "the running variance is the biased one" if biased else ""
            causes = ["momentum of normalisation"] * bool(share)
            causes += ["biased running variance"] * biased
            yield Variant(
                causes[0],
                f"in the port {' and '.join(filter(None, (says, var)))}",
                f"PyTorch moves them by {own}, and keeps the variance with n - 1, as "
                "only jaxtrain.nn.BatchNorm does.",
                {"batch_norm": _track(biased, **share)},
            )
    yield Variant(
        "training mode of normalisation",
        "the port's running statistics do not move",
        "Call model.train() on the port, and keep the state that the step returns.",
        {"batch_norm": with_arguments(BATCH, momentum=0.0)},
    )


def _layer_norm(
    ddof: int = 0, outside: bool = False, stop: bool = False
) -> Callable[..., Any]:
    def handler(
        func: Any,
        input: Any,
        shape: Any,
        weight: Any = None,
        bias: Any = None,
        eps: float = 1e-5,
    ) -> Any:
        dims = tuple(range(-len(tuple(shape)), 0))
        mean = input.mean(dims, keepdim=True)
        var = input.var(dims, correction=ddof, keepdim=True)
        if stop:
            mean, var = mean.detach(), var.detach()
        root = var.sqrt() + eps if outside else (var + eps).sqrt()
        y = (input - mean) / root
        y = y if weight is None else y * weight
        return y if bias is None else y + bias

    return handler


def _shift(place: int) -> Callable[..., Any]:
    def handler(func: Any, *args: Any, **kwargs: Any) -> Any:
        arguments = list(args)
        if "weight" in kwargs:
            kwargs["weight"] = kwargs["weight"] + 1
        else:
            arguments[place] = arguments[place] + 1
        return func(*arguments, **kwargs)

    return handler


def _bound(args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    defaults = {"weight": None, "bias": None, "training": False}
    return {**defaults, **dict(zip(BATCH, args, strict=False)), **_rename(kwargs)}


def _rename(kwargs: dict[str, Any]) -> dict[str, Any]:
    names = {"running_mean": "mean", "running_var": "var"}
    return {names.get(name, name): value for name, value in kwargs.items()}


def _dims(input: torch.Tensor) -> tuple[int, ...]:
    return tuple(d for d in range(input.ndim) if d != 1)


def _stop_batch_norm(func: Any, *args: Any, **kwargs: Any) -> Any:
    arguments = _bound(args, kwargs)
    x = arguments["input"]
    mean = x.mean(_dims(x)).detach()
    var = x.var(_dims(x), correction=0).detach()
    return torch.nn.functional.batch_norm(
        x,
        mean,
        var,
        arguments["weight"],
        arguments["bias"],
        False,
        0.0,
        arguments["eps"],
    )


def _track(biased: bool, **changes: Any) -> Callable[..., Any]:
    def handler(func: Any, *args: Any, **kwargs: Any) -> Any:
        arguments = {**_bound(args, kwargs), **changes}
        before = arguments["var"].clone()
        result = func(*(arguments[name] for name in BATCH))
        if biased and arguments["training"]:
            x, m = arguments["input"].detach(), arguments["momentum"]
            new = (1 - m) * before + m * x.var(_dims(x), correction=0)
            arguments["var"].copy_(new)
        return result

    return handler
