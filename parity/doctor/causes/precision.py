"""Products whose operands are rounded: bfloat16, TF32, float16, float32."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch

from parity.doctor.causes.activations import ACTIVATIONS
from parity.doctor.causes.functions import Variant, try_variants
from parity.doctor.evidence import Evidence
from parity.doctor.trial import Trial

KINDS = ("output",)

PRODUCTS = (
    "linear",
    "conv1d",
    "conv2d",
    "conv3d",
    "matmul",
    "bmm",
    "addmm",
    "__matmul__",
)
NAMES = {"bfloat16": torch.bfloat16, "float16": torch.float16, "float32": torch.float32}

LARGEST = {"float32": 1e-5, "TF32": 1e-2, "float16": 1e-2, "bfloat16": 5e-2}
"""What each leaves of a model's output at most: some tens to a hundred of its
units in the last place. A departure beyond it has another cause."""

Rounding = Callable[[torch.Tensor], torch.Tensor]


def trials(evidence: Evidence) -> Iterator[Trial]:
    """Recompute the forward pass with rounded products, then with rounded results."""
    # Another shape is no rounding.
    if np.isfinite(evidence.first.error):
        yield from try_variants(evidence, _variants())


def _variants() -> Iterator[Variant]:
    # float16 has as many bits as TF32, which is what a GPU does unasked.
    roundings: dict[str, Rounding] = {"TF32": tf32}
    roundings |= {name: _round_through(kind) for name, kind in NAMES.items()}
    for name, rounding in roundings.items():
        for results in (False, True):
            handlers = {product: _round(rounding, results) for product in PRODUCTS}
            if results:
                handlers["linear"] = _round_linear(rounding)
                handlers |= {name: _round(rounding, True) for name in ACTIVATIONS}
            yield Variant(
                f"{name} products",
                f"the port computes in {name}"
                if results
                else f"the port multiplies in {name}",
                "Ask for jax.default_matmul_precision('highest'), and for no dtype "
                "narrower than the parameters'.",
                handlers,
                # Sums in another order round otherwise, though seldom.
                share=0.1,
                most=LARGEST[name],
            )


def _round_through(kind: torch.dtype) -> Rounding:
    return lambda x: x + (x.to(kind).to(x.dtype) - x).detach()


def tf32(x: torch.Tensor) -> torch.Tensor:
    """Round to the 11 significant bits of a tensor core's operand.

    Example:
        >>> tf32(torch.tensor([1 + 2.0**-10, 1 + 2.0**-12], dtype=torch.float64)) - 1
        tensor([0.0010, 0.0000], dtype=torch.float64)
    """
    fraction, exponent = torch.frexp(x.detach())
    result = torch.ldexp((fraction * 2**11).round() / 2**11, exponent)
    return x + (result - x.detach())


def _round(rounding: Rounding, results: bool) -> Callable[..., Any]:
    def handler(func: Any, *args: Any, **kwargs: Any) -> Any:
        # A bias is added in the wider type unless everything is narrow.
        result = func(*map(_round_tensor(rounding), args[:2]), *args[2:], **kwargs)
        return rounding(result) if results else result

    return handler


def _round_linear(rounding: Rounding) -> Callable[..., Any]:
    """The product is rounded before the bias is added."""

    def handler(func: Any, x: Any, weight: Any, bias: Any = None) -> Any:
        result = rounding(func(rounding(x), rounding(weight)))
        return result if bias is None else rounding(result + rounding(bias))

    return handler


def _round_tensor(rounding: Rounding) -> Callable[[Any], Any]:
    def one(x: Any) -> Any:
        is_float = isinstance(x, torch.Tensor) and x.is_floating_point()
        return rounding(x) if is_float else x

    return one
