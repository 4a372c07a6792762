"""Polygons filled on a fine square canvas, then softened to the size of a pixel.

Only additions, multiplications, divisions and comparisons: the same pixels on every
machine, which sines or exponentials would not give.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from jaxtrain.data.dataset import Bytes

SIDE = 28
FINE = 4
"""Canvas points along one pixel."""

CANVAS = SIDE * FINE

Point: TypeAlias = tuple[float, float]
Part: TypeAlias = tuple[int, Sequence[Point]]
"""A shade from 0 to 255 and a polygon, in pixels from the middle, y downwards."""

_CENTRES = (np.arange(CANVAS) + 0.5) / FINE - SIDE / 2


def draw(parts: Sequence[Part]) -> Bytes:
    """Paint `parts` in turn, later ones over earlier ones; shape (CANVAS, CANVAS).

    >>> square = [(-7.0, -7.0), (7.0, -7.0), (7.0, 7.0), (-7.0, 7.0)]
    >>> int((draw([(200, square)]) == 200).sum() > 50 * 50)
    1
    """
    canvas = np.zeros((CANVAS, CANVAS), np.uint8)
    for shade, points in parts:
        canvas[_inside(points)] = shade
    return _softened(canvas)


def _inside(points: Sequence[Point]) -> npt.NDArray[np.bool_]:
    """Which canvas points lie in the polygon: an odd number of edges to their left."""
    start = np.array(points)[:, :, None]
    x0, y0 = start[:, 0], start[:, 1]
    x1, y1 = np.roll(x0, -1, 0), np.roll(y0, -1, 0)
    crosses = (y0 <= _CENTRES) != (y1 <= _CENTRES)
    slope = (x1 - x0) / np.where(y1 == y0, 1.0, y1 - y0)
    edge = np.where(crosses, x0 + (_CENTRES - y0) * slope, np.inf)
    odd: npt.NDArray[np.bool_] = np.logical_xor.reduce(
        edge[:, :, None] < _CENTRES, axis=0
    )
    return odd


def _softened(canvas: Bytes) -> Bytes:
    """Each point the mean over the pixel around it, so that any shift samples well."""
    wide = np.pad(canvas, FINE // 2).astype(np.uint16)
    total = np.zeros(canvas.shape, np.uint16)
    for down in range(FINE):
        for right in range(FINE):
            total += wide[down : down + CANVAS, right : right + CANVAS]
    return (total // FINE**2).astype(np.uint8)
