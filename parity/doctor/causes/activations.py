"""The tanh approximation of GELU, other slopes, and one activation for another."""

from collections.abc import Callable, Iterator
from typing import Any

import torch
import torch.nn.functional as F

from parity.doctor.causes.functions import Variant, try_variants, with_arguments
from parity.doctor.evidence import Evidence
from parity.doctor.trial import Trial

KINDS = ("output",)

ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    "relu": F.relu,
    "gelu": F.gelu,
    "silu": F.silu,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "leaky_relu": F.leaky_relu,
    "elu": F.elu,
    "selu": F.selu,
    "softplus": F.softplus,
    "relu6": F.relu6,
    "hardswish": F.hardswish,
    "mish": F.mish,
}


def trials(evidence: Evidence) -> Iterator[Trial]:
    """Each in place of each."""
    yield from try_variants(evidence, _variants())


def _variants() -> Iterator[Variant]:
    for kind, other in (("tanh", "the exact one"), ("none", "the tanh approximation")):
        yield Variant(
            "GELU approximation",
            f"the port's GELU has approximate={kind!r}, PyTorch's is {other}",
            "jax.nn.gelu approximates unless told approximate=False.",
            {"gelu": with_arguments(("input",), approximate=kind)},
        )
    for slope in (0.1, 0.2, 0.3, 0.05, 0.01):
        yield Variant(
            "negative slope",
            f"the port's leaky ReLU has the slope {slope}",
            "Give jax.nn.leaky_relu PyTorch's negative_slope, 0.01 by default.",
            {"leaky_relu": with_arguments(("input",), negative_slope=slope)},
        )
    for ours in ACTIVATIONS:
        for theirs, function in ACTIVATIONS.items():
            if ours != theirs:
                yield Variant(
                    "another activation",
                    f"the port computes {theirs} where PyTorch computes {ours}",
                    f"Use {ours} in the port.",
                    {ours: _replace(function)},
                )


def _replace(function: Callable[[Any], Any]) -> Callable[..., Any]:
    return lambda func, input, *args, **kwargs: function(input)
