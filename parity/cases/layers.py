"""Argument sets of every layer: each argument off its default at least once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Arguments = Mapping[str, Any]
Shape = tuple[int, ...]


@dataclass(frozen=True)
class Given:
    """One input: its shape, and what kind of numbers it holds."""

    shape: Shape
    kind: str = "real"
    """`"real"` (normal), `"wide"` (1e-3 … 1e2), `"grid"` (halves, on every kink),
    `"tied"` (whole and small), `"index"` or `"bool"` (true one time in four)."""
    size: int = 0
    """Indices are below it."""


@dataclass(frozen=True)
class LayerCase:
    """One layer with one set of arguments, on inputs of one set of shapes."""

    name: str
    args: Arguments
    inputs: tuple[Given, ...]
    train: bool = True
    call: Arguments = field(default_factory=dict)
    """Keyword arguments of the call."""
    nested: bool = False
    """Whether all inputs but the first make one tuple, as a state of two parts does."""

    @property
    def draws(self) -> bool:
        """Whether random masks may be drawn."""
        return self.train and ("Dropout" in self.name or "dropout" in self.args)

    @property
    def flax(self) -> str:
        """What Flax NNX does instead."""
        return FLAX.get(self.name, "")

    @property
    def arguments(self) -> str:
        """The arguments as they are written."""
        return ", ".join(f"{key}={value}" for key, value in self.args.items())

    @property
    def allowance(self) -> float:
        """How many times PyTorch's own float32 error is allowed."""
        return 8.0 if self.name in OF_TANH else 2.0

    def term(self, tensor: str) -> float:
        """Size of a term that went into a tensor, where less is left of it."""
        return max(TERMS.get(tensor, 0.0), TERMS.get(self.name, 0.0))

    def arranged(self, inputs: Sequence[Any]) -> tuple[Any, ...]:
        """Positional arguments of the call."""
        if self.nested and len(inputs) > 1:
            return (inputs[0], tuple(inputs[1:]))
        return tuple(inputs)

    def __str__(self) -> str:
        shapes = ", ".join(str(given.shape) for given in self.inputs)
        mode = "" if self.train else " eval"
        mode += f" {', '.join(self.call)}" if self.call else ""
        return f"{self.name}({self.arguments}) {shapes}{mode}"


FLAX = {
    "Linear": "kernel (in, out) from lecun_normal, bias 0",
    "GELU": "jax.nn.gelu is the tanh form by default",
    "Hardtanh": "gradient 1 at the bounds",
    "ReLU6": "gradient 1 at the bounds",
    "LayerNorm": "eps 1e-6; E[x²] - E[x]² by default",
    "RMSNorm": "eps 1e-6",
    "GroupNorm": "eps 1e-6; channels last",
    "BatchNorm1d": "biased running variance; momentum .99 of the old",
    "BatchNorm2d": "biased running variance; momentum .99 of the old; channels last",
    "BatchNorm3d": "biased running variance; momentum .99 of the old; channels last",
    "InstanceNorm1d": "eps 1e-6; no running statistics; channels last",
    "InstanceNorm2d": "eps 1e-6; no running statistics; channels last",
    "InstanceNorm3d": "eps 1e-6; no running statistics; channels last",
    "Embedding": "no padding_idx; spread 1/sqrt(embedding_dim)",
    "MultiheadAttention": "three maps of (in, heads, d), lecun_normal",
    "Dropout": "masks of jax.random alone",
    "Conv1d": "padding SAME; channels last; lecun_normal",
    "Conv2d": "padding SAME; channels last; lecun_normal",
    "Conv3d": "padding SAME; channels last; lecun_normal",
    "RNN": "one bias; one layer; orthogonal weight_hh",
    "GRU": "no bias of the state's part; one layer; orthogonal weight_hh",
    "LSTM": "one bias; one layer; orthogonal weight_hh",
}

# XLA's float32 tanh is 4.0 ulp off, PyTorch's 0.51 (300,000 values): layers made of it
# may be eight times as far from the truth as PyTorch is, others twice.
OF_TANH = ("Tanh", "RNN", "GRU", "LSTM", "RNNCell", "GRUCell", "LSTMCell")

