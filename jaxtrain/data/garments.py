"""Ten kinds of garment, drawn by code."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from jaxtrain.data.dataset import Bytes

SIDE = 28
FINE = 4
"""Canvas points along one pixel."""

CANVAS = SIDE * FINE

Vertex: TypeAlias = tuple[float, float]
Part: TypeAlias = tuple[int, Sequence[Vertex]]
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
        canvas[_interior(points)] = shade
    return _soften(canvas)


def _interior(points: Sequence[Vertex]) -> npt.NDArray[np.bool_]:
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


def _soften(canvas: Bytes) -> Bytes:
    """Each point the mean over the pixel around it, so that any shift samples well."""
    wide = np.pad(canvas, FINE // 2).astype(np.uint16)
    total = np.zeros(canvas.shape, np.uint16)
    for down in range(FINE):
        for right in range(FINE):
            total += wide[down : down + CANVAS, right : right + CANVAS]
    return (total // FINE**2).astype(np.uint8)


Vary: TypeAlias = Callable[[float, float], float]
"""A random number between two bounds."""


def t_shirt(vary: Vary) -> list[Part]:
    return [
        *_sleeves(vary, length=vary(3.0, 10.0), slope=vary(0.4, 0.9)),
        _body(vary, hem=vary(8.5, 11.5)),
        _neckline(vary, depth=vary(0.8, 3.5)),
        *_optional_parts(vary, 0.3, [(120, _box(-2.5, -4.0, 2.5, vary(-2.0, 1.0)))]),
    ]


def trouser(vary: Vary) -> list[Part]:
    waist, hip = vary(3.6, 4.8), vary(4.6, 5.8)
    outer, inner, crotch = vary(4.4, 6.4), vary(1.0, 2.4), vary(-5.0, -2.0)
    bottom = vary(11.0, 13.0)
    right = [(waist, -12.5), (hip, -7.0), (outer, bottom), (inner, bottom)]
    return [
        (235, _mirror([*right, (0.2, crotch)])),
        (180, _box(-waist, -12.5, waist, -11.0)),
        (150, _box(-0.3, -11.0, 0.3, crotch)),
    ]


def pullover(vary: Vary) -> list[Part]:
    hem, cuff = vary(8.5, 11.5), vary(0.0, 1.0) < 0.5
    return [
        *_sleeves(vary, length=vary(12.0, 19.0), slope=vary(0.16, 0.4), cuff=cuff),
        _body(vary, hem=hem),
        *_optional_parts(vary, 0.6, [(170, _box(-5.0, hem - 1.5, 5.0, hem))]),
        _neckline(vary, depth=vary(0.5, 3.0)),
    ]


def dress(vary: Vary) -> list[Part]:
    bust, waist, hem = vary(3.2, 5.0), vary(2.4, 3.8), vary(3.8, 8.5)
    middle = vary(-3.0, 1.0)
    right = [(3.2, -12.0), (bust, -7.0), (waist, middle), (hem, vary(10.5, 13.0))]
    sleeves = _sleeves(vary, length=vary(1.0, 16.0), slope=vary(0.2, 0.6), top=-11.5)
    return [
        *_optional_parts(vary, 0.5, sleeves),
        (235, _mirror([(1.6, -12.0), *right])),
        (180, _box(-waist, middle - 0.5, waist, middle + 0.5)),
        _neckline(vary, depth=vary(1.5, 4.0), top=-12.2),
    ]


def coat(vary: Vary) -> list[Part]:
    hem, lapel = vary(9.0, 13.0), vary(-7.0, 0.0)
    seam = int(vary(60.0, 200.0))
    collar = [(-2.6, -10.0), (-4.2, -7.0), (0.0, lapel), (4.2, -7.0), (2.6, -10.0)]
    buttons = [_box(1.0, y, 2.0, y + 1.0) for y in (lapel + 2.0, lapel + 5.0)]
    return [
        *_sleeves(vary, length=vary(12.0, 19.0), slope=vary(0.16, 0.4)),
        _body(vary, hem=hem),
        *_optional_parts(vary, 0.6, [(255, collar)]),
        (90, [(-1.6, -10.0), (0.0, lapel), (1.6, -10.0)]),
        (seam, _box(-0.4, lapel, 0.4, hem)),
        *_optional_parts(vary, 0.5, [(150, button) for button in buttons]),
        *_optional_parts(vary, 0.5, _pair(170, _box(2.5, 3.5, 5.0, 4.5))),
    ]


def sandal(vary: Vary) -> list[Part]:
    toe = vary(5.0, 7.5)
    heel, sole = toe - vary(0.5, 8.0), vary(1.0, 3.0)
    top = [(-12.0, toe), (-3.0, toe - 1.0), (4.0, heel), (12.0, heel)]
    bottom = [(x, y + sole) for x, y in reversed(top)]
    ankle = vary(-7.0, -2.0)
    return [
        (220, top + bottom),
        (210, [(12.0, heel), (8.5, heel + sole), (9.8, 9.0), (12.0, 9.0)]),
        (220, _band((-10.0, toe), (-5.0, vary(0.0, 3.0)), (-1.0, toe - 1.0))),
        (220, _band((-5.0, toe - 1.0), (0.0, vary(-2.0, 1.0)), (5.0, heel))),
        (235, _band((4.0, heel), (9.0, ankle), (11.8, heel))),
    ]


def shirt(vary: Vary) -> list[Part]:
    hem, seam = vary(8.5, 12.0), int(vary(100.0, 220.0))
    long = vary(0.0, 1.0) < 0.65
    length = vary(12.0, 19.0) if long else vary(3.0, 10.0)
    slope = vary(0.16, 0.4) if long else vary(0.4, 0.9)
    dots = [_box(-0.5, y, 0.5, y + 0.8) for y in (-5.0, -1.5, 2.0, 5.5)]
    return [
        *_sleeves(vary, length=length, slope=slope),
        _body(vary, hem=hem),
        _neckline(vary, depth=vary(0.8, 3.5)),
        *_optional_parts(
            vary, 0.7, _pair(255, [(-2.6, -10.5), (-3.6, -8.0), (-0.4, -7.0)])
        ),
        (seam, _box(-0.3, -7.0, 0.3, hem)),
        *_optional_parts(vary, 0.6, [(90, dot) for dot in dots]),
    ]


def sneaker(vary: Vary) -> list[Part]:
    ankle, throat, toe = vary(-4.5, -1.0), vary(-4.0, -1.0), vary(0.5, 3.0)
    sole = vary(4.0, 5.5)
    upper = [(-12.5, sole), (-12.0, toe), (-8.0, toe - 1.0), (throat, ankle)]
    stripe = vary(-3.0, 3.0)
    return [
        (230, [*upper, (4.0, ankle + 1.5), (11.0, ankle - 0.5), (12.0, sole)]),
        (235, _box(-12.8, sole, 12.5, sole + vary(1.2, 2.6))),
        (110, _slant(stripe, 0.0, 4.0)),
        *[(245, _box(x, y, x + 2.0, y + 0.7)) for x, y in ((-6, 0.5), (-4, -0.6))],
    ]


def bag(vary: Vary) -> list[Part]:
    top, wide, low = vary(-4.0, 0.0), vary(8.0, 11.0), vary(8.0, 12.0)
    grip, rise, flap = vary(3.0, 7.0), top - vary(4.0, 8.0), vary(2.0, 6.0)
    width = vary(1.0, 1.8)
    handle = [(grip, top), (grip, rise + 2.0), (grip - 2.0, rise)]
    hole = [(x - width, y + width) for x, y in handle]
    return [
        (205, _mirror(list(reversed(handle)))),
        (0, _mirror(list(reversed(hole)))),
        (235, _mirror([(wide, top), (wide + vary(-1.0, 1.5), low)])),
        (180, _mirror([(wide, top), (wide - 1.0, top + flap)])),
        (240, _box(-1.0, top + flap - 1.0, 1.0, top + flap + 1.0)),
    ]


def ankle_boot(vary: Vary) -> list[Part]:
    top, front = vary(-12.0, -6.0), vary(-1.0, 3.0)
    toe, sole = vary(1.5, 4.0), vary(6.0, 8.0)
    upper = [(-12.0, sole), (-11.0, toe), (-6.0, toe - 1.5), (front - 1.0, 0.0)]
    return [
        (230, [*upper, (front, top), (10.5, top), (11.5, sole)]),
        (110, _box(-12.3, sole, 11.8, sole + 1.2)),
        (110, _box(6.5, sole, 11.8, sole + vary(1.5, 4.5))),
        (180, _box(front, top, 10.5, top + 1.2)),
        (170, _box(5.0, top + 1.5, 7.0, -1.0)),
    ]


GARMENTS = (
    t_shirt,
    trouser,
    pullover,
    dress,
    coat,
    sandal,
    shirt,
    sneaker,
    bag,
    ankle_boot,
)
"""In the order of the classes of Fashion-MNIST."""


def _body(vary: Vary, hem: float) -> Part:
    chest, waist = vary(5.0, 6.0), vary(4.6, 6.2)
    right = [(2.4, -10.5), (6.6, -9.0), (chest, -4.0), (waist, hem)]
    return 235, _mirror(right)


def _sleeves(
    vary: Vary, length: float, slope: float, top: float = -9.5, cuff: bool = False
) -> list[Part]:
    """Two sleeves; `slope` is how far they go outwards for each pixel downwards."""
    width, down = vary(2.8, 3.8), length / (1.0 + slope * slope / 2.0)
    shoulder, hand = (5.0, top), (6.6 + slope * down, top + 1.0 + down)
    inner = (hand[0] - width, hand[1] + slope * width)
    right = [shoulder, (6.8, top + 0.7), hand, inner, (4.5, top + 5.0)]
    band = [
        hand,
        inner,
        (inner[0] - 0.2, inner[1] - 1.5),
        (hand[0] - 0.2, hand[1] - 1.5),
    ]
    shapes = [(190, right), *([(150, band)] if cuff else [])]
    return [part for shade, shape in shapes for part in _pair(shade, shape)]


def _neckline(vary: Vary, depth: float, top: float = -10.8) -> Part:
    sharp = vary(0.2, 1.6)
    return 0, _mirror([(2.3, top), (sharp, top + depth)])


def _optional_parts(vary: Vary, share: float, parts: list[Part]) -> list[Part]:
    """`parts` in that share of the garments, else nothing."""
    return parts if vary(0.0, 1.0) < share else []


def _pair(shade: int, shape: list[Vertex]) -> list[Part]:
    return [(shade, shape), (shade, [(-x, y) for x, y in shape])]


def _mirror(right: list[Vertex]) -> list[Vertex]:
    """The outline whose right half, from top to bottom, is given."""
    return right + [(-x, y) for x, y in reversed(right)]


def _box(left: float, top: float, right: float, bottom: float) -> list[Vertex]:
    return [(left, top), (right, top), (right, bottom), (left, bottom)]


def _slant(left: float, top: float, bottom: float) -> list[Vertex]:
    return [(left, top), (left + 1.6, top), (left + 3.2, bottom), (left + 1.6, bottom)]


def _band(
    start: Vertex, middle: Vertex, end: Vertex, width: float = 2.0
) -> list[Vertex]:
    """A strap that rises from the sole to `middle` and comes down again."""
    inner = [(x, y + width) for x, y in (end, middle, start)]
    inner[0], inner[2] = (end[0] - width, end[1]), (start[0] + width, start[1])
    return [start, middle, end, *inner]
