"""Smooth, gated and shrinking activations."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp

from jaxtrain.nn import functional as F
from jaxtrain.nn.functional._smooth import check_approximation, check_lambd
from jaxtrain.nn.module import Module


class Sigmoid(Module):
    """y = 1 / (1 + exp(-x)).

    PyTorch: `torch.nn.Sigmoid`.

    Example:
        >>> Sigmoid()(jnp.array([0.0, 1.0]))
        Array([0.5      , 0.7310586], dtype=float32)
    """

    def __call__(self, input: jax.Array) -> jax.Array:
        return F.sigmoid(input)


class LogSigmoid(Module):
    """y = -ln(1 + exp(-x)).

    PyTorch: `torch.nn.LogSigmoid`.

    Example:
        >>> LogSigmoid()(jnp.array([0.0, -100.0]))
        Array([  -0.6931472, -100.       ], dtype=float32)
    """

    def __call__(self, input: jax.Array) -> jax.Array:
        return F.logsigmoid(input)


class Tanh(Module):
    """y = tanh x.

    PyTorch: `torch.nn.Tanh`.

    Example:
        >>> Tanh()(jnp.array([0.0, 1.0]))
        Array([0.       , 0.7615942], dtype=float32)
    """

    def __call__(self, input: jax.Array) -> jax.Array:
        return F.tanh(input)


class Softsign(Module):
    """y = x / (1 + |x|).

    PyTorch: `torch.nn.Softsign`.

    Example:
        >>> Softsign()(jnp.array([0.0, 1.0]))
        Array([0. , 0.5], dtype=float32)
    """

    def __call__(self, input: jax.Array) -> jax.Array:
        return F.softsign(input)


class SiLU(Module):
    """y = x / (1 + exp(-x)).

    PyTorch: `torch.nn.SiLU`.

    Example:
        >>> SiLU()(jnp.array([0.0, 1.0]))
        Array([0.       , 0.7310586], dtype=float32)
    """

    def __call__(self, input: jax.Array) -> jax.Array:
        return F.silu(input)


class Mish(Module):
    """y = x · tanh(ln(1 + exp x)).

    PyTorch: `torch.nn.Mish`.
    Reference: Misra 2019, https://arxiv.org/abs/1908.08681

    Example:
        >>> Mish()(jnp.array([0.0, 1.0]))
        Array([0.        , 0.86509836], dtype=float32)
    """

    def __call__(self, input: jax.Array) -> jax.Array:
        return F.mish(input)


class GELU(Module):
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
        check_approximation(approximate)
        self.approximate = approximate

    def __call__(self, input: jax.Array) -> jax.Array:
        return F.gelu(input, self.approximate)


class Softplus(Module):
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
        return F.softplus(input, self.beta, self.threshold)


CellState = tuple[jax.Array, ...]
CellStep = Callable[[jax.Array, jax.Array, CellState], CellState]


def tanh_step(x: jax.Array, h: jax.Array, state: CellState) -> CellState:
    """h' = tanh(x + h).

    Example:
        >>> tanh_step(jnp.ones(1), -jnp.ones(1), (jnp.ones(1),))
        (Array([0.], dtype=float32),)
    """
    return (jnp.tanh(x + h),)


def relu_step(x: jax.Array, h: jax.Array, state: CellState) -> CellState:
    """h' = max(x + h, 0).

    Example:
        >>> relu_step(jnp.ones(1), jnp.ones(1), (jnp.ones(1),))
        (Array([2.], dtype=float32),)
    """
    return (jax.nn.relu(x + h),)


def lstm_step(x: jax.Array, h: jax.Array, state: CellState) -> CellState:
    """c' = sigmoid(f) c + sigmoid(i) tanh(g), h' = sigmoid(o) tanh(c').

    The gates come in the order i, f, g, o.

    Example:
        >>> h, c = lstm_step(jnp.zeros(4), jnp.zeros(4), (jnp.ones(1), jnp.ones(1)))
        >>> c
        Array([0.5], dtype=float32)
    """
    i, f, g, o = jnp.split(x + h, 4, -1)
    c = jax.nn.sigmoid(f) * state[1] + jax.nn.sigmoid(i) * jnp.tanh(g)
    return jax.nn.sigmoid(o) * jnp.tanh(c), c


def gru_step(x: jax.Array, h: jax.Array, state: CellState) -> CellState:
    """n = tanh(x_n + sigmoid(r) h_n), h' = n + sigmoid(z) (h - n).

    The gates come in the order r, z, n.

    Example:
        >>> gru_step(jnp.zeros(3), jnp.zeros(3), (jnp.ones(1),))
        (Array([0.5], dtype=float32),)
    """
    (x_r, x_z, x_n), (h_r, h_z, h_n) = jnp.split(x, 3, -1), jnp.split(h, 3, -1)
    n = jnp.tanh(x_n + jax.nn.sigmoid(x_r + h_r) * h_n)
    # PyTorch's form, with one product; (1 - z) n + z h would round otherwise.
    return (n + jax.nn.sigmoid(x_z + h_z) * (state[0] - n),)


GATES: dict[CellStep, int] = {tanh_step: 1, relu_step: 1, lstm_step: 4, gru_step: 3}


def plain_step(nonlinearity: str) -> CellStep:
    """The step of a recurrent layer without gates.

    Raises:
        ValueError: another nonlinearity than `"tanh"` and `"relu"`.

    Example:
        >>> plain_step("relu") is relu_step
        True
    """
    if nonlinearity not in ("tanh", "relu"):
        raise ValueError(f"nonlinearity must be 'tanh' or 'relu', got {nonlinearity!r}")
    return tanh_step if nonlinearity == "tanh" else relu_step


class Hardshrink(Module):
    """y = 0 where |x| <= lambd, x elsewhere.

    Args:
        lambd: half width of the gap.

    PyTorch: `torch.nn.Hardshrink`.

    Example:
        >>> Hardshrink()(jnp.array([0.25, 1.0]))
        Array([0., 1.], dtype=float32)
    """

    def __init__(self, lambd: float = 0.5):
        self.lambd = lambd

    def __call__(self, input: jax.Array) -> jax.Array:
        return F.hardshrink(input, self.lambd)


class Softshrink(Module):
    """y = x - lambd where x > lambd, x + lambd where x < -lambd, 0 between.

    Args:
        lambd: half width of the gap, at least 0.

    Raises:
        ValueError: lambd is negative.

    PyTorch: `torch.nn.Softshrink`.

    Example:
        >>> Softshrink()(jnp.array([0.25, 1.0]))
        Array([0. , 0.5], dtype=float32)
    """

    def __init__(self, lambd: float = 0.5):
        check_lambd(lambd)
        self.lambd = lambd

    def __call__(self, input: jax.Array) -> jax.Array:
        return F.softshrink(input, self.lambd)


class Tanhshrink(Module):
    """y = x - tanh x.

    PyTorch: `torch.nn.Tanhshrink`.

    Example:
        >>> Tanhshrink()(jnp.array([0.0, 1.0]))
        Array([0.        , 0.23840582], dtype=float32)
    """

    def __call__(self, input: jax.Array) -> jax.Array:
        return F.tanhshrink(input)