# Inputs of size 1 are averaged to less; x - tanh x, y - y Σ y and the gradient of two
# or three normalised elements are what is left of terms of size 1.
TERMS = {"running_mean": 1.0, "Tanhshrink": 1.0, "Softmax": 1.0, "Softmin": 1.0}
TERMS |= {f"InstanceNorm{n}d": 1.0 for n in (1, 2, 3)}
# Queries and keys get what the softmax leaves of products as large as the values'.
TERMS |= {"MultiheadAttention": 1.0}


def _on(kind: str, *shapes: Shape) -> tuple[Given, ...]:
    return tuple(Given(shape, kind) for shape in shapes)


def _elementwise(name: str, *argument_sets: Arguments) -> tuple[LayerCase, ...]:
    """Ten inputs or more: ordinary, far out, on the kinks; of 0 to 5 dimensions."""
    inputs = (
        *_on("real", (7,), (5, 3)),
        *_on("wide", (4, 31)),
        *_on("grid", (200,)),
    )
    shapes = ((), (1,), (2, 3, 4), (2, 1, 3, 2), (0, 3), (1, 2, 3, 2, 2))
    cases = [
        LayerCase(name, arguments, (given,))
        for arguments in argument_sets or ({},)
        for given in inputs
    ]
    cases += [
        LayerCase(name, argument_sets[-1] if argument_sets else {}, (given,), False)
        for given in _on("real", *shapes)
    ]
    return tuple(cases)


ACTIVATIONS = (
    *_elementwise("ReLU"),
    *_elementwise("LeakyReLU", {}, {"negative_slope": 0.3}),
    *_elementwise("ELU", {}, {"alpha": 0.4}),
    *_elementwise("CELU", {}, {"alpha": 0.4}, {"alpha": -1.5}),
    *_elementwise("SELU"),
    *_elementwise("Threshold", {"threshold": 0.5, "value": -3.0}),
    *_elementwise("Hardtanh", {}, {"min_val": -0.5, "max_val": 3.0}),
    *_elementwise("ReLU6"),
    *_elementwise("Hardsigmoid"),
    *_elementwise("Hardswish"),
    *_elementwise("Hardshrink", {}, {"lambd": 1.5}),
    *_elementwise("Softshrink", {}, {"lambd": 1.5}, {"lambd": 0.0}),
    *_elementwise("Tanhshrink"),
    *_elementwise("Sigmoid"),
    *_elementwise("LogSigmoid"),
    *_elementwise("Tanh"),
    *_elementwise("Softsign"),
    *_elementwise("SiLU"),
    *_elementwise("Mish"),
    *_elementwise("GELU", {}, {"approximate": "tanh"}),
    *_elementwise("Softplus", {}, {"beta": 2.0}, {"beta": 0.5, "threshold": 1.0}),
    *_elementwise("Identity"),
    *_elementwise("PReLU", {}, {"init": -0.5}),
)


def _each(
    name: str, *pairs: tuple[Arguments, Shape], both: bool = False
) -> tuple[LayerCase, ...]:
    """A case for each (arguments, shape), in training and, for both, in evaluation."""
    modes = (True, False) if both else (True,)
    return tuple(
        LayerCase(name, arguments, _on("real", shape), train)
        for arguments, shape in pairs
        for train in modes
    )


PRELU = _each(
    "PReLU",
    ({"num_parameters": 3}, (5, 3)),
    ({"num_parameters": 3, "init": 0.9}, (5, 3, 2)),
    ({"num_parameters": 1}, (3,)),
    ({"num_parameters": 2}, (1, 2, 3, 2)),
)

DIMS = ((), (1,), (6,), (3, 4), (2, 5, 3), (2, 3, 4, 2))
SOFTMAX = tuple(
    case
    for name in ("Softmax", "LogSoftmax", "Softmin")
    for case in (
        *_each(name, *(({}, shape) for shape in DIMS)),
        *_each(name, *(({"dim": d}, (2, 5, 3)) for d in (0, 1, -1))),
        LayerCase(name, {"dim": -1}, _on("wide", (4, 7))),
    )
)
SOFTMAX += _each(
    "Softmax2d",
    *(({}, shape) for shape in ((3, 2, 2), (2, 3, 1, 4), (1, 1, 1), (2, 1, 3, 3))),
    *(({}, shape) for shape in ((5, 3, 2), (1, 6, 2, 2), (4, 1, 2), (3, 4, 4, 1))),
    *(({}, shape) for shape in ((7, 1, 1), (2, 9, 1, 1))),
)
SOFTMAX += _each(
    "GLU",
    *(({}, shape) for shape in ((2,), (3, 4), (2, 3, 6), (1, 8), (0, 4))),
    *(({"dim": 0}, shape) for shape in ((4, 3), (2,), (6, 1, 2))),
    *(({"dim": d}, (2, 6, 3)) for d in (1, -2)),
)

