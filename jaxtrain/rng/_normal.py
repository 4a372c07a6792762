"""Normals as PyTorch's vectorised Box-Muller makes them, one rounding at a time."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from jaxtrain.rng._integers import pieces

Float32s = NDArray[np.float32]
Float64s = NDArray[np.float64]

# Where float32 drops the low 29 bits of a float64, this pattern lies half way.
_LOW_BITS = np.int64(0x1FFFFFFF)
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
    ties = (total.view(np.int64) & _LOW_BITS) == _HALF_WAY
    if ties.any():
        total[ties] = _odd_sum(product[ties], addend[ties])
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
    # Where nothing is added one product is all; an infinity has no parts to add up.
    if shift == 0 or not math.isfinite(scale + shift):
        product = x * scale
        # A product too small for float64 keeps its sign: it was not rounded to zero yet
        # when the shift was added.
        zero = (product == 0) & (x != 0) & (scale != 0)
        return np.where(zero, product, product + shift)
    # A power of two aside, so that no partial product overflows.
    exponent = math.frexp(max(abs(scale), abs(shift)))[1]
    product, rest = _two_product(x, math.ldexp(scale, -exponent))
    # Their theorem: the sum is RN(vh + RO(tl + vl)) with th + tl = shift + the
    # product's rest and vh + vl = the product + th, both exactly.
    low, error = two_sum(np.full_like(rest, math.ldexp(shift, -exponent)), rest)
    high, middle = two_sum(product, low)
    return np.ldexp(high + _odd_sum(middle, error), exponent)


def _two_product(x: Float64s, y: float) -> tuple[Float64s, Float64s]:
    """The rounded product and what the rounding lost, exactly (Dekker)."""
    product = x * y
    x_high, x_low = _halves(x)
    y_high, y_low = _halves(np.float64(y))
    # In this order every sum is exact.
    error = ((x_high * y_high - product) + x_high * y_low + x_low * y_high) + (
        x_low * y_low
    )
    return product, error


def _halves(x: Any) -> tuple[Any, Any]:
    """x as a sum of two values of at most 26 bits each (Veltkamp)."""
    # 27: half of float64's 53 digits, rounded up.
    product = x * np.float64(2**27 + 1)
    high = product - (product - x)
    return high, x - high


def _odd_sum(a: Float64s, b: Float64s) -> Float64s:
    """a + b rounded to odd: of the two neighbours of an inexact sum, the odd one.

    An odd last bit says "not exact, and on this side" to the rounding that follows.
    """
    # The integer of the same bits is odd where the last digit is.
    total, error = two_sum(a, b)
    even = (total.view(np.int64) & 1) == 0
    step = np.nextafter(total, np.copysign(np.inf, error))
    return np.where(even & (error != 0), step, total)


BLOCK = 16
_HALF = BLOCK // 2
_TWO_PI = 2 * math.pi

# The polynomials of Cephes (S. Moshier, netlib.org/cephes, single precision).
_LOG = np.array(
    [
        7.0376836292e-2,
        -1.1514610310e-1,
        1.1676998740e-1,
        -1.2420140846e-1,
        1.4249322787e-1,
        -1.6668057665e-1,
        2.0000714765e-1,
        -2.4999993993e-1,
        3.3333331174e-1,
    ],
    np.float32,
)
_COS = np.array(
    [2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2], np.float32
)
_SIN = np.array([-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1], np.float32)
# ln 2 and π/4 in parts whose products with small integers stay exact.
_LN2_HIGH, _LN2_LOW = np.float32(0.693359375), np.float32(-2.12194440e-4)
_QUARTER_PI = np.array(
    [0.78515625, 2.4187564849853515625e-4, 3.77489497744594108e-8], np.float32
)
_SQRT_HALF = np.float32(math.sqrt(0.5))
_FOUR_OVER_PI = np.float32(4 / math.pi)


def normals_one_by_one(u: Float64s) -> Float64s:
    """Standard normals of uniforms in [0, 1), pair by pair: cos, sin, cos, sin, ...

    Here the angle comes first and the radius second, unlike in the blocks.

    Args:
        u: an even number of uniforms, (2k,).

    Example:
        >>> normals_one_by_one(np.array([0.0, 0.5]))
        array([1.17741002, 0.        ])
    """
    radius = np.sqrt(-2.0 * _libm(math.log1p, -u[1::2]))
    angle = _TWO_PI * u[0::2]
    # ATen/core/DistributionsHelper.h: the cosine is
    # handed out, the sine waits for the next.
    pairs = [radius * _libm(math.cos, angle), radius * _libm(math.sin, angle)]
    return np.stack(pairs, axis=1).reshape(-1)


def uniforms(draw: Callable[[int], NDArray], count: int) -> NDArray:
    """The uniforms that `count` normals take, in whole blocks, (16k,).

    PyTorch fills the whole tensor first. If that leaves a block short, 16 more are
    drawn for the last 16 values.

    Example:
        >>> uniforms(lambda n: np.full(n, n), 20)[[0, 15, 16, 31]]
        array([20, 20, 16, 16])
    """
    u = draw(count)
    if count % BLOCK == 0:
        return u
    return np.concatenate([u[: count - count % BLOCK], draw(BLOCK)])


def lay_out(blocks: NDArray, count: int) -> NDArray:
    """`count` values of whole blocks, the last block over the last 16 values.

    Example:
        >>> lay_out(np.arange(32), 18)
        array([ 0,  1, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30,
               31])
    """
    return np.concatenate([blocks[: count - BLOCK], blocks[-BLOCK:]])


def normals64(u: Float64s, mean: float, std: float) -> Float64s:
    """Normals of uniforms in [0, 1), in blocks of 16, by the C library's functions.

    Args:
        u: uniforms, (16k,): in each block 8 radii, then 8 angles.

    Example:
        >>> normals64(np.zeros(16), 1.5, 1.0)[:2]
        array([1.5, 1.5])
    """
    first, second = _split(u)
    # [0, 1) becomes (0, 1], whose logarithm is finite.
    radius = np.sqrt(-2.0 * _libm(math.log, 1.0 - first))
    angle = _TWO_PI * second
    halves = [radius * _libm(math.cos, angle), radius * _libm(math.sin, angle)]
    return multiply_add64(_join(halves), std, mean)


def normals32(u: Float32s, mean: float, std: float) -> Float32s:
    """Normals of uniforms in [0, 1), in blocks of 16, by the AVX2 kernel's arithmetic.

    Args:
        u: uniforms, (16k,): in each block 8 radii, then 8 angles.

    Example:
        >>> normals32(np.zeros(16, np.float32), 1.5, 1.0)[:2]
        array([1.5, 1.5], dtype=float32)
    """
    values = np.empty_like(u)
    for part in pieces(u.size):
        normals = _standard_normals32(u[part])
        values[part] = multiply_add32(normals, np.float32(std), np.float32(mean))
    return values


def _standard_normals32(u: Float32s) -> Float32s:
    first, second = _split(u)
    # One rounding an operation, as the AVX2 kernel has them; 1 - u is exact.
    radius = np.sqrt(np.float32(-2) * _log32(np.float32(1) - first))
    sine, cosine = _sincos32(np.float32(_TWO_PI) * second)
    return _join([radius * cosine, radius * sine])


def _split(u: NDArray) -> tuple[NDArray, NDArray]:
    blocks = u.reshape(-1, 2, _HALF)
    return blocks[:, 0].reshape(-1), blocks[:, 1].reshape(-1)


def _join(halves: list[NDArray]) -> NDArray:
    return np.stack([half.reshape(-1, _HALF) for half in halves], axis=1).reshape(-1)


def _libm(function: Callable[[float], float], x: Float64s) -> Float64s:
    """`function` of each value by the C library, which PyTorch calls too.

    NumPy's own vectorised functions differ from it by an ulp here and there.
    """
    return np.fromiter(map(function, x.tolist()), np.float64, count=x.size)


def _horner32(coefficients: Float32s, x: Float32s) -> Float32s:
    value = np.full_like(x, coefficients[0])
    for coefficient in coefficients[1:]:
        value = multiply_add32(value, x, coefficient)
    return value


def _log32(u: Float32s) -> Float32s:
    """ln u for u in (0, 1], as ATen/native/cpu/avx_mathfun.h after contraction."""
    mantissa, exponent = np.frexp(u)
    # The mantissa is moved from [1/2, 1) to [sqrt(1/2), sqrt(2)), around 1, where the
    # polynomial holds: below sqrt(1/2) it is doubled and the exponent one less.
    below = mantissa < _SQRT_HALF
    x = np.where(below, mantissa, np.float32(0)) + (mantissa - np.float32(1))
    e = (exponent - below).astype(np.float32)
    z = x * x
    y = _horner32(_LOG, x) * x
    # Where two products meet in a sum, the compiler has fused the first. z/2 is exact.
    y = multiply_add32(y, z, e * _LN2_LOW) - z * np.float32(0.5)
    return multiply_add32(e, _LN2_HIGH, x + y)


def _sincos32(angle: Float32s) -> tuple[Float32s, Float32s]:
    """sin and cos of an angle >= 0, as avx_mathfun.h after contraction."""
    # To the next even octant, so that what is left is between -π/4 and π/4.
    octant = ((angle * _FOUR_OVER_PI).astype(np.int32) + 1) & ~1
    x = angle
    # Cody and Waite's reduction.
    for part in _QUARTER_PI:
        x = multiply_add32(octant.astype(np.float32), -part, x)
    z = x * x
    c = multiply_add32(z * _horner32(_COS, z), z, -(z * np.float32(0.5))) + np.float32(
        1
    )
    s = multiply_add32(x, z * _horner32(_SIN, z), x)
    # Of eight octants the sine is negative in 4 to 7 and the cosine in 2 to 5.
    swap = (octant & 2) != 0
    sine, cosine = np.where(swap, c, s), np.where(swap, s, c)
    return (
        np.where(octant & 4, -sine, sine),
        np.where((octant + 2) & 4, -cosine, cosine),
    )
