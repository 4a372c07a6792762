"""Layers of two inputs, and those that look at neighbouring channels."""

from parity.proof.layers.cases.case import (
    Arguments,
    Input,
    LayerCase,
    Shape,
    cases_of,
    inputs_of,
)


def _pairs(
    name: str, *more: tuple[Arguments, Shape, Shape], kind: str = "real"
) -> tuple[LayerCase, ...]:
    return tuple(
        LayerCase(name, arguments, inputs_of(kind, first, second))
        for arguments, first, second in more
    )


def _bilinear(
    sizes: tuple[int, int, int], lead: Shape, bias: bool = True
) -> tuple[Arguments, Shape, Shape]:
    names = ("in1_features", "in2_features", "out_features")
    arguments = dict(zip(names, sizes, strict=True))
    more = {} if bias else {"bias": False}
    return {**arguments, **more}, (*lead, sizes[0]), (*lead, sizes[1])


BILINEAR = _pairs(
    "Bilinear",
    _bilinear((3, 4, 2), (5,)),
    _bilinear((3, 4, 2), (5,), bias=False),
    _bilinear((3, 4, 2), ()),
    _bilinear((1, 1, 1), (1,)),
    _bilinear((2, 3, 4), (2, 3)),
    _bilinear((2, 3, 4), (2, 1, 3), bias=False),
    _bilinear((10, 20, 5), (4,)),
    _bilinear((7, 1, 3), (2,)),
    _bilinear((1, 7, 3), (2,)),
    _bilinear((4, 4, 4), (0,)),
)

COSINE = (
    *_pairs(
        "CosineSimilarity",
        ({}, (5, 3), (5, 3)),
        ({}, (5, 3), (1, 3)),
        ({"dim": 0}, (5,), (5,)),
        ({"dim": -1}, (2, 3, 4), (2, 3, 4)),
        ({"dim": -1}, (2, 3, 4), (4,)),
        ({"dim": 0, "eps": 0.5}, (4, 7), (4, 7)),
        ({"eps": 5.0}, (5, 3), (5, 3)),
        ({"dim": 2}, (2, 1, 4), (1, 3, 4)),
    ),
    *_pairs("CosineSimilarity", ({}, (8, 3), (8, 3)), kind="tied"),
    *_pairs("CosineSimilarity", ({}, (4, 2), (4, 2)), kind="wide"),
)

DISTANCE = (
    *_pairs(
        "PairwiseDistance",
        ({}, (5, 3), (5, 3)),
        ({}, (3,), (3,)),
        ({"keepdim": True}, (2, 5, 3), (2, 5, 3)),
        ({"p": 1.0}, (5, 3), (5, 3)),
        ({"p": 3.0, "eps": 0.1}, (5, 3), (1, 3)),
        ({"p": 0.5, "keepdim": True}, (5, 3), (3,)),
        ({"p": float("inf")}, (5, 3), (5, 3)),
        ({"p": -float("inf")}, (5, 3), (5, 3)),
        ({"p": 0.0}, (5, 3), (5, 3)),
    ),
    *_pairs(
        "PairwiseDistance",
        *(({"p": p, "eps": 0.0}, (9, 2), (9, 2)) for p in (1.0, 2.0, float("inf"))),
        kind="tied",
    ),
)

RESPONSE_SHAPES: tuple[Shape, ...] = ((2, 5, 3), (1, 7, 2, 3), (2, 4, 1, 2, 2))
RESPONSE_ARGUMENTS: tuple[Arguments, ...] = (
    {"size": 2},
    {"size": 3, "alpha": 0.5},
    {"size": 1, "alpha": 0.3, "beta": 0.5},
    {"size": 4, "k": 2.0, "alpha": 1.0},
    {"size": 5, "beta": 1.5, "alpha": 0.1},
    {"size": 9, "alpha": 1.0, "beta": 1.0, "k": 0.5},
)
RESPONSE = cases_of(
    "LocalResponseNorm",
    *((a, RESPONSE_SHAPES[i % 3]) for i, a in enumerate(RESPONSE_ARGUMENTS)),
    *((a, RESPONSE_SHAPES[i % 2]) for i, a in enumerate(RESPONSE_ARGUMENTS[2:])),
)

ADAPTIVE_SOFTMAX = tuple(
    LayerCase(
        "AdaptiveLogSoftmaxWithLoss",
        {"in_features": features, "n_classes": classes, "cutoffs": cutoffs, **more},
        (Input((*lead, features)), Input(lead, "index", classes)),
    )
    for features, classes, cutoffs, lead, more in (
        (8, 12, [4], (9,), {}),
        (8, 12, [4, 8], (9,), {}),
        (8, 12, [2, 5, 9], (20,), {"div_value": 2.0}),
        (16, 30, [10, 20], (5,), {"head_bias": True}),
        (16, 30, [1, 29], (12,), {"div_value": 1.5, "head_bias": True}),
        (8, 12, [4, 8], (), {}),
        (8, 12, [11], (3,), {"div_value": 8.0}),
        (8, 12, [1], (), {"head_bias": True}),
        (64, 50, (5, 15, 30), (7,), {}),
        (4, 3, [1, 2], (6,), {"div_value": 1.0}),
    )
)