LINEAR = _each(
    "Linear",
    ({"in_features": 3, "out_features": 2}, (5, 3)),
    ({"in_features": 3, "out_features": 2, "bias": False}, (5, 3)),
    ({"in_features": 30, "out_features": 7}, (30,)),
    ({"in_features": 1, "out_features": 1}, (1, 1)),
    ({"in_features": 4, "out_features": 9}, (2, 3, 4)),
    ({"in_features": 4, "out_features": 9, "bias": False}, (2, 1, 3, 4)),
    ({"in_features": 100, "out_features": 20}, (8, 100)),
    ({"in_features": 0, "out_features": 2}, (3, 0)),
    ({"in_features": 6, "out_features": 5}, (0, 6)),
    ({"in_features": 17, "out_features": 1}, (9, 17)),
)

FLATTEN = _each(
    "Flatten",
    *(({}, shape) for shape in ((5, 1), (2, 3), (2, 3, 4), (1, 2, 3, 4), (0, 3, 2))),
    ({"start_dim": 0}, (2, 3, 4)),
    ({"start_dim": -2}, (2, 3, 4)),
    ({"start_dim": 1, "end_dim": 2}, (2, 3, 4, 5)),
    ({"start_dim": 0, "end_dim": -2}, (2, 3, 4)),
    ({"start_dim": 2, "end_dim": 2}, (2, 3, 4)),
)


def _lookups(*pairs: tuple[Arguments, Shape]) -> tuple[LayerCase, ...]:
    return tuple(
        LayerCase(
            "Embedding",
            {"num_embeddings": 7, "embedding_dim": 3, **arguments},
            (Given(shape, "index", arguments.get("num_embeddings", 7)),),
        )
        for arguments, shape in pairs
    )


EMBEDDING = _lookups(
    ({}, (4,)),
    ({}, ()),
    ({}, (2, 5)),
    ({"padding_idx": 0}, (20,)),
    ({"padding_idx": -1}, (3, 10)),
    ({"padding_idx": 3, "scale_grad_by_freq": True}, (2, 20)),
    ({"scale_grad_by_freq": True}, (30,)),
    ({"num_embeddings": 1, "embedding_dim": 1}, (2,)),
    ({"num_embeddings": 100, "embedding_dim": 17}, (3, 2, 4)),
    ({"num_embeddings": 2, "embedding_dim": 40, "padding_idx": 1}, (6,)),
)

WIDE_NORM = tuple(
    LayerCase(name, {"normalized_shape": 12}, _on("wide", (9, 12)), False)
    for name in ("LayerNorm", "RMSNorm")
)
LAYER_NORM = _each(
    "LayerNorm",
    ({"normalized_shape": 6}, (4, 6)),
    ({"normalized_shape": 6}, (6,)),
    ({"normalized_shape": (6,), "eps": 0.1}, (2, 3, 6)),
    ({"normalized_shape": (3, 6)}, (5, 3, 6)),
    ({"normalized_shape": (3, 6), "bias": False}, (3, 6)),
    ({"normalized_shape": (2, 3, 4)}, (2, 2, 3, 4)),
    ({"normalized_shape": 6, "elementwise_affine": False}, (4, 6)),
    ({"normalized_shape": 100, "eps": 1e-12}, (3, 100)),
    ({"normalized_shape": 33, "elementwise_affine": False, "bias": False}, (2, 33)),
    ({"normalized_shape": 7}, (1, 7)),
)


