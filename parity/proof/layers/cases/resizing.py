"""Elements moved, copied or weighed into another shape."""

from typing import Any

from parity.proof.layers.cases.case import Arguments, Shape, cases_of

SHUFFLE = (
    *cases_of(
        "PixelShuffle",
        *(({"upscale_factor": 2}, shape) for shape in ((4, 1, 1), (2, 8, 3, 2))),
        *(({"upscale_factor": 3}, shape) for shape in ((9, 2, 3), (1, 18, 1, 2))),
        *(({"upscale_factor": 1}, shape) for shape in ((2, 3, 4), (3, 2, 1, 5))),
        ({"upscale_factor": 2}, (2, 3, 4, 2, 2)),
        ({"upscale_factor": 2}, (2, 4, 3, 3)),
        ({"upscale_factor": 4}, (1, 16, 2, 1)),
        ({"upscale_factor": 5}, (25, 1, 2)),
    ),
    *cases_of(
        "PixelUnshuffle",
        *(({"downscale_factor": 2}, shape) for shape in ((1, 2, 2), (2, 3, 6, 4))),
        *(({"downscale_factor": 3}, shape) for shape in ((2, 3, 6), (1, 1, 9, 3))),
        *(({"downscale_factor": 1}, shape) for shape in ((2, 3, 4), (3, 2, 1, 5))),
        ({"downscale_factor": 2}, (2, 3, 1, 2, 4)),
        ({"downscale_factor": 2}, (2, 1, 4, 4)),
        ({"downscale_factor": 4}, (1, 2, 4, 8)),
        ({"downscale_factor": 5}, (1, 5, 10)),
    ),
    *cases_of(
        "ChannelShuffle",
        *(({"groups": 2}, shape) for shape in ((1, 4, 2), (2, 6, 1, 3), (3, 2, 1))),
        *(({"groups": 3}, shape) for shape in ((1, 6, 2), (2, 9, 1, 3), (1, 3, 4))),
        *(({"groups": 1}, shape) for shape in ((1, 4, 2), (2, 5, 1, 3))),
        ({"groups": 4}, (2, 8, 2, 1, 2)),
        ({"groups": 6}, (1, 6, 5)),
    ),
    *cases_of(
        "Unflatten",
        ({"dim": 0, "unflattened_size": (2, 3)}, (6,)),
        ({"dim": 1, "unflattened_size": (2, 3)}, (4, 6)),
        ({"dim": -1, "unflattened_size": (2, -1)}, (4, 6)),
        ({"dim": 1, "unflattened_size": (-1, 2, 2)}, (1, 8, 3)),
        ({"dim": -2, "unflattened_size": (8,)}, (1, 8, 3)),
        ({"dim": 2, "unflattened_size": (1, 3, 1)}, (1, 8, 3)),
        ({"dim": 0, "unflattened_size": (-1,)}, (3, 2)),
        ({"dim": 1, "unflattened_size": (4, 2)}, (0, 8)),
        ({"dim": 1, "unflattened_size": [4, 2]}, (3, 8, 1, 2)),
        ({"dim": -3, "unflattened_size": (2, 2)}, (2, 4, 3, 2)),
    ),
)


def _up(shape: Shape, mode: str, **more: Any) -> tuple[Arguments, Shape]:
    return {"mode": mode, **more}, shape


