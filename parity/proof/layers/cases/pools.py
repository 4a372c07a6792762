"""Pooling, with and without a batch."""

from collections.abc import Sequence

import numpy as np

from parity.proof.layers.cases.case import Arguments, Input, LayerCase, Shape, inputs_of

POOL_SIZES: dict[int, tuple[Shape, ...]] = {
    1: ((9,), (8,), (7,)),
    2: ((7, 6), (5, 8), (6, 6)),
    3: ((5, 4, 6), (4, 5, 4), (5, 5, 4)),
}


def _pools(name: str, dims: Sequence[int], *more: Arguments) -> tuple[LayerCase, ...]:
    """On inputs with many ties, with and without a batch."""
    return tuple(
        LayerCase(f"{name}{n}d", arguments, (Input(shape, kind),))
        for n in dims
        for i, arguments in enumerate(more)
        for kind in (("tied", "real")[i % 2],)
        for shape in (((2, 3), (1, 2), (3,))[i % 3] + POOL_SIZES[n][i % 3],)
    )


MAX_POOL = _pools(
    "MaxPool",
    (1, 2, 3),
    {"kernel_size": 3},
    {"kernel_size": 2, "stride": 1},
    {"kernel_size": 3, "stride": 2, "padding": 1},
    {"kernel_size": 3, "stride": 2, "ceil_mode": True},
    {"kernel_size": 2, "stride": 3, "padding": 1, "ceil_mode": True},
    {"kernel_size": 2, "dilation": 2, "stride": 1},
    {"kernel_size": 2, "return_indices": True},
    {"kernel_size": 3, "stride": 1, "padding": 1, "return_indices": True},
    {"kernel_size": 2, "dilation": 3, "padding": 1, "return_indices": True},
    {"kernel_size": 3, "stride": 2, "ceil_mode": True, "return_indices": True},
    {"kernel_size": 4, "stride": 3},
    {"kernel_size": 1, "stride": 2},
)
AVG_POOL = (
    *_pools(
        "AvgPool",
        (1, 2, 3),
        {"kernel_size": 3},
        {"kernel_size": 2, "stride": 1},
        {"kernel_size": 3, "stride": 2, "padding": 1},
        {"kernel_size": 3, "stride": 2, "ceil_mode": True},
        {"kernel_size": 2, "stride": 3, "padding": 1, "ceil_mode": True},
        {"kernel_size": 3, "padding": 1, "count_include_pad": False},
        {
            "kernel_size": 4,
            "stride": 3,
            "padding": 2,
            "ceil_mode": True,
            "count_include_pad": False,
        },
        {"kernel_size": 4, "stride": 3, "padding": 2, "ceil_mode": True},
        {"kernel_size": 1, "stride": 2},
        {"kernel_size": 4},
    ),
    *_pools(
        "AvgPool",
        (2, 3),
        {"kernel_size": 2, "divisor_override": 3},
        {"kernel_size": 3, "stride": 2, "ceil_mode": True, "divisor_override": -2},
    ),
)
LP_POOL = _pools(
    "LPPool",
    (1, 2, 3),
    {"norm_type": 2, "kernel_size": 3},
    {"norm_type": 2.0, "kernel_size": 2, "stride": 1},
    {"norm_type": 1, "kernel_size": 2},
    {"norm_type": 4, "kernel_size": 3, "stride": 2, "ceil_mode": True},
    {"norm_type": 1.0, "kernel_size": 3, "stride": 1},
    {"norm_type": float("inf"), "kernel_size": 2},
    {"norm_type": 2, "kernel_size": 4, "stride": 3, "ceil_mode": True},
    {"norm_type": -float("inf"), "kernel_size": 2, "stride": 3},
    {"norm_type": 2, "kernel_size": 1},
    {"norm_type": 6, "kernel_size": 2, "stride": 2},
)
# A power of 0 has no derivative that two libraries could agree on.
LP_POOL = tuple(
    LayerCase(case.name, case.args, inputs_of("real", case.inputs[0].shape))
    for case in LP_POOL
)
ADAPTIVE_POOL = tuple(
    case
    for name, more in (
        ("AdaptiveAvgPool", {}),
        ("AdaptiveMaxPool", {"return_indices": True}),
    )
    for case in _pools(
        name,
        (1, 2, 3),
        *({"output_size": size} for size in (1, 2, 3, 4, 5)),
        *({"output_size": size, **more} for size in (1, 2, 3, 7, 9)),
    )
)
ADAPTIVE_POOL += tuple(
    LayerCase(
        f"Adaptive{kind}Pool{n}d", {"output_size": size}, inputs_of("tied", shape)
    )
    for kind in ("Avg", "Max")
    for n, size, shape in (
        (2, (None, 3), (2, 5, 7)),
        (2, (4, 1), (2, 3, 5, 7)),
        (3, (2, None, 3), (1, 2, 3, 4, 5)),
    )
)


