"""Activations made of straight pieces, and exponentials below."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxtrain.nn.masks import draw_uniform
from jaxtrain.nn.shapes import check_size


@jax.custom_jvp
def with_slope(x: jax.Array, value: jax.Array, slope: jax.Array) -> jax.Array:
    """`value`, a function of x whose derivative is taken to be `slope`.

    Example:
        >>> import jax.numpy as jnp
        >>> float(jax.grad(lambda x: with_slope(x, x * x, jnp.float32(5)))(1.0))
        5.0
    """
    return value


@with_slope.defjvp
def _tangent(primals: Any, tangents: Any) -> tuple[jax.Array, jax.Array]:
    _, value, slope = primals
    return value, slope * tangents[0]


def relu(input: jax.Array, inplace: bool = False) -> jax.Array:
    """y = max(x, 0), with gradient 0 at x = 0.

    PyTorch: `torch.nn.functional.relu`.

    Example:
        >>> relu(jnp.array([-1.0, 2.0]))
        Array([0., 2.], dtype=float32)
    """
    # Of a NaN the slope is 1, as in `threshold_backward`; that of `jax.nn.relu` is 0.
    return jnp.where(input <= 0, 0, input)


def leaky_relu(
    input: jax.Array, negative_slope: float = 0.01, inplace: bool = False
) -> jax.Array:
    """y = x where x > 0, negative_slope · x elsewhere.

    PyTorch: `torch.nn.functional.leaky_relu`.

    Example:
        >>> leaky_relu(jnp.array([-1.0, 2.0]), 0.5)
        Array([-0.5,  2. ], dtype=float32)
    """
    # At 0 the slope is the lower half's: `leaky_relu_backward`.
    return jnp.where(input > 0, input, negative_slope * input)


def prelu(input: jax.Array, weight: jax.Array) -> jax.Array:
    """y = x where x > 0, weight · x elsewhere.

    Args:
        input: of any shape.
        weight: () or (1,), or one slope for each entry of dimension 1.

    Raises:
        ValueError: dimension 1 has not one entry for each of several slopes (an input
            of fewer than two dimensions counts as one entry).

    PyTorch: `torch.nn.functional.prelu`.

    Example:
        >>> prelu(jnp.array([-1.0, 2.0]), jnp.array([0.25]))
        Array([-0.25,  2.  ], dtype=float32)
    """
    slope = jnp.asarray(weight)
    if slope.size == 1:
        slope = slope.reshape(())
    else:
        batched = input if input.ndim > 1 else input.reshape(1, 1)
        check_size(f"PReLU({slope.size})", batched, 1, slope.size)
        slope = slope.reshape(-1, *[1] * (input.ndim - 2))  # (C, 1, …)
    return jnp.where(input > 0, input, slope * input)


def rrelu(
    input: jax.Array,
    lower: float = 1.0 / 8,
    upper: float = 1.0 / 3,
    training: bool = False,
    inplace: bool = False,
) -> jax.Array:
    """y = x where x > 0, r · x elsewhere, r drawn from U(lower, upper) in training.

    Otherwise r = (lower + upper) / 2. See `nn.RReLU` on where r comes from.

    Raises:
        ValueError: lower > upper; slopes are to come from the host's generator inside a
            compiled function.

    PyTorch: `torch.nn.functional.rrelu`.

    Example:
        >>> rrelu(jnp.array([-1.0, 2.0]), 0.0, 1.0)
        Array([-0.5,  2. ], dtype=float32)
    """
    check_slopes(lower, upper)
    if not training:
        slope = (lower + upper) / 2
        return jnp.where(input > 0, input, slope * input)
    slopes = draw_uniform(input, input <= 0, lower, upper)
    return jnp.where(input <= 0, slopes * input, input)


def check_slopes(lower: float, upper: float) -> None:
    """Let the ends of RReLU's slopes pass that are in their order.

    Example:
        >>> check_slopes(0.0, 1.0)
    """
    if lower > upper:
        raise ValueError(f"RReLU needs lower <= upper, got {lower} > {upper}")


def elu(input: jax.Array, alpha: float = 1.0, inplace: bool = False) -> jax.Array:
    """y = x where x > 0, alpha (exp x - 1) elsewhere.

    PyTorch: `torch.nn.functional.elu`.

    Example:
        >>> elu(jnp.array([-1.0, 2.0]))
        Array([-0.63212055,  2.        ], dtype=float32)
    """
    return _exponential(input, jax.nn.elu(input, alpha), alpha, 1.0)


def celu(input: jax.Array, alpha: float = 1.0, inplace: bool = False) -> jax.Array:
    """y = max(x, 0) + min(alpha (exp(x / alpha) - 1), 0).

    Raises:
        ValueError: alpha is 0.

    PyTorch: `torch.nn.functional.celu`.

    Example:
        >>> celu(jnp.array([-1.0, 2.0]), 0.5)
        Array([-0.43233237,  2.        ], dtype=float32)
    """
    check_alpha(alpha)
    # The unused branch may not overflow: its infinity would spoil the gradient.
    below = jnp.where(input > 0, 0, input)
    value = jnp.where(input > 0, input, alpha * jnp.expm1(below / alpha))
    # PyTorch's slope takes the float32 of alpha, whatever the type.
    rate = 1 / float(np.float32(alpha))
    slope = alpha * rate * jnp.exp(below * rate)
    return with_slope(input, value, jnp.where(input <= 0, slope, 1))


def check_alpha(alpha: float) -> None:
    """Let an alpha of CELU pass that is not 0.

    Example:
        >>> check_alpha(1.0)
    """
    if alpha == 0:
        raise ValueError(f"CELU divides by alpha, got alpha={alpha}")


def selu(input: jax.Array, inplace: bool = False) -> jax.Array:
    """y = 1.0507 x where x > 0, 1.0507 · 1.6733 (exp x - 1) elsewhere.

    PyTorch: `torch.nn.functional.selu`.

    Example:
        >>> selu(jnp.array([-1.0, 2.0]))
        Array([-1.1113307,  2.101402 ], dtype=float32)
    """
    return _exponential(input, jax.nn.selu(input), _SELU * _SELU_ALPHA, _SELU)


_SELU, _SELU_ALPHA = 1.0507009873554805, 1.6732632423543772


def _exponential(
    x: jax.Array, value: jax.Array, below: float, above: float
) -> jax.Array:
    """A value with the slopes below · exp x, and above where x > 0."""
    # The slope by the value itself, exp x - 1 + 1, would cancel far below.
    slope = below * jnp.exp(jnp.minimum(x, 0))
    return with_slope(x, value, jnp.where(x <= 0, slope, above))


def threshold(
    input: jax.Array, threshold: float, value: float, inplace: bool = False
) -> jax.Array:
    """y = x where x > threshold, value elsewhere.

    PyTorch: `torch.nn.functional.threshold`.

    Example:
        >>> threshold(jnp.array([1.0, 2.0]), 1.0, 9.0)
        Array([9., 2.], dtype=float32)
    """
    return jnp.where(input <= threshold, value, input)


def hardtanh(
    input: jax.Array,
    min_val: float = -1.0,
    max_val: float = 1.0,
    inplace: bool = False,
) -> jax.Array:
    """y = min(max(x, min_val), max_val), with gradient 0 at both bounds.

    Raises:
        ValueError: min_val > max_val.

    PyTorch: `torch.nn.functional.hardtanh`.

    Example:
        >>> hardtanh(jnp.array([-2.0, 0.5]))
        Array([-1. ,  0.5], dtype=float32)
    """
    if min_val > max_val:
        raise ValueError(f"hardtanh needs min_val <= max_val: {min_val}, {max_val}")
    return _clip(input, min_val, max_val)


def relu6(input: jax.Array, inplace: bool = False) -> jax.Array:
    """y = min(max(x, 0), 6), with gradient 0 at both bounds.

    PyTorch: `torch.nn.functional.relu6`.

    Example:
        >>> relu6(jnp.array([-1.0, 7.0]))
        Array([0., 6.], dtype=float32)
    """
    return _clip(input, 0.0, 6.0)


_SIXTH = float(np.float32(1 / 6))


def hardsigmoid(input: jax.Array, inplace: bool = False) -> jax.Array:
    """y = min(max(x + 3, 0), 6) / 6.

    PyTorch: `torch.nn.functional.hardsigmoid`.

    Example:
        >>> hardsigmoid(jnp.array([-4.0, 0.0]))
        Array([0. , 0.5], dtype=float32)
    """
    ramp = _clip(input, -3.0, 3.0)
    # PyTorch's slope is the float32 of 1/6, whatever the type.
    return with_slope(ramp, (ramp + 3) / 6, jnp.asarray(_SIXTH, ramp.dtype))


def hardswish(input: jax.Array, inplace: bool = False) -> jax.Array:
    """y = x · min(max(x + 3, 0), 6) / 6.

    PyTorch: `torch.nn.functional.hardswish`.

    Example:
        >>> hardswish(jnp.array([-4.0, 3.0]))
        Array([-0.,  3.], dtype=float32)
    """
    # The unused branch may not overflow: its infinity would spoil the gradient.
    inner = jnp.where(jnp.abs(input) < 3, input, 0)
    middle = inner * (inner + 3) / 6
    # 0 · x, not 0: its sign, and its NaN for -∞, are PyTorch's.
    return jnp.where(input <= -3, 0 * input, jnp.where(input < 3, middle, input))


def _clip(input: jax.Array, low: float, high: float) -> jax.Array:
    if jnp.issubdtype(input.dtype, jnp.integer):
        return jnp.clip(input, int(low), int(high))
    # Slope 0 at both bounds, as in `hardtanh_backward`; that of `jnp.clip` is 1/2.
    inside = (input > low) & (input < high)
    return jnp.where(inside, input, jax.lax.stop_gradient(jnp.clip(input, low, high)))
