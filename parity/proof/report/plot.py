"""Line charts as SVG, coloured by the page they stand in."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 540, 270
LEFT, RIGHT, TOP, BOTTOM = 64, 14, 34, 42
MOST = 600
"""Points in a line: about one for each pixel."""


@dataclass(frozen=True)
class Line:
    """One curve; `style` is a class of the page's style sheet."""

    label: str
    style: str
    x: Sequence[float]
    y: Sequence[float]
    dots: bool = False
    """Marks at the points and no line between them."""
    low: Sequence[float] | None = None
    """The lower edge, where it is a band of which `y` is the upper one."""


@dataclass(frozen=True)
class Scale:
    """Places of numbers along an axis."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        """Where a number lies, in the picture's units.

        Example:
            >>> Scale(0, 10, 100, 200)(5), Scale(1e-4, 1.0, 0, 80, log=True)(1e-2)
            (150.0, 40.0)
        """
        low, high = self._of(self.low), self._of(self.high)
        part = (self._of(value) - low) / ((high - low) or 1.0)
        return self.start + part * (self.end - self.start)

    def _of(self, value: float) -> float:
        return math.log10(value) if self.log else value


def ticks(low: float, high: float, log: bool = False) -> list[float]:
    """Round numbers from `low` to `high`, some four to eight of them.

    Example:
        >>> ticks(0.0, 938.0), ticks(1e-8, 1e-4, log=True)
        ([0.0, 200.0, 400.0, 600.0, 800.0], [1e-08, 1e-07, 1e-06, 1e-05, 0.0001])
    """
    if log:
        first, last = math.ceil(math.log10(low)), math.floor(math.log10(high))
        every = max((last - first) // 6, 1)
        return [10.0**power for power in range(first, last + 1, every)]
    span = high - low
    if not span > 0:
        return [low]
    size = 10.0 ** math.floor(math.log10(span / 4))
    step = next(size * k for k in (1, 2, 5, 10) if span / (size * k) <= 6)
    return [step * n for n in range(math.ceil(low / step), math.floor(high / step) + 1)]


def thinned(
    x: Sequence[float], y: Sequence[float], of: Callable[[Sequence[float]], float]
) -> tuple[list[float], list[float]]:
    """At most `MOST` points: neighbours become one, `of` them all at their first place.

    Example:
        >>> points, values = thinned(range(1200), range(1200), max)
        >>> len(points), values[0]
        (600, 1)
    """
    size = -(-len(x) // MOST) or 1
    starts = range(0, len(x), size)
    return [x[i] for i in starts], [of(y[i : i + size]) for i in starts]


def chart(
    title: str,
    x_label: str,
    lines: Sequence[Line],
    log: bool = False,
    whole: bool = False,
) -> str:
    """One picture. Values that are not finite, or not positive on a log axis, have no
    place in it and are left out.

    Args:
        title: said to those who do not see it, too.
        x_label: what goes from left to right.
        lines: drawn one over another, the first at the bottom.
        log: whether y is logarithmic.
        whole: whether x counts something.
    """
    drawn = [_drawable(line, log) for line in lines]
    xs = [x for line in drawn for x in line.x] or [0.0, 1.0]
    ys = [y for line in drawn for y in (*line.y, *_edge(line, log))] or [1.0]
    # A single place is in the middle.
    edge = 0.5 if min(xs) == max(xs) else 0.0
    across = Scale(min(xs) - edge, max(xs) + edge, LEFT, WIDTH - RIGHT)
    up = Scale(*_room(min(ys), max(ys), log), HEIGHT - BOTTOM, TOP, log)
    parts = [*_grid(across, up, whole), *(_curve(line, across, up) for line in drawn)]
    parts += _legend(drawn)
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(_text(middle, HEIGHT - 6, x_label, "middle"))
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">'
        f"<title>{escape(title)}</title>{''.join(parts)}</svg>"
    )


def _drawable(line: Line, log: bool) -> Line:
    held = [i for i, y in enumerate(line.y) if _has_place(y, log)]
    x, y = [line.x[i] for i in held], [line.y[i] for i in held]
    low = None if line.low is None else [line.low[i] for i in held]
    return Line(line.label, line.style, x, y, line.dots, low)


def _has_place(value: float, log: bool) -> bool:
    return math.isfinite(value) and (value > 0 or not log)


def _edge(line: Line, log: bool) -> list[float]:
    """The places of a band's lower edge; a zero on a log axis has none."""
    return [low for low in line.low or () if _has_place(low, log)]


def _room(low: float, high: float, log: bool) -> tuple[float, float]:
    """A little more than the values take."""
    if log:
        return low / 2, high * 2
    edge = 0.06 * (high - low) or abs(high) * 0.1 or 1.0
    return low - edge, high + edge


def _grid(across: Scale, up: Scale, whole: bool) -> list[str]:
    parts = []
    for value in ticks(up.low, up.high, up.log):
        y = up(value)
        parts.append(
            f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" '
            f'y1="{y:.1f}" y2="{y:.1f}"/>'
        )
        label = f"{value:.0e}" if up.log else f"{value:.4g}"
        parts.append(_text(LEFT - 7, y + 4, label, "end"))
    for value in ticks(across.low, across.high):
        if not whole or value == int(value):
            label = f"{value:,.0f}" if value == int(value) else f"{value:g}"
            parts.append(_text(across(value), HEIGHT - BOTTOM + 17, label, "middle"))
    return parts


def _curve(line: Line, across: Scale, up: Scale) -> str:
    places = [(across(x), up(y)) for x, y in zip(line.x, line.y, strict=True)]
    if line.low is not None:
        edge = [max(low, up.low) for low in line.low]
        lower = [(across(x), up(y)) for x, y in zip(line.x, edge, strict=True)]
        outline = _points([*places, *reversed(lower)])
        return f'<polygon class="band {line.style}" points="{outline}"/>'
    if line.dots:
        circles = (f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.2"/>' for x, y in places)
        return f'<g class="dots {line.style}">{"".join(circles)}</g>'
    return f'<polyline class="line {line.style}" points="{_points(places)}"/>'


def _points(places: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in places)


def _legend(lines: Sequence[Line]) -> list[str]:
    parts, x = [], float(LEFT)
    for line in lines:
        parts += [_sample(line, x), _text(x + 28, 20, line.label, "start")]
        x += 48 + 6.6 * len(line.label)
    return parts


def _sample(line: Line, x: float) -> str:
    if line.low is not None:
        return (
            f'<rect class="band {line.style}" x="{x}" y="11" width="22" height="10"/>'
        )
    if line.dots:
        return f'<g class="dots {line.style}"><circle cx="{x + 11}" cy="16" r="3"/></g>'
    return f'<line class="line {line.style}" x1="{x}" x2="{x + 22}" y1="16" y2="16"/>'


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
