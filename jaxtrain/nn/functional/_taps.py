"""Which elements an output reads where images are resized, and how much of each."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

CUBIC = -0.75
"""The free number of the cubic; Pillow and `jax.image` have -0.5."""


class Taps(NamedTuple):
    """What the outputs along one dimension read, each (outputs, elements)."""

    positions: np.ndarray
    weights: np.ndarray


def step(
    size: int, count: int, factor: float | None, align_corners: bool, kind: Any
) -> Any:
    """Distance of the places that two neighbouring outputs read, a scalar of `kind`.

    Args:
        size: of the input.
        count: of the output.
        factor: by which the size was to grow, if it was given.
        align_corners: whether the first and last elements stay where they are.
        kind: NumPy's type of the computation.

    Example:
        >>> step(4, 8, None, False, np.float32), step(3, 5, None, True, np.float32)
        (np.float32(0.5), np.float32(0.5))
    """
    if align_corners:
        return kind(size - 1) / kind(count - 1) if count > 1 else kind(0)
    # The reciprocal is the host's, rounded once: `compute_scales_value`.
    return kind(1 / factor) if factor else kind(size) / kind(count)


def nearest(size: int, count: int, factor: float | None, exact: bool) -> Taps:
    """One element for each output: the one at, or around, its place.

    Example:
        >>> nearest(2, 4, None, exact=False).positions.T
        array([[0, 0, 1, 1]])
    """
    # float32 whatever the type: `nearest_idx` in ATen/native/UpSample.h.
    scale = step(size, count, factor, False, np.float32)
    places = np.arange(count, dtype=np.float32)
    index = np.floor((places + np.float32(0.5) * exact) * scale).astype(int)
    return Taps(index.clip(0, size - 1)[:, None], np.ones((count, 1), np.float32))


def linear(
    size: int, count: int, factor: float | None, align_corners: bool, kind: Any
) -> Taps:
    """Two neighbours, weighed by how near they are.

    Example:
        >>> linear(2, 3, None, True, np.float32).weights
        array([[1. , 0. ],
               [0.5, 0.5],
               [1. , 0. ]], dtype=float32)
    """
    # PyTorch copies then, whatever the factor was.
    if size == count:
        first, rest = np.arange(count), np.zeros(count, kind)
    else:
        # Not so in `cubic`, which reads elements before the first: UpSample.h.
        places = _places(size, count, factor, align_corners, kind).clip(0, None)
        first = places.astype(int).clip(0, size - 1)
        rest = (places - first.astype(kind)).clip(0, 1)
    second = np.minimum(first + 1, size - 1)
    return Taps(np.stack([first, second], 1), np.stack([kind(1) - rest, rest], 1))


def cubic(
    size: int, count: int, factor: float | None, align_corners: bool, kind: Any
) -> Taps:
    """Four neighbours, weighed by Keys' cubic convolution with a = -0.75.

    Reference: Keys 1981, doi.org/10.1109/TASSP.1981.1163711

    Example:
        >>> cubic(4, 2, None, False, np.float32).weights[0]
        array([-0.09375,  0.59375,  0.59375, -0.09375], dtype=float32)
    """
    places = _places(size, count, factor, align_corners, kind)
    # `guard_index_and_lambda` of UpSample.h.
    first = np.floor(places).astype(int).clip(None, size - 1)
    rest = (places - first.astype(kind)).clip(0, 1)
    positions = first[:, None] + np.arange(-1, 3)
    return Taps(positions.clip(0, size - 1), _keys(rest))


def _places(
    size: int, count: int, factor: float | None, align_corners: bool, kind: Any
) -> np.ndarray:
    scale = step(size, count, factor, align_corners, kind)
    outputs = np.arange(count, dtype=kind)
    if align_corners:
        return outputs * scale
    return scale * (outputs + kind(0.5)) - kind(0.5)


def _keys(t: np.ndarray) -> np.ndarray:
    a = t.dtype.type(CUBIC)

    def near(x: np.ndarray) -> np.ndarray:
        return ((a + 2) * x - (a + 3)) * x * x + 1

    def far(x: np.ndarray) -> np.ndarray:
        return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a

    # Keys' two pieces, by PyTorch's Horner forms.
    return np.stack([far(t + 1), near(t), near(1 - t), far(2 - t)], 1)


def scale_size(size: int, factor: float) -> int:
    """⌊size · factor⌋.

    Example:
        >>> scale_size(5, 1.5)
        7
    """
    return math.floor(size * factor)


def smoothed(
    size: int,
    count: int,
    factor: float | None,
    align_corners: bool,
    kind: Any,
    reach: int,
    curve: Callable[[np.ndarray], np.ndarray],
) -> Taps:
    """As many neighbours as an output stands for, weighed by a curve: antialiasing.

    Args:
        size: of the input.
        count: of the output.
        factor: by which the size was to grow, if it was given.
        align_corners: whether the first and last elements stay where they are.
        kind: NumPy's type of the computation.
        reach: of the curve, to either side.
        curve: the weight at a distance.

    Example:
        >>> smoothed(4, 2, None, False, np.float32, 1, triangle).weights[0].round(3)
        array([0.429, 0.429, 0.143], dtype=float32)
    """
    scale = step(size, count, factor, align_corners, kind)
    shrinks = scale >= 1
    support = kind(reach) * scale if shrinks else kind(reach)
    inverse = kind(1) / scale if shrinks else kind(1)
    # `_compute_indices_min_size_weights_aa` of ATen's UpSampleKernel.cpp.
    centre = scale * (np.arange(count, dtype=kind) + kind(0.5))
    first = np.maximum((centre - support + kind(0.5)).astype(int), 0)
    end = np.minimum((centre + support + kind(0.5)).astype(int), size)
    positions = first[:, None] + np.arange(int((end - first).max()))
    distance = (positions - centre[:, None] + kind(0.5)) * inverse
    weights = np.where(positions < end[:, None], curve(distance.astype(kind)), 0)
    total = weights.sum(1, keepdims=True)
    share = weights / np.where(total == 0, 1, total)
    return Taps(positions.clip(0, size - 1), share.astype(kind))


def triangle(x: np.ndarray) -> np.ndarray:
    """1 - |x|, and 0 from 1 on.

    Example:
        >>> triangle(np.array([0.25, -2.0]))
        array([0.75, 0.  ])
    """
    return np.maximum(1 - np.abs(x), 0)


def bump(x: np.ndarray) -> np.ndarray:
    """Keys' cubic with a = -0.5, PyTorch's where it smooths, as Pillow's.

    Example:
        >>> bump(np.array([0.0, 0.5, 2.0]))
        array([1.    , 0.5625, 0.    ])
    """
    x, a = np.abs(x), -0.5
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = ((x - 5) * x + 8) * x * a - 4 * a
    return np.where(x < 1, near, np.where(x < 2, far, 0))


def lanczos(x: np.ndarray) -> np.ndarray:
    """sinc(x) sinc(x / 3), and 0 from 3 on.

    Example:
        >>> lanczos(np.array([0.0, 3.5]))
        array([1., 0.])
    """
    return np.where(np.abs(x) < 3, np.sinc(x) * np.sinc(x / 3), 0)
