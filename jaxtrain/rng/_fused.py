"""The fused multiply-add, a*b + c with one rounding, which NumPy has not got.

PyTorch's AVX2 kernels are compiled with contraction, so most of their products that
meet a sum are rounded once, not twice: of uniform weights in (-0.03, 0.03) half would
differ in the last bit without it.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Float32s = NDArray[np.float32]
Float64s = NDArray[np.float64]

# Where float32 drops the low 29 bits of a float64, this pattern lies half way.
_DROPPED = np.int64(0x1FFFFFFF)
_HALF_WAY = np.int64(0x10000000)


def two_sum(a: Float64s, b: Float64s) -> tuple[Float64s, Float64s]:
    """The rounded sum and what the rounding lost, exactly (Knuth).

    Example:
        >>> two_sum(np.array([1.0]), np.array([2.0**-60]))
        (array([1.]), array([8.67361738e-19]))
    """
    total = a + b
    back = total - a
    return total, (a - (total - back)) + (b - back)


def multiply_add32(a: ArrayLike, b: ArrayLike, c: ArrayLike) -> Float32s:
    """a * b + c of float32 values, rounded once to float32.

    The product is exact in float64. Its sum with c may not be, but that can change the
    final rounding only where the sum lies half way between two float32 values.

    Args:
        a, b: values of 24 bits; one of them an array of at least one dimension.
        c: float32 values, broadcast to the product's shape.

    Example:
        >>> third = np.full(1, 1 / 3, np.float32)
        >>> multiply_add32(third, third, -third * third)  # what one rounding lost
        array([-1.6556845e-09], dtype=float32)
    """
    product = np.multiply(a, b, dtype=np.float64)
    addend = np.broadcast_to(np.asarray(c, np.float64), product.shape)
    total = product + addend
    tied = (total.view(np.int64) & _DROPPED) == _HALF_WAY
    if tied.any():
        total[tied] = _odd_sum(product[tied], addend[tied])
    return total.astype(np.float32)


def multiply_add64(x: Float64s, scale: float, shift: float) -> Float64s:
    """x * scale + shift, rounded once to float64.

    By Boldo and Melquiond, "Emulation of a FMA and correctly rounded sums: proved
    algorithms using rounding to odd", IEEE Trans. Computers 57(4), 2008.

    Args:
        x: values of moderate size, such as uniforms and normals.

    Example:
        >>> multiply_add64(np.array([0.1]), 10.0, -1.0)  # 0.1 is not a tenth
        array([5.55111512e-17])
    """
    if shift == 0 or not math.isfinite(scale + shift):
        product = x * scale
        # A product too small for float64 keeps its sign: it was not rounded to zero yet
        # when the shift was added.
        lost = (product == 0) & (x != 0) & (scale != 0)
        return np.where(lost, product, product + shift)
    # A power of two aside, so that no partial product overflows.
    exponent = math.frexp(max(abs(scale), abs(shift)))[1]
    product, rest = _two_product(x, math.ldexp(scale, -exponent))
    low, lost = two_sum(np.full_like(rest, math.ldexp(shift, -exponent)), rest)
    high, middle = two_sum(product, low)
    return np.ldexp(high + _odd_sum(middle, lost), exponent)


def _two_product(x: Float64s, y: float) -> tuple[Float64s, Float64s]:
    """The rounded product and what the rounding lost, exactly (Dekker)."""
    product = x * y
    x_high, x_low = _halves(x)
    y_high, y_low = _halves(np.float64(y))
    lost = ((x_high * y_high - product) + x_high * y_low + x_low * y_high) + (
        x_low * y_low
    )
    return product, lost


def _halves(x: Any) -> tuple[Any, Any]:
    """x as a sum of two values of at most 26 bits each (Veltkamp)."""
    stretched = x * np.float64(2**27 + 1)
    high = stretched - (stretched - x)
    return high, x - high


def _odd_sum(a: Float64s, b: Float64s) -> Float64s:
    """a + b rounded to odd: of the two neighbours of an inexact sum, the odd one.

    An odd last bit says "not exact, and on this side" to the rounding that follows.
    """
    total, lost = two_sum(a, b)
    even = (total.view(np.int64) & 1) == 0
    step = np.nextafter(total, np.copysign(np.inf, lost))
    return np.where(even & (lost != 0), step, total)
