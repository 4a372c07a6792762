"""Where torchvision reads a rotated image, rounded as PyTorch rounds it."""

import jax
import jax.numpy as jnp


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
    return _unnormalized(v, height), _unnormalized(u, width)


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


def _unnormalized(coordinate: jax.Array, length: int) -> jax.Array:
    """(u + 1) L/2 - 1/2, the sum rounded, then the rest at once: a fused product."""
    high, low = _halves(coordinate + 1)
    half = jnp.asarray(length / 2, coordinate.dtype)
    return (high * half - 0.5) + low * half
