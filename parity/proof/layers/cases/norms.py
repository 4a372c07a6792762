"""Normalisations."""

from parity.proof.layers.cases.case import Arguments, LayerCase, cases_of, inputs_of

WIDE_NORM = tuple(
    LayerCase(name, {"normalized_shape": 12}, inputs_of("wide", (9, 12)), False)
    for name in ("LayerNorm", "RMSNorm")
)
LAYER_NORM = cases_of(
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


RMS_NORM = cases_of(
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


GROUP_NORM = cases_of(
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
    for case in cases_of(
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
    for case in cases_of(
        f"InstanceNorm{n}d",
        *(
            ({"num_features": 3, **arguments}, shape)
            for arguments, shape in zip(INSTANCE_ARGUMENTS, shapes, strict=True)
        ),
        both=True,
    )
)
