"""Arguments of transforms, and images sampled between pixels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Real
from typing import Any

import jax
import jax.numpy as jnp


def number(name: str, value: Any) -> float:
    """A finite number; a bool is none.

    Raises:
        TypeError: it is not a number.
        ValueError: it is infinite or NaN.

    Example:
        >>> number("fill", 1)
        1.0
    """
    if not isinstance(value, Real) or isinstance(value, bool):
        raise TypeError(f"{name} must be a number, got {value!r}")
    if not math.isfinite(value):
        raise ValueError(f"{name} must be finite, got {value!r}")
    return float(value)


def probability(name: str, value: Any) -> float:
    """A number of [0, 1], or `ValueError`.

    Example:
        >>> probability("p", 0.25)
        0.25
    """
    if not 0 <= number(name, value) <= 1:
        raise ValueError(f"{name} must be between 0 and 1, got {value!r}")
    return float(value)


def interval(name: str, value: Any) -> tuple[float, float]:
    """A pair (min, max), or `ValueError`.

    Example:
        >>> interval("scale", [0.02, 0.33])
        (0.02, 0.33)
    """
    if not is_sequence(value):
        raise TypeError(f"{name} must be a pair (min, max), got {value!r}")
    if len(value) != 2:
        raise ValueError(f"{name} must be a pair (min, max), got {value!r}")
    low, high = (number(name, bound) for bound in value)
    if low > high or math.isinf(high - low):
        raise ValueError(f"{name} must be a pair (min, max), got {value!r}")
    return low, high


def values(name: str, value: Any) -> tuple[float, ...]:
    """One number for all channels, or one for each.

    Example:
        >>> values("fill", 0), values("fill", (0.1, 0.2, 0.3))
        ((0.0,), (0.1, 0.2, 0.3))
    """
    if not is_sequence(value):
        return (number(name, value),)
    if not value:
        raise ValueError(f"{name} must be a number or one per channel, got {value!r}")
    return tuple(number(name, item) for item in value)


def integer_from(name: str, value: Any, least: int) -> int:
    """An integer from `least` on.

    Example:
        >>> integer_from("size", 28, least=1)
        28
    """
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{name} must be an integer, got {value!r}")
    if value < least:
        raise ValueError(f"{name} must be {least} or more, got {value!r}")
    return value


def is_sequence(value: Any) -> bool:
    """Whether it is a list, a tuple or the like, and no word.

    Example:
        >>> is_sequence((1, 2)), is_sequence("12")
        (True, False)
    """
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def source_positions(
    cos: jax.Array, sin: jax.Array, height: int, width: int
) -> tuple[jax.Array, jax.Array]:
    """Rows and columns, in pixels, that a rotation reads: two arrays (height, width).

    With x, y measured from the centre, u = x (cos/(W/2)) - y (sin/(W/2)) and
    v = x (sin/(H/2)) + y (cos/(H/2)) are the normalised coordinates, and the column is
    (u + 1) W/2 - 1/2. The roundings are those of torchvision's `_gen_affine_grid` and
    of PyTorch's vectorised `grid_sample` with `align_corners=False`. Where a CPU's
    matrix product contracts x·a + y·b, PyTorch is one rounding of u away.

    Args:
        cos: of the angle, a number in the type to compute in.
        sin: of the angle, counter-clockwise.
        height: of the image, in pixels.
        width: of the image, in pixels.

    Example:
        >>> rows, columns = source_positions(jnp.float32(0), jnp.float32(1), 2, 2)
        >>> rows[0].tolist(), columns[0].tolist()
        ([0.0, 1.0], [1.0, 1.0])
    """
    x = jnp.arange(width, dtype=cos.dtype) - (width - 1) / 2
    y = (jnp.arange(height, dtype=cos.dtype) - (height - 1) / 2)[:, None]
    # Of data, if only in name: a divisor that XLA knows becomes a factor 1 / divisor.
    half_width, half_height = width / 2 + 0 * cos, height / 2 + 0 * cos
    u = _product(x, cos / half_width) + _product(y, -sin / half_width)
    v = _product(x, sin / half_height) + _product(y, cos / half_height)
    return _to_pixels(v, height), _to_pixels(u, width)


def _halves(number: jax.Array) -> tuple[jax.Array, jax.Array]:
    """A number as the sum of two with half as many digits."""
    kind = jnp.finfo(number.dtype)
    high = jax.lax.reduce_precision(number, kind.nexp, kind.nmant // 2)
    return high, number - high


def _product(few_digits: jax.Array, number: jax.Array) -> jax.Array:
    """A product rounded once, whether or not the compiler contracts a·b + c.

    Both partial products are exact, so contraction changes nothing; and what is added
    to the result is added to a sum, which no compiler can contract.
    """
    high, low = _halves(number)
    return few_digits * high + few_digits * low


def _to_pixels(coordinate: jax.Array, length: int) -> jax.Array:
    """(u + 1) L/2 - 1/2, the sum rounded, then the rest at once: a fused product."""
    high, low = _halves(coordinate + 1)
    half = jnp.asarray(length / 2, coordinate.dtype)
    return (high * half - 0.5) + low * half
