"""Calls of the functions that resize, sample and pad."""

from typing import Any

from parity.proof.functional.cases.case import (
    INF,
    NAN,
    FunctionCase,
    Recipe,
    case,
    index,
    real,
    values,
)


def _interpolate(*shape: int, **args: Any) -> FunctionCase:
    return case("interpolate", input=real(*shape), **args)


# fmt: off
INTERPOLATE = (
    _interpolate(1, 2, 3, size=5),
    _interpolate(1, 2, 5, scale_factor=0.6),
    _interpolate(1, 2, 3, 2, scale_factor=2),
    _interpolate(1, 2, 3, 2, size=(4, 7)),
    _interpolate(1, 1, 2, 3, 2, scale_factor=(2.0, 1.0, 1.5)),
    _interpolate(1, 2, 4, scale_factor=1.3, recompute_scale_factor=True),
    _interpolate(1, 2, 4, scale_factor=1.3, recompute_scale_factor=False),
    _interpolate(1, 2, 7, size=3, mode="nearest-exact"),
    _interpolate(1, 2, 4, 5, scale_factor=(1.7, 0.6), mode="nearest-exact"),
    _interpolate(1, 1, 2, 3, 2, size=(3, 2, 5), mode="nearest-exact"),
    _interpolate(1, 2, 7, size=3, mode="area"),
    _interpolate(1, 2, 5, 4, size=(2, 6), mode="area"),
    _interpolate(1, 1, 3, 4, 3, scale_factor=0.7, mode="area"),
    _interpolate(1, 2, 3, size=7, mode="linear"),
    _interpolate(1, 2, 3, size=7, mode="linear", align_corners=True),
    _interpolate(1, 2, 5, scale_factor=1.3, mode="linear", align_corners=False,
                 note="the factor itself is the scale, not the ratio of the sizes"),
    _interpolate(1, 2, 5, scale_factor=1.3, mode="linear", recompute_scale_factor=True),
    _interpolate(1, 2, 5, size=1, mode="linear", align_corners=True),
    _interpolate(1, 2, 1, size=4, mode="linear", align_corners=True),
    _interpolate(1, 2, 3, 4, size=(5, 7), mode="bilinear"),
    _interpolate(1, 2, 3, 4, scale_factor=2, mode="bilinear", align_corners=True),
    _interpolate(1, 2, 6, 7, scale_factor=(0.5, 0.4), mode="bilinear"),
    _interpolate(1, 2, 6, 7, size=(3, 2), mode="bilinear", antialias=True),
    _interpolate(1, 2, 6, 7, scale_factor=0.45, mode="bilinear", antialias=True),
    _interpolate(1, 2, 6, 7, size=(3, 3), mode="bilinear", antialias=True,
                 align_corners=True),
    _interpolate(1, 2, 3, 3, size=(5, 2), mode="bilinear", antialias=True,
                 note="one side grows, the other shrinks"),
    _interpolate(1, 1, 4, 5, size=(7, 6), mode="bicubic"),
    _interpolate(1, 1, 4, 5, size=(7, 6), mode="bicubic", align_corners=True),
    _interpolate(1, 1, 6, 7, scale_factor=0.6, mode="bicubic"),
    _interpolate(1, 1, 6, 7, size=(3, 4), mode="bicubic", antialias=True),
    _interpolate(1, 1, 2, 2, size=(5, 3), mode="bicubic", antialias=True),
    _interpolate(1, 1, 6, 7, size=(6, 7), mode="bicubic"),
    _interpolate(1, 1, 8, 9, size=(3, 4), mode="lanczos", antialias=True),
    _interpolate(1, 1, 2, 3, 4, size=(3, 5, 6), mode="trilinear"),
    _interpolate(1, 1, 2, 3, 4, scale_factor=1.5, mode="trilinear", align_corners=True),
    _interpolate(0, 1, 2, 3, size=(4, 4), mode="bilinear"),
    _interpolate(1, 1, 3, 3, scale_factor=(1.5, 1.5)),
    case("interpolate", input=values([[[1, INF, NAN, -1]]]), size=6, mode="linear"),
    case("interpolate", input=index(1, 2, 3, 4, size=256, dtype="uint8"), size=(2, 6)),
    case("upsample", input=real(1, 2, 3, 2), scale_factor=2, warns=True),
    case("upsample", input=real(1, 2, 3), size=5, mode="linear", align_corners=True,
         warns=True),
    case("upsample_nearest", input=real(1, 2, 3, 2), size=(4, 5), warns=True),
    case("upsample_nearest", input=real(1, 2, 3), scale_factor=2, warns=True),
    case("upsample_bilinear", input=real(1, 2, 3, 2), scale_factor=2, warns=True,
         note="corners are aligned"),
    case("upsample_bilinear", input=real(1, 2, 3, 2), size=(2, 5), warns=True),
)

# On the corners and the centre, between two pixels, just out of the image, far out.
POINTS = values([[[[-1, -1], [1, 1], [0, 0]], [[-0.5, 0.25], [1.1, -1.2], [0.3, -2.5]],
                  [[-3.7, 0.1], [0.2, 5], [0.75, -0.75]]]])
