"""Activations without kinks."""

import math

import jax
import jax.numpy as jnp
from flax import nnx

from jaxtrain.nn._slope import with_slope


class Sigmoid(nnx.Module):
    """y = 1 / (1 + exp(-x)).

    PyTorch: `torch.nn.Sigmoid`.

    Example:
        >>> Sigmoid()(jnp.array([0.0, 1.0]))
        Array([0.5      , 0.7310586], dtype=float32)
    """

    def __call__(self, input: jax.Array) -> jax.Array:
        return jax.nn.sigmoid(input)


class LogSigmoid(nnx.Module):
    """y = -ln(1 + exp(-x)).

    PyTorch: `torch.nn.LogSigmoid`.

    Example:
        >>> LogSigmoid()(jnp.array([0.0, -100.0]))
        Array([  -0.6931472, -100.       ], dtype=float32)
    """

    def __call__(self, input: jax.Array) -> jax.Array:
        return jax.nn.log_sigmoid(input)


class Tanh(nnx.Module):
    """y = tanh x.

    PyTorch: `torch.nn.Tanh`.

    Example:
        >>> Tanh()(jnp.array([0.0, 1.0]))
        Array([0.       , 0.7615942], dtype=float32)
    """

    def __call__(self, input: jax.Array) -> jax.Array:
        return jnp.tanh(input)


class Softsign(nnx.Module):
    """y = x / (1 + |x|).

    PyTorch: `torch.nn.Softsign`.

    Example:
        >>> Softsign()(jnp.array([0.0, 1.0]))
        Array([0. , 0.5], dtype=float32)
    """

    def __call__(self, input: jax.Array) -> jax.Array:
        return jax.nn.soft_sign(input)


class SiLU(nnx.Module):
    """y = x / (1 + exp(-x)).

    PyTorch: `torch.nn.SiLU`.

    Example:
        >>> SiLU()(jnp.array([0.0, 1.0]))
        Array([0.       , 0.7310586], dtype=float32)
    """

    def __call__(self, input: jax.Array) -> jax.Array:
        return jax.nn.silu(input)


class Mish(nnx.Module):
    """y = x · tanh(ln(1 + exp x)).

    PyTorch: `torch.nn.Mish`.
    Reference: Misra 2019, https://arxiv.org/abs/1908.08681

    Example:
        >>> Mish()(jnp.array([0.0, 1.0]))
        Array([0.        , 0.86509836], dtype=float32)
    """

    def __call__(self, input: jax.Array) -> jax.Array:
        # With e = exp x, tanh(ln(1 + e)) is e (e + 2) / (e (e + 2) + 2). XLA's tanh is
        # too coarse near 1 for the derivative. From 20 on the ratio rounds to 1.
        e = jnp.exp(jnp.minimum(input, 20))
        odds = e * (e + 2)
        ratio = odds / (odds + 2)
        slope = ratio + input * (4 * e * (e + 1) / jnp.square(odds + 2))
        return with_slope(input, input * ratio, jnp.where(input > 20, 1, slope))


class GELU(nnx.Module):
    """y = x · Φ(x), Φ the cumulative distribution of the standard normal.

    Args:
        approximate: `"none"`, or `"tanh"` for
            x/2 · (1 + tanh(sqrt(2/π) (x + 0.044715 x³))).

    Raises:
        ValueError: another `approximate`.

    PyTorch: `torch.nn.GELU`. (`jax.nn.gelu` is the approximation by default.)
    Reference: Hendrycks and Gimpel 2016, https://arxiv.org/abs/1606.08415

    Example:
        >>> GELU()(jnp.array([1.0])), GELU("tanh")(jnp.array([1.0]))
        (Array([0.8413447], dtype=float32), Array([0.841192], dtype=float32))
    """

    def __init__(self, approximate: str = "none"):
        if approximate not in ("none", "tanh"):
            raise ValueError(f"GELU knows 'none' and 'tanh', got {approximate=}")
        self.approximate = approximate

    def __call__(self, input: jax.Array) -> jax.Array:
        if self.approximate == "tanh":
            return _tanh_gelu(input)
        return jax.nn.gelu(input, approximate=False)


def _tanh_gelu(x: jax.Array) -> jax.Array:
    """x/2 · (1 + tanh u) as x / (1 + exp(-2u)), whose derivative does not cancel."""
    rate = 2 * math.sqrt(2 / math.pi)
    u = rate * (x + 0.044715 * x * x * x)
    e = jnp.exp(-jnp.abs(u))
    share = jnp.where(u > 0, 1, e) / (1 + e)
    bend = e / jnp.square(1 + e) * (rate * (1 + 3 * 0.044715 * x * x))
    return with_slope(x, x * share, share + x * bend)


class Softplus(nnx.Module):
    """y = ln(1 + exp(beta x)) / beta, and x where beta x > threshold.

    Args:
        beta: sharpness of the bend.
        threshold: of beta x, beyond which the function is the identity.

    PyTorch: `torch.nn.Softplus`.

    Example:
        >>> Softplus()(jnp.array([0.0, 30.0]))
        Array([ 0.6931472, 30.       ], dtype=float32)
    """

    def __init__(self, beta: float = 1.0, threshold: float = 20.0):
        self.beta = beta
        self.threshold = threshold

    def __call__(self, input: jax.Array) -> jax.Array:
        linear = input * self.beta > self.threshold
        bent = jnp.log1p(jnp.exp(jnp.where(linear, 0, input * self.beta))) / self.beta
        return jnp.where(linear, input, bent)
