"""Functions along one dimension: shares of one, and halves that gate."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax.typing import DTypeLike

from jaxtrain.nn.functional._rectifiers import with_slope
from jaxtrain.nn.masks import draw_exponential
from jaxtrain.nn.shapes import misfit


def _apply_along(
    function: Callable[..., jax.Array],
    input: jax.Array,
    dim: int | None,
    dtype: DTypeLike | None,
) -> jax.Array:
    """`function` along a dimension, of which a single number is given one."""
    if dim is None:
        # Where no dimension is named PyTorch takes one by this rule, with a warning.
        dim = 0 if input.ndim in (0, 1, 3) else 1
    # The input is cast first, as PyTorch does.
    x = jnp.asarray(input, dtype)
    # PyTorch takes a number for a vector of one.
    return function(jnp.atleast_1d(x), dim).reshape(input.shape)


def softmax(
    input: jax.Array,
    dim: int | None = None,
    _stacklevel: int = 3,
    dtype: DTypeLike | None = None,
) -> jax.Array:
    """y = exp(x) / Σ exp(x), the sum along `dim`.

    Args:
        input: x.
        dim: along which y sums to 1; if not given, 0 for inputs of 0, 1 or 3 dimensions
            and 1 for others.
        dtype: the type that x is cast to first, and that y has.

    PyTorch: `torch.nn.functional.softmax`; `_stacklevel` is of its warnings.

    Example:
        >>> softmax(jnp.zeros(2), -1)
        Array([0.5, 0.5], dtype=float32)
    """
    return _apply_along(jax.nn.softmax, input, dim, dtype)


def log_softmax(
    input: jax.Array,
    dim: int | None = None,
    _stacklevel: int = 3,
    dtype: DTypeLike | None = None,
) -> jax.Array:
    """y = x - ln Σ exp(x), the sum along `dim`; the arguments are those of `softmax`.

    PyTorch: `torch.nn.functional.log_softmax`.

    Example:
        >>> log_softmax(jnp.zeros(2), -1)
        Array([-0.6931472, -0.6931472], dtype=float32)
    """
    return _apply_along(jax.nn.log_softmax, input, dim, dtype)


def softmin(
    input: jax.Array,
    dim: int | None = None,
    _stacklevel: int = 3,
    dtype: DTypeLike | None = None,
) -> jax.Array:
    """y = exp(-x) / Σ exp(-x), the sum along `dim`; the arguments are `softmax`'s.

    PyTorch: `torch.nn.functional.softmin`.

    Example:
        >>> softmin(jnp.zeros(2), -1)
        Array([0.5, 0.5], dtype=float32)
    """
    return _apply_along(jax.nn.softmax, -input, dim, dtype)


def glu(input: jax.Array, dim: int = -1) -> jax.Array:
    """y = a / (1 + exp(-b)), a and b the halves of x along `dim`.

    Raises:
        ValueError: that dimension of an input is odd, or there is none.

    PyTorch: `torch.nn.functional.glu`.

    Example:
        >>> glu(jnp.array([3.0, 0.0]))
        Array([1.5], dtype=float32)
    """
    if input.ndim == 0 or input.shape[dim] % 2:
        raise misfit(f"GLU({dim})", input, f"dimension {dim} must be even")
    a, b = jnp.split(input, 2, dim)
    return a * jax.nn.sigmoid(b)


def gumbel_softmax(
    logits: jax.Array,
    tau: float = 1,
    hard: bool = False,
    eps: float = 1e-10,
    dim: int = -1,
) -> jax.Array:
    """y = softmax((x + g) / tau) along `dim`, g = -ln E with E drawn from Exp(1).

    Args:
        logits: x.
        tau: temperature.
        hard: whether y becomes one-hot at its largest, with the gradient as it was.
        eps: without effect, as in PyTorch.
        dim: along which y sums to 1.

    Raises:
        ValueError: numbers are to come from the host's generator inside a compiled
            function.

    PyTorch: `torch.nn.functional.gumbel_softmax`.
    Reference: Jang et al. 2016, https://arxiv.org/abs/1611.01144

    Example:
        >>> gumbel_softmax(jnp.zeros((2, 3)), hard=True).sum(-1)
        Array([1., 1.], dtype=float32)
    """
    x = jnp.asarray(logits)
    noise = -jnp.log(draw_exponential(x, x.shape))
    y = softmax((x + noise) / tau, dim)
    if not hard:
        return y
    top = jax.nn.one_hot(y.argmax(dim), y.shape[dim], dtype=y.dtype, axis=dim)
    # PyTorch's value is top - y + y, which rounds; its gradient is y's.
    return with_slope(y, top - y + y, jnp.ones_like(y))