RMS_NORM = _each(
    "RMSNorm",
    ({"normalized_shape": 6}, (4, 6)),
    ({"normalized_shape": 6}, (6,)),
    ({"normalized_shape": (6,), "eps": 0.1}, (2, 3, 6)),
    ({"normalized_shape": (3, 6)}, (5, 3, 6)),
    ({"normalized_shape": (3, 6), "eps": 1e-5}, (3, 6)),
    ({"normalized_shape": (2, 3, 4)}, (2, 2, 3, 4)),
    ({"normalized_shape": 6, "elementwise_affine": False}, (4, 6)),
    ({"normalized_shape": 100, "eps": 1e-12}, (3, 100)),
    ({"normalized_shape": 33, "elementwise_affine": False}, (2, 33)),
    ({"normalized_shape": 7}, (1, 7)),
)


GROUP_NORM = _each(
    "GroupNorm",
    ({"num_groups": 2, "num_channels": 6}, (4, 6, 3)),
    ({"num_groups": 1, "num_channels": 6}, (4, 6)),
    ({"num_groups": 3, "num_channels": 6, "eps": 0.1}, (4, 6, 2, 3)),
    ({"num_groups": 6, "num_channels": 6}, (2, 6, 5)),
    ({"num_groups": 2, "num_channels": 4, "affine": False}, (3, 4, 2, 1, 3)),
    ({"num_groups": 2, "num_channels": 4, "bias": False}, (3, 4, 5)),
    ({"num_groups": 2, "num_channels": 10, "eps": 1e-12}, (1, 10)),
    ({"num_groups": 5, "num_channels": 10}, (1, 10, 7, 2)),
    ({"num_groups": 1, "num_channels": 2}, (2, 2, 3, 3)),
    ({"num_groups": 4, "num_channels": 8}, (3, 8, 4)),
)

BATCH_SHAPES = {
    1: ((8, 3), (2, 3, 5), (7, 3, 1), (5, 3), (3, 3, 4)),
    2: ((2, 3, 4, 5), (1, 3, 2, 2), (4, 3, 1, 1), (3, 3, 3, 2), (2, 3, 1, 6)),
    3: (
        (2, 3, 2, 3, 2),
        (1, 3, 2, 1, 2),
        (4, 3, 1, 1, 1),
        (2, 3, 1, 1, 4),
        (3, 3, 2, 1, 1),
    ),
}
BATCH_ARGUMENTS: tuple[Arguments, ...] = (
    {},
    {"momentum": None, "eps": 0.1},
    {"momentum": 0.7, "affine": False},
    {"track_running_stats": False},
    {"momentum": 0.0, "bias": False},
)
BATCH_NORM = tuple(
    case
    for n, shapes in BATCH_SHAPES.items()
    for case in _each(
        f"BatchNorm{n}d",
        *(
            ({"num_features": 3, **arguments}, shape)
            for arguments, shape in zip(BATCH_ARGUMENTS, shapes, strict=True)
        ),
        both=True,
    )
)

INSTANCE_SHAPES = {
    1: ((2, 3, 5), (3, 4), (4, 3, 2), (1, 3, 6), (3, 7)),
    2: ((2, 3, 4, 5), (3, 2, 2), (4, 3, 1, 2), (1, 3, 3, 2), (3, 1, 6)),
    3: ((2, 3, 2, 3, 2), (3, 2, 1, 2), (4, 3, 1, 1, 2), (1, 3, 1, 1, 4), (3, 2, 1, 1)),
}
INSTANCE_ARGUMENTS: tuple[Arguments, ...] = (
    {},
    {"affine": True, "eps": 0.1},
    {"affine": True, "track_running_stats": True},
    {"track_running_stats": True, "momentum": None},
    {"affine": True, "bias": False, "track_running_stats": True, "momentum": 0.7},
)
INSTANCE_NORM = tuple(
    case
    for n, shapes in INSTANCE_SHAPES.items()
    for case in _each(
        f"InstanceNorm{n}d",
        *(
            ({"num_features": 3, **arguments}, shape)
            for arguments, shape in zip(INSTANCE_ARGUMENTS, shapes, strict=True)
        ),
        both=True,
    )
)

CONV_ARGUMENTS: tuple[Arguments, ...] = (
    {},
    {"stride": 2, "padding": 1},
    {"dilation": 2, "padding": 2, "bias": False},
    {"groups": 2, "out_channels": 6},
    {"groups": 4, "out_channels": 8, "padding": "same", "kernel_size": 2},
    {"padding": 1, "padding_mode": "reflect"},
    {"padding": 2, "padding_mode": "circular", "stride": 3},
    {"padding": 2, "padding_mode": "replicate", "dilation": 2},
    {"padding": "same", "dilation": 3},
    {"kernel_size": 1, "padding": "valid", "stride": 2},
)
CONV_SIZES: dict[int, tuple[Shape, ...]] = {
    1: ((9,), (8,), (7,)),
    2: ((5, 6), (7, 5), (6, 6)),
    3: ((5, 4, 4), (4, 5, 4), (4, 4, 5)),
}


