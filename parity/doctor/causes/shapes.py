"""Padding, pooling, and the order in which an image is flattened."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import torch
import torch.nn.functional as F

from parity.doctor.causes.functions import Variant, try_variants, with_arguments
from parity.doctor.evidence import Evidence
from parity.doctor.trial import Trial

KINDS = ("output",)

CONVOLUTIONS = ("conv1d", "conv2d", "conv3d")
FLATTENERS = ("flatten", "view", "reshape")


def trials(evidence: Evidence) -> Iterator[Trial]:
    """Recompute the forward pass with other windows and orders."""
    yield from try_variants(evidence, _variants())


def _variants() -> Iterator[Variant]:
    yield Variant(
        "flatten order",
        "the port flattens (H, W, C), PyTorch (C, H, W)",
        "Transpose to (N, C, H, W) before flattening, or permute the next layer's "
        "weight.",
        dict.fromkeys(FLATTENERS, _flatten_last),
    )
    yield Variant(
        "SAME padding",
        "the port pads as 'SAME', which with strides pads more at the end",
        "Give the padding in numbers: padding=1, or ((1, 1), (1, 1)).",
        dict.fromkeys(CONVOLUTIONS, _pad_same),
    )
    yield Variant(
        "VALID padding",
        "the port does not pad",
        "Give the port PyTorch's padding in numbers.",
        {name: _pad(0) for name in CONVOLUTIONS},
    )
    for mode in ("circular", "reflect", "replicate"):
        yield Variant(
            "padding mode",
            f"the port's padding is {mode}, PyTorch's zeros",
            "Give the port the padding mode of PyTorch's layer.",
            {name: _padding_mode(mode) for name in CONVOLUTIONS},
        )
    yield Variant(
        "average pooling counts padding",
        "the port divides by other numbers of elements at the edges",
        "Set count_include_pad as PyTorch has it (True by default).",
        {"avg_pool2d": _toggle_count},
    )
    yield Variant(
        "average pooling for maximum",
        "the port pools by the mean, PyTorch by the maximum",
        "Use nnx.max_pool.",
        {
            name: lambda func, x, k, *a, **kw: F.avg_pool2d(x, k)
            for name in ("max_pool2d", "_max_pool2d", "boolean_dispatch", "fn")
        },
    )
    for align in (True, False):
        yield Variant(
            "align_corners",
            f"the port interpolates with align_corners={align}",
            "jax.image.resize aligns half pixels: PyTorch's align_corners=False.",
            {
                "interpolate": with_arguments(
                    ("input", "size", "scale_factor", "mode", "align_corners"),
                    align_corners=align,
                )
            },
        )


def _flatten_last(func: Any, x: Any, *args: Any, **kwargs: Any) -> Any:
    result = func(x, *args, **kwargs)
    if x.ndim > 2 and result.ndim == 2 and len(result) == len(x):
        return torch.movedim(x, 1, -1).reshape(result.shape)
    return result


def _arguments(args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    names = ("input", "weight", "bias", "stride", "padding", "dilation", "groups")
    defaults = {"bias": None, "stride": 1, "padding": 0, "dilation": 1, "groups": 1}
    return {**defaults, **dict(zip(names, args, strict=False)), **kwargs}


def _pad(padding: Any) -> Callable[..., Any]:
    return lambda func, *args, **kwargs: func(
        **{**_arguments(args, kwargs), "padding": padding}
    )


def _tuple_of(value: Any, n: int) -> tuple[int, ...]:
    return (value,) * n if isinstance(value, int) else tuple(value)


def _pad_same(func: Any, *args: Any, **kwargs: Any) -> Any:
    arguments = _arguments(args, kwargs)
    x, sizes = arguments["input"], arguments["weight"].shape[2:]
    n = len(sizes)
    pads: list[int] = []
    for d in reversed(range(n)):
        stride = _tuple_of(arguments["stride"], n)[d]
        reach = (sizes[d] - 1) * _tuple_of(arguments["dilation"], n)[d] + 1
        length = x.shape[2 + d]
        total = max((math.ceil(length / stride) - 1) * stride + reach - length, 0)
        pads += [total // 2, total - total // 2]
    return func(**{**arguments, "input": F.pad(x, pads), "padding": 0})


def _padding_mode(mode: str) -> Callable[..., Any]:
    def handler(func: Any, *args: Any, **kwargs: Any) -> Any:
        arguments = _arguments(args, kwargs)
        x, n = arguments["input"], arguments["weight"].ndim - 2
        pads = [
            p for p in reversed(_tuple_of(arguments["padding"], n)) for _ in range(2)
        ]
        return func(**{**arguments, "input": F.pad(x, pads, mode=mode), "padding": 0})

    return handler


def _toggle_count(func: Any, *args: Any, **kwargs: Any) -> Any:
    positional = [*args, None, 0, False, True][:6] if len(args) < 6 else list(args)
    include = kwargs.pop("count_include_pad", True)
    names = ("stride", "padding", "ceil_mode")
    rest = {n: kwargs.get(n, positional[2 + i]) for i, n in enumerate(names)}
    return func(*args[:2], **rest, count_include_pad=not include)