FAR = values([[[[1e4, 0], [0.5, -1e4]]]])
BEYOND = values([[[[NAN, 0], [INF, 0.5]], [[-INF, -0.5], [0.25, NAN]]]])
NEAR = values([[[[-1.01, 0.01], [0.49, 0.51], [0.1, -0.9]]]])
SOLID = values([[[[[-1, -1, -1], [1, 1, 1]], [[0.3, -0.4, 0.2], [1.3, 0.1, -1.4]]]]])
SAMPLE = (
    *(
        case("grid_sample", input=real(1, 2, 4, 5), grid=POINTS, mode=mode,
             padding_mode=padding, align_corners=align,
             gradients=("input",) if mode == "nearest" else None)
        for mode in ("bilinear", "nearest", "bicubic")
        for padding in ("zeros", "border", "reflection")
        for align in (True, False)
    ),
    case("grid_sample", input=real(1, 2, 4, 5), grid=NEAR, warns=True,
         note="align_corners is guessed: False"),
    case("grid_sample", input=real(2, 1, 3, 3), grid=Recipe((2, 2, 2, 2), "wide"),
         padding_mode="reflection", align_corners=False),
    *(
        case("grid_sample", input=real(1, 1, 3, 3), grid=FAR, padding_mode=padding,
             align_corners=align)
        for padding, align in (("zeros", True), ("border", False), ("reflection", True))
    ),
    case("grid_sample", input=real(1, 1, 3, 3), grid=BEYOND, padding_mode="border",
         align_corners=False, gradients=(),
         note="NaN counts as -1; PyTorch crashes on the gradient"),
    case("grid_sample", input=real(1, 1, 1, 1), grid=POINTS, align_corners=True,
         padding_mode="reflection", note="nothing to reflect in"),
    case("grid_sample", input=real(1, 2, 3, 3), grid=real(1, 0, 2, 2),
         align_corners=False),
    *(
        case("grid_sample", input=real(1, 2, 3, 4, 2), grid=SOLID, mode=mode,
             padding_mode=padding, align_corners=align)
        for mode, padding, align in (
            ("bilinear", "zeros", False),
            ("bilinear", "border", True),
            ("bilinear", "reflection", False),
            ("nearest", "zeros", True),
        )
    ),
    case("affine_grid", theta=real(2, 2, 3), size=(2, 3, 4, 5), align_corners=False),
    case("affine_grid", theta=real(1, 2, 3), size=(1, 1, 3, 2), align_corners=True),
    case("affine_grid", theta=real(1, 2, 3), size=[1, 1, 1, 2], align_corners=True,
         warns=True),
    case("affine_grid", theta=real(1, 2, 3), size=(1, 1, 1, 3), align_corners=False),
    case("affine_grid", theta=real(1, 2, 3), size=(1, 1, 2, 2), warns=True),
    case("affine_grid", theta=real(2, 3, 4), size=(2, 1, 2, 3, 2), align_corners=False),
    case("affine_grid", theta=real(1, 3, 4), size=(1, 1, 2, 1, 2), align_corners=True,
         warns=True),
)

PAD = (
    case("pad", input=real(2, 3), pad=(1, 2)),
    case("pad", input=real(2, 3), pad=[1, 2, 0, 1], value=5.0),
    case("pad", input=real(2, 3, 2), pad=(0, 0, 0, 0, 1, 0), mode="constant", value=-1),
    case("pad", input=real(2, 5), pad=(-1, -2), note="cuts off"),
    case("pad", input=real(2, 5), pad=(-1, 2, 1, -1), value=INF),
    case("pad", input=real(2, 3), pad=()),
    case("pad", input=real(0, 3), pad=(1, 1)),
    case("pad", input=real(0, 3), pad=(1, 1, 0, 2), value=3.0),
    case("pad", input=index(2, 3, size=9), pad=(1, 1), value=7),
    case("pad", input=values([[1, 0, 1]], "bool"), pad=(1, 1), value=True),
    case("pad", input=real(2, 4), pad=(2, 3), mode="reflect"),
    case("pad", input=real(1, 2, 4), pad=(3, 1), mode="reflect"),
    case("pad", input=real(2, 3, 4), pad=(1, 2, 2, 0), mode="reflect"),
    case("pad", input=real(1, 2, 3, 4), pad=(1, 2, 2, 0), mode="reflect"),
    case("pad", input=real(1, 2, 3, 3), pad=(1, 1, 1, 1, 1, 0), mode="reflect"),
    case("pad", input=real(1, 1, 2, 3, 3), pad=(1, 2, 2, 0, 1, 1), mode="reflect"),
    case("pad", input=real(2, 4), pad=(6, 3), mode="replicate"),
    case("pad", input=real(1, 2, 3, 4), pad=(1, 2, 4, 0), mode="replicate"),
    case("pad", input=real(1, 1, 2, 3, 3), pad=(1, 2, 3, 0, 1, 1), mode="replicate"),
    case("pad", input=real(1, 2, 4), pad=(-1, 2), mode="replicate"),
    case("pad", input=real(2, 4), pad=(4, 3), mode="circular"),
    case("pad", input=real(1, 2, 3, 4), pad=(1, 2, 3, 0), mode="circular"),
    case("pad", input=real(1, 2, 4), pad=(-1, 2), mode="circular"),
    case("pad", input=real(1, 1, 2, 3, 3), pad=(1, 2, 3, 0, 1, 1), mode="circular"),
)
# fmt: on

CASES = (*INTERPOLATE, *SAMPLE, *PAD)