def _shapes(n: int, channels: int) -> tuple[Shape, ...]:
    """Ragged sizes behind channels; the last shape has no batch."""
    a, b, c = CONV_SIZES[n]
    return ((2, channels, *a), (1, channels, *b), (channels, *c))


def _convolutions(name: str, n: int, *more: Arguments) -> tuple[LayerCase, ...]:
    base = {"in_channels": 4, "out_channels": 3, "kernel_size": 3}
    return _each(
        f"{name}{n}d",
        *(
            ({**base, **arguments}, _shapes(n, 4)[i % 3])
            for i, arguments in enumerate(more)
        ),
    )


CONV = (
    *_convolutions("Conv", 1, *CONV_ARGUMENTS, {"kernel_size": (4,), "padding": (2,)}),
    *_convolutions(
        "Conv",
        2,
        *CONV_ARGUMENTS,
        {"kernel_size": (2, 3), "stride": (1, 2), "padding": (0, 1)},
        {"kernel_size": (1, 4), "padding": "same", "padding_mode": "circular"},
    ),
    *_convolutions(
        "Conv",
        3,
        *CONV_ARGUMENTS[:5],
        *CONV_ARGUMENTS[8:],
        {"padding": 1, "padding_mode": "replicate", "kernel_size": 2},
        {"padding": (1, 0, 2), "padding_mode": "circular", "kernel_size": 2},
        {"kernel_size": (1, 2, 3), "dilation": (2, 1, 1), "padding": (0, 1, 0)},
    ),
)

TRANSPOSED_ARGUMENTS: tuple[Arguments, ...] = (
    {},
    {"stride": 2, "padding": 1},
    {"stride": 2, "output_padding": 1, "bias": False},
    {"groups": 2, "out_channels": 6},
    {"groups": 4, "out_channels": 8, "stride": 3, "kernel_size": 2},
    {"dilation": 2, "padding": 1},
    {"dilation": 3, "output_padding": 2, "stride": 2, "padding": 2},
    {"kernel_size": 1, "stride": 2},
    {"kernel_size": 2, "stride": 2},
    {"padding": 2, "kernel_size": 4},
)
CONV_TRANSPOSE = (
    *_convolutions("ConvTranspose", 1, *TRANSPOSED_ARGUMENTS),
    *_convolutions(
        "ConvTranspose",
        2,
        *TRANSPOSED_ARGUMENTS,
        {"kernel_size": (2, 3), "stride": (1, 2), "output_padding": (0, 1)},
    ),
    *_convolutions("ConvTranspose", 3, *TRANSPOSED_ARGUMENTS),
    LayerCase(
        "ConvTranspose2d",
        {"in_channels": 2, "out_channels": 3, "kernel_size": 3, "stride": (2, 3)},
        _on("real", (2, 2, 4, 3)),
        call={"output_size": [10, 11]},
    ),
)

POOL_SIZES: dict[int, tuple[Shape, ...]] = {
    1: ((9,), (8,), (7,)),
    2: ((7, 6), (5, 8), (6, 6)),
    3: ((5, 4, 6), (4, 5, 4), (5, 5, 4)),
}


def _pools(name: str, dims: Sequence[int], *more: Arguments) -> tuple[LayerCase, ...]:
    """On inputs with many ties, with and without a batch."""
    return tuple(
        LayerCase(f"{name}{n}d", arguments, (Given(shape, kind),))
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
    LayerCase(case.name, case.args, _on("real", case.inputs[0].shape))
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
    LayerCase(f"Adaptive{kind}Pool{n}d", {"output_size": size}, _on("tied", shape))
    for kind in ("Avg", "Max")
    for n, size, shape in (
        (2, (None, 3), (2, 5, 7)),
        (2, (4, 1), (2, 3, 5, 7)),
        (3, (2, None, 3), (1, 2, 3, 4, 5)),
    )
)