def _unpools(n: int, *more: Arguments) -> tuple[LayerCase, ...]:
    """Of values at places of which none is found twice."""
    cases = []
    for i, arguments in enumerate(more):
        args = {key: x for key, x in arguments.items() if key != "output_size"}
        call = {key: x for key, x in arguments.items() if key == "output_size"}
        lead = ((2, 3), (1, 2), (3,))[i % 3]
        sizes = ((3,), (2, 3), (2, 2, 1))[n - 1]
        kernel, stride = args["kernel_size"], args.get("stride", args["kernel_size"])
        room = 1
        for size in sizes:
            room *= (size - 1) * stride + kernel - 2 * args.get("padding", 0)
        shape = (*lead, *sizes)
        inputs = (Input(shape), Input(shape, "places", room, len(lead)))
        cases.append(LayerCase(f"MaxUnpool{n}d", args, inputs, call=call))
    return tuple(cases)


UNPOOL_ARGUMENTS: tuple[Arguments, ...] = (
    {"kernel_size": 2},
    {"kernel_size": 3},
    {"kernel_size": 3, "stride": 2},
    {"kernel_size": 3, "stride": 2, "padding": 1},
    {"kernel_size": 2, "stride": 3},
    {"kernel_size": 4, "stride": 3, "padding": 1},
    {"kernel_size": 5},
    {"kernel_size": 2, "stride": 1},
)
UNPOOL = (
    *_unpools(1, *UNPOOL_ARGUMENTS, {"kernel_size": 2, "output_size": (7,)}),
    *_unpools(1, {"kernel_size": 3, "output_size": (2, 3, 11)}),
    *_unpools(2, *UNPOOL_ARGUMENTS, {"kernel_size": 2, "output_size": (5, 7)}),
    *_unpools(2, {"kernel_size": 3, "output_size": (2, 3, 8, 11)}),
    *_unpools(3, *UNPOOL_ARGUMENTS, {"kernel_size": 2, "output_size": (5, 4, 3)}),
    *_unpools(3, {"kernel_size": 3, "output_size": (2, 3, 8, 7, 4)}),
)

FRACTIONAL_SIZES: dict[int, tuple[Shape, ...]] = {
    2: ((2, 3, 9, 8), (3, 7, 11), (1, 2, 6, 6)),
    3: ((2, 3, 5, 6, 7), (3, 6, 5, 4), (1, 2, 7, 7, 5)),
}


def _fractional(n: int, *more: Arguments) -> tuple[LayerCase, ...]:
    """With numbers given in place of those to be drawn."""
    cases = []
    for i, arguments in enumerate(more):
        shape = FRACTIONAL_SIZES[n][i % 3]
        lead = shape[:2] if len(shape) == n + 2 else (1, shape[0])
        samples = np.random.default_rng(i).random((*lead, n), np.float32)
        args = {**arguments, "_random_samples": samples}
        kind = ("tied", "real")[i % 2]
        cases.append(LayerCase(f"FractionalMaxPool{n}d", args, inputs_of(kind, shape)))
    return tuple(cases)


FRACTIONAL_POOL = tuple(
    case
    for n in (2, 3)
    for case in _fractional(
        n,
        {"kernel_size": 2, "output_size": 3},
        {"kernel_size": 2, "output_ratio": 0.5},
        {"kernel_size": 3, "output_size": 2},
        {"kernel_size": 2, "output_ratio": 0.7},
        {"kernel_size": 1, "output_size": 3, "return_indices": True},
        {"kernel_size": 2, "output_size": 1},
        {"kernel_size": 3, "output_ratio": 0.4, "return_indices": True},
        {"kernel_size": (3, 2, 1)[:n], "output_size": 2},
        {"kernel_size": 2, "output_size": (4, 3, 2)[:n], "return_indices": True},
        {"kernel_size": 2, "output_ratio": (0.5, 0.7, 0.6)[:n]},
    )
)
