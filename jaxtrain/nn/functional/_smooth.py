"""Smooth and shrinking activations."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp

from jaxtrain.nn.functional._rectifiers import with_slope


def _real(x: jax.Array) -> jax.Array:
    # PyTorch makes float32 of integers, whatever their size.
    array = jnp.asarray(x)
    is_real = jnp.issubdtype(array.dtype, jnp.inexact)
    return array if is_real else array.astype(jnp.float32)


def sigmoid(input: jax.Array) -> jax.Array:
    """y = 1 / (1 + exp(-x)).

    PyTorch: `torch.nn.functional.sigmoid`.

    Example:
        >>> sigmoid(jnp.array([0.0, 1.0]))
        Array([0.5      , 0.7310586], dtype=float32)
    """
    return jax.nn.sigmoid(_real(input))


def logsigmoid(input: jax.Array) -> jax.Array:
    """y = -ln(1 + exp(-x)).

    PyTorch: `torch.nn.functional.logsigmoid`.

    Example:
        >>> logsigmoid(jnp.array([0.0, -100.0]))
        Array([  -0.6931472, -100.       ], dtype=float32)
    """
    return jax.nn.log_sigmoid(input)


def tanh(input: jax.Array) -> jax.Array:
    """y = tanh x.

    PyTorch: `torch.nn.functional.tanh`.

    Example:
        >>> tanh(jnp.array([0.0, 1.0]))
        Array([0.       , 0.7615942], dtype=float32)
    """
    return jnp.tanh(_real(input))


def softsign(input: jax.Array) -> jax.Array:
    """y = x / (1 + |x|).

    PyTorch: `torch.nn.functional.softsign`.

    Example:
        >>> softsign(jnp.array([0.0, 1.0]))
        Array([0. , 0.5], dtype=float32)
    """
    x = _real(input)
    share = 1 / (1 + jnp.abs(x))
    # A difference of two quotients would cancel far out; 0 · x is NaN of ∞, as y is.
    return with_slope(x, jax.nn.soft_sign(x), share * share + 0 * x)


def silu(input: jax.Array, inplace: bool = False) -> jax.Array:
    """y = x / (1 + exp(-x)).

    PyTorch: `torch.nn.functional.silu`.

    Example:
        >>> silu(jnp.array([0.0, 1.0]))
        Array([0.       , 0.7310586], dtype=float32)
    """
    return jax.nn.silu(input)


def mish(input: jax.Array, inplace: bool = False) -> jax.Array:
    """y = x · tanh(ln(1 + exp x)).

    PyTorch: `torch.nn.functional.mish`.

    Example:
        >>> mish(jnp.array([0.0, 1.0]))
        Array([0.        , 0.86509836], dtype=float32)
    """
    # With e = exp x, tanh(ln(1 + e)) is e (e + 2) / (e (e + 2) + 2). XLA's tanh is
    # too coarse near 1 for the derivative. From 20 on the ratio rounds to 1.
    e = jnp.exp(jnp.minimum(input, 20))
    odds = e * (e + 2)
    ratio = odds / (odds + 2)
    # NaN of ∞, as in PyTorch, which has 0 · ∞ there.
    straight = 1 + 0 * input
    slope = ratio + input * (4 * e * (e + 1) / jnp.square(odds + 2))
    return with_slope(input, input * ratio, jnp.where(input > 20, straight, slope))


def gelu(input: jax.Array, approximate: str = "none") -> jax.Array:
    """y = x · Φ(x), Φ the cumulative distribution of the standard normal.

    Args:
        input: x.
        approximate: `"none"`, or `"tanh"` for
            x/2 · (1 + tanh(sqrt(2/π) (x + 0.044715 x³))).

    Raises:
        ValueError: another `approximate`.

    PyTorch: `torch.nn.functional.gelu`. (`jax.nn.gelu` is the approximation by
    default.)

    Example:
        >>> gelu(jnp.array([1.0])), gelu(jnp.array([1.0]), approximate="tanh")
        (Array([0.8413447], dtype=float32), Array([0.841192], dtype=float32))
    """
    check_approximation(approximate)
    if approximate == "tanh":
        return _tanh_gelu(input)
    return jax.nn.gelu(input, approximate=False)


def check_approximation(approximate: str) -> None:
    """Let a form of GELU pass that exists.

    Example:
        >>> check_approximation("tanh")
    """
    if approximate not in ("none", "tanh"):
        raise ValueError(f"GELU knows 'none' and 'tanh', got {approximate=}")


def _tanh_gelu(x: jax.Array) -> jax.Array:
    """x/2 · (1 + tanh u) as x / (1 + exp(-2u)), whose derivative does not cancel."""
    rate = 2 * math.sqrt(2 / math.pi)
    u = rate * (x + 0.044715 * x * x * x)
    # sigmoid(u) and its derivative by exp(-|u|), which cannot overflow.
    e = jnp.exp(-jnp.abs(u))
    share = jnp.where(u > 0, 1, e) / (1 + e)
    bend = e / jnp.square(1 + e) * (rate * (1 + 3 * 0.044715 * x * x))
    return with_slope(x, x * share, share + x * bend)


def softplus(input: jax.Array, beta: float = 1.0, threshold: float = 20.0) -> jax.Array:
    """y = ln(1 + exp(beta x)) / beta, and x where beta x > threshold.

    PyTorch: `torch.nn.functional.softplus`.

    Example:
        >>> softplus(jnp.array([0.0, 30.0]))
        Array([ 0.6931472, 30.       ], dtype=float32)
    """
    # The unused branch may not overflow: its infinity would spoil the gradient.
    linear = input * beta > threshold
    curve = jnp.log1p(jnp.exp(jnp.where(linear, 0, input * beta))) / beta
    return jnp.where(linear, input, curve)


def hardshrink(input: jax.Array, lambd: float = 0.5) -> jax.Array:
    """y = 0 where |x| <= lambd, x elsewhere.

    PyTorch: `torch.nn.functional.hardshrink`.

    Example:
        >>> hardshrink(jnp.array([0.25, 1.0]))
        Array([0., 1.], dtype=float32)
    """
    return jnp.where(jnp.abs(input) <= lambd, 0, input)


def softshrink(input: jax.Array, lambd: float = 0.5) -> jax.Array:
    """y = x - lambd where x > lambd, x + lambd where x < -lambd, 0 between.

    Raises:
        ValueError: lambd is negative.

    PyTorch: `torch.nn.functional.softshrink`.

    Example:
        >>> softshrink(jnp.array([0.25, 1.0]))
        Array([0. , 0.5], dtype=float32)
    """
    check_lambd(lambd)
    inside = jnp.abs(input) <= lambd
    return jnp.where(inside, 0, input - lambd * jnp.sign(input))


def check_lambd(lambd: float) -> None:
    """Let half a width of Softshrink's gap pass that is not negative.

    Example:
        >>> check_lambd(0.5)
    """
    if lambd < 0:
        raise ValueError(f"Softshrink needs lambd >= 0, got lambd={lambd}")


def tanhshrink(input: jax.Array) -> jax.Array:
    """y = x - tanh x.

    PyTorch: `torch.nn.functional.tanhshrink`.

    Example:
        >>> tanhshrink(jnp.array([0.0, 1.0]))
        Array([0.        , 0.23840582], dtype=float32)
    """
    return input - tanh(input)