DROP_SHAPES = {
    "Dropout": ((), (50,), (4, 6), (2, 3, 4)),
    "Dropout1d": ((6, 3), (2, 5, 3), (1, 8, 1), (4, 4, 2)),
    "Dropout2d": ((3, 5, 2), (2, 5, 2, 3), (1, 8, 1, 1), (3, 3, 2, 2)),
    "Dropout3d": ((6, 2, 2, 1), (2, 5, 1, 2, 3), (1, 8, 1, 1, 1), (3, 3, 2, 2, 2)),
    "AlphaDropout": ((), (50,), (4, 6), (2, 3, 4)),
    "FeatureAlphaDropout": ((3, 4), (2, 5, 3), (2, 3, 2, 2), (1, 6, 1, 2, 2)),
}
DROPOUT = tuple(
    case
    for name, shapes in DROP_SHAPES.items()
    for case in (
        *_each(name, *(({}, shape) for shape in shapes), both=True),
        *_each(name, *(({"p": p}, shapes[1]) for p in (0.0, 0.2, 0.9, 1.0))),
    )
)

RECURRENT_ARGUMENTS: tuple[Arguments, ...] = (
    {},
    {"num_layers": 2},
    {"bias": False, "batch_first": True},
    {"bidirectional": True},
    {"num_layers": 2, "bidirectional": True, "dropout": 0.4},
    {"num_layers": 3, "dropout": 0.5, "batch_first": True},
    {"hidden_size": 1, "input_size": 1},
    {"bidirectional": True, "bias": False},
)


def _recurrent(
    name: str, *more: Arguments, train: bool = True, given: bool = False
) -> tuple[LayerCase, ...]:
    """Sequences of six steps with a batch, of five without; `given`, with a state."""
    found = []
    for i, arguments in enumerate(more):
        args = {"input_size": 3, "hidden_size": 4, **arguments}
        batched = i % 3 != 2
        lead = (5,) if not batched else (2, 6) if args.get("batch_first") else (6, 2)
        shapes = [(*lead, args["input_size"])]
        if given:
            ways = 2 if args.get("bidirectional") else 1
            rows = (args.get("num_layers", 1) * ways, *((2,) if batched else ()))
            shapes.append((*rows, args.get("proj_size") or args["hidden_size"]))
            shapes += [(*rows, args["hidden_size"])] * (name == "LSTM")
        found.append(
            LayerCase(name, args, _on("real", *shapes), train, nested=name == "LSTM")
        )
    return tuple(found)


RECURRENT = (
    *_recurrent("RNN", *RECURRENT_ARGUMENTS, {"nonlinearity": "relu"}),
    *_recurrent("RNN", *RECURRENT_ARGUMENTS[3:5], {}, given=True),
    *_recurrent("GRU", *RECURRENT_ARGUMENTS),
    *_recurrent("GRU", *RECURRENT_ARGUMENTS[3:5], {}, given=True),
    *_recurrent("LSTM", *RECURRENT_ARGUMENTS, {"proj_size": 2}),
    *_recurrent("LSTM", *RECURRENT_ARGUMENTS[3:5], {"proj_size": 3}, given=True),
    *_recurrent("RNN", RECURRENT_ARGUMENTS[4], train=False),
    *_recurrent("GRU", RECURRENT_ARGUMENTS[4], train=False),
    *_recurrent("LSTM", RECURRENT_ARGUMENTS[4], train=False),
    *_recurrent("LSTM", {"proj_size": 1, "num_layers": 2}),
)


def _cells(name: str, *more: Arguments) -> tuple[LayerCase, ...]:
    """With and without a batch, with and without a state."""
    parts = 2 if name == "LSTMCell" else 1
    return tuple(
        LayerCase(
            name,
            {"input_size": 3, "hidden_size": 4, **arguments},
            _on("real", (*lead, 3), *(((*lead, 4),) * parts if given else ())),
            nested=parts == 2,
        )
        for arguments in more
        for lead in ((2,), ())
        for given in (False, True)
    )


CELLS = (
    *_cells("RNNCell", {}, {"bias": False}, {"nonlinearity": "relu"}),
    *_cells("GRUCell", {}, {"bias": False}, {"bias": True}),
    *_cells("LSTMCell", {}, {"bias": False}, {"bias": True}),
)