# What grows, shrinks, stays; by whole factors and others; one size for each dimension.
UPSAMPLE = cases_of(
    "Upsample",
    ({"scale_factor": 2}, (2, 3, 4)),
    ({"size": 7}, (1, 2, 3, 4)),
    ({"scale_factor": (0.5, 1.7, 3)}, (1, 2, 3, 4, 2)),
    *(_up((1, 2, 9), mode, scale_factor=1.3) for mode in ("nearest", "nearest-exact")),
    *(_up((1, 2, 7, 9), mode, size=(3, 4)) for mode in ("nearest-exact", "area")),
    _up((2, 1, 7), "area", scale_factor=1.6),
    _up((1, 2, 3, 4, 5), "area", size=2),
    _up((1, 2, 3, 4, 5), "nearest-exact", scale_factor=1.5),
    *(_up((2, 3, 5), "linear", scale_factor=2, align_corners=c) for c in (True, False)),
    *(_up((2, 3, 5), "linear", size=s) for s in (1, 3, 5, 11)),
    _up((2, 3, 5), "linear", size=1, align_corners=True),
    *(
        _up((1, 2, 4, 5), mode, **more, align_corners=corners)
        for mode in ("bilinear", "bicubic")
        for corners in (False, True)
        for more in ({"size": (7, 3)}, {"scale_factor": (1.7, 0.6)})
    ),
    *(
        _up((1, 2, 4, 5), mode, scale_factor=1.7, recompute_scale_factor=True)
        for mode in ("bilinear", "bicubic", "nearest")
    ),
    _up((1, 2, 5, 5), "bicubic", size=5),
    *(
        _up((1, 2, 5, 5), mode, scale_factor=factors)
        for mode in ("bicubic", "bilinear")
        for factors in (1.1, (1.1, 1.5))
    ),
    _up((1, 2, 5), "linear", scale_factor=1.1),
    _up((1, 1, 1, 2), "bicubic", size=(3, 4)),
    _up((1, 2, 3, 4, 2), "trilinear", scale_factor=2),
    _up((1, 2, 3, 4, 2), "trilinear", size=(2, 5, 3), align_corners=True),
    _up((1, 2, 3, 4, 2), "trilinear", size=(2, 5, 3), align_corners=False),
)
TWO_DIMS = tuple(
    case
    for name in ("UpsamplingNearest2d", "UpsamplingBilinear2d")
    for case in cases_of(
        name,
        *(({"size": size}, (2, 3, 4, 5)) for size in (2, 7, (3, 9), (4, 5), (1, 1))),
        *(({"scale_factor": by}, (1, 2, 5, 3)) for by in (2, 1.5, (0.5, 3), 1.0, 4)),
    )
)

PATCH_ARGUMENTS: tuple[Arguments, ...] = (
    {"kernel_size": 2},
    {"kernel_size": (2, 3)},
    {"kernel_size": 2, "stride": 2},
    {"kernel_size": 3, "padding": 1},
    {"kernel_size": 2, "dilation": 2},
    {"kernel_size": (3, 2), "stride": (1, 2), "padding": (2, 0), "dilation": (1, 2)},
    {"kernel_size": 1, "stride": 3},
    {"kernel_size": 3, "stride": 4, "padding": 2},
    {"kernel_size": (5, 6)},
    {"kernel_size": (1, 4), "dilation": (3, 1), "padding": (1, 1)},
)


def _windows(arguments: Arguments) -> int:
    """How many there are in an image of 5 by 6."""
    count = 1
    for i, size in enumerate((5, 6)):
        kernel, stride, padding, dilation = (
            value if isinstance(value, int) else value[i]
            for value in (
                arguments.get(key, default)
                for key, default in (
                    ("kernel_size", 1),
                    ("stride", 1),
                    ("padding", 0),
                    ("dilation", 1),
                )
            )
        )
        count *= (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1
    return count


def _elements(arguments: Arguments) -> int:
    size = arguments["kernel_size"]
    return size * size if isinstance(size, int) else size[0] * size[1]


FOLD = (
    *cases_of(
        "Unfold",
        *(
            (arguments, ((2, 3) if i % 3 else (3,)) + (5, 6))
            for i, arguments in enumerate(PATCH_ARGUMENTS)
        ),
    ),
    *cases_of(
        "Fold",
        *(
            (
                {"output_size": (5, 6), **arguments},
                ((2,) if i % 3 else ())
                + (3 * _elements(arguments), _windows(arguments)),
            )
            for i, arguments in enumerate(PATCH_ARGUMENTS)
        ),
    ),
)