CAUSAL = np.triu(np.ones((5, 5), bool), 1)
PADDED = np.arange(5) >= np.array([[5], [3]])
SLOPED = (-np.abs(np.subtract.outer(np.arange(5), np.arange(5))) / 4).astype(np.float32)


def _attention(
    arguments: Arguments,
    call: Arguments | None = None,
    sizes: tuple[int, int, int] = (8, 8, 8),
    lengths: tuple[int, int] = (5, 5),
    train: bool = True,
) -> LayerCase:
    """Two sequences, of which `lengths` are those of queries and of keys."""
    args = {"embed_dim": 8, "num_heads": 2, **arguments}
    rows = (lengths[0], lengths[1], lengths[1])
    flip = -1 if args.get("batch_first") else 1
    shapes = [(*(row, 2)[::flip], size) for row, size in zip(rows, sizes, strict=True)]
    given = _on("real", *shapes)
    return LayerCase("MultiheadAttention", args, given, train, call or {})


ATTENTION = (
    _attention({}),
    _attention({}, {"need_weights": False}),
    _attention({"num_heads": 1, "bias": False}, lengths=(3, 5)),
    _attention({"num_heads": 8, "batch_first": True}, {"average_attn_weights": False}),
    _attention({"kdim": 3, "vdim": 6}, sizes=(8, 3, 6), lengths=(4, 7)),
    _attention({"add_bias_kv": True}, {"attn_mask": CAUSAL}),
    _attention({"add_zero_attn": True}, {"key_padding_mask": PADDED}),
    _attention(
        {"add_bias_kv": True, "add_zero_attn": True, "kdim": 4},
        {"attn_mask": CAUSAL, "key_padding_mask": PADDED, "need_weights": False},
        sizes=(8, 4, 8),
    ),
    _attention({}, {"attn_mask": SLOPED}),
    _attention({}, {"attn_mask": CAUSAL, "is_causal": True, "need_weights": False}),
    _attention({"dropout": 0.3}),
    _attention({"dropout": 0.3, "batch_first": True}, {"need_weights": False}),
    _attention({"dropout": 0.3}, train=False),
    LayerCase(
        "MultiheadAttention",
        {"embed_dim": 6, "num_heads": 3, "batch_first": True},
        _on("real", (4, 6), (5, 6), (5, 6)),
    ),
)


def _encoder(
    arguments: Arguments, call: Arguments | None = None, train: bool = True, n: int = 2
) -> LayerCase:
    args = {
        "d_model": 8,
        "nhead": 2,
        "dim_feedforward": 12,
        "dropout": 0.0,
        **arguments,
    }
    lead = (n, 5) if args.get("batch_first") else (5, n)
    shape = (*lead, 8) if n else (5, 8)
    given = _on("real", shape)
    return LayerCase("TransformerEncoderLayer", args, given, train, call or {})


ENCODER = (
    _encoder({}),
    _encoder({"norm_first": True}),
    _encoder({"activation": "gelu", "nhead": 4}),
    _encoder({"bias": False, "layer_norm_eps": 0.1}),
    _encoder({"batch_first": True}, {"src_mask": CAUSAL}),
    _encoder({}, {"src_key_padding_mask": PADDED}),
    _encoder({}, {"src_mask": CAUSAL, "is_causal": True}, n=3),
    _encoder({"dropout": 0.3}),
    _encoder({"dropout": 0.3, "batch_first": True, "norm_first": True}, n=3),
    _encoder({"dropout": 0.3, "batch_first": True}),
    _encoder({"dropout": 0.3}, train=False),
    _encoder({"nhead": 1}, n=0),
)

CASES: tuple[LayerCase, ...] = (
    *ACTIVATIONS,
    *PRELU,
    *SOFTMAX,
    *LINEAR,
    *FLATTEN,
    *EMBEDDING,
    *LAYER_NORM,
    *RMS_NORM,
    *WIDE_NORM,
    *GROUP_NORM,
    *BATCH_NORM,
    *INSTANCE_NORM,
    *CONV,
    *CONV_TRANSPOSE,
    *MAX_POOL,
    *AVG_POOL,
    *LP_POOL,
    *ADAPTIVE_POOL,
    *DROPOUT,
    *RECURRENT,
    *CELLS,
    *ATTENTION,
    *ENCODER,
)
NAMES = tuple(dict.fromkeys(case.name for case in CASES))
