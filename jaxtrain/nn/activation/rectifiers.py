"""Activations made of straight pieces."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike

from jaxtrain.nn.masks import draw_uniform
from jaxtrain.nn.module import Module, fill_parameter
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


class ReLU(Module):
    """y = max(x, 0), with gradient 0 at x = 0.

    PyTorch: `torch.nn.ReLU`.

    Example:
        >>> ReLU()(jnp.array([-1.0, 2.0]))
        Array([0., 2.], dtype=float32)
    """

    def __call__(self, input: jax.Array) -> jax.Array:
        return jax.nn.relu(input)


class LeakyReLU(Module):
    """y = x where x > 0, negative_slope · x elsewhere.

    Args:
        negative_slope: slope of the lower half.

    PyTorch: `torch.nn.LeakyReLU`.

    Example:
        >>> LeakyReLU(0.5)(jnp.array([-1.0, 2.0]))
        Array([-0.5,  2. ], dtype=float32)
    """

    def __init__(self, negative_slope: float = 1e-2):
        self.negative_slope = negative_slope

    def __call__(self, input: jax.Array) -> jax.Array:
        # At 0 the slope is the lower half's: `leaky_relu_backward`.
        return jnp.where(input > 0, input, self.negative_slope * input)


class PReLU(Module):
    """y = x where x > 0, a · x elsewhere, a learnt.

    Args:
        num_parameters: 1, or one slope for each entry of dimension 1.
        init: what the slopes begin with.
        dtype: of the slopes.

    Raises:
        ValueError: dimension 1 of an input has not one entry for each of several slopes
            (an input of fewer than two dimensions counts as one entry).

    PyTorch: `torch.nn.PReLU`.
    Reference: He et al. 2015, https://arxiv.org/abs/1502.01852

    Example:
        >>> PReLU()(jnp.array([-1.0, 2.0]))
        Array([-0.25,  2.  ], dtype=float32)
    """

    def __init__(
        self,
        num_parameters: int = 1,
        init: float = 0.25,
        *,
        dtype: DTypeLike = jnp.float32,
    ):
        self.num_parameters = num_parameters
        self.weight = fill_parameter((num_parameters,), init, dtype)

    def __call__(self, input: jax.Array) -> jax.Array:
        slope = self.weight[...]
        if self.num_parameters == 1:
            slope = slope.reshape(())
        else:
            batched = input if input.ndim > 1 else input.reshape(1, 1)
            check_size(f"PReLU({self.num_parameters})", batched, 1, self.num_parameters)
            slope = slope.reshape(-1, *[1] * (input.ndim - 2))  # (C, 1, …)
        return jnp.where(input > 0, input, slope * input)


class RReLU(Module):
    """y = x where x > 0, r · x elsewhere, r drawn from U(lower, upper) in training.

    Otherwise r = (lower + upper) / 2. PyTorch draws one number for each input that is
    not positive, so how many are drawn depends on the values: the same draws can be
    had outside compiled functions only. Inside, `KeyMasks` gives others.

    Args:
        lower: lower end of the slopes.
        upper: upper end of the slopes.

    Raises:
        ValueError: lower > upper; slopes are to come from the host's generator inside a
            compiled function.

    PyTorch: `torch.nn.RReLU`.
    Reference: Xu et al. 2015, https://arxiv.org/abs/1505.00853

    Example:
        >>> from jaxtrain import rng
        >>> _ = rng.manual_seed(0)
        >>> RReLU(0.0, 1.0)(jnp.array([-1.0, 2.0]))
        Array([-0.970053,  2.      ], dtype=float32)
    """

    def __init__(self, lower: float = 1.0 / 8, upper: float = 1.0 / 3):
        if lower > upper:
            raise ValueError(f"RReLU needs lower <= upper, got {lower} > {upper}")
        self.lower = lower
        self.upper = upper
        self.deterministic = False

    def __call__(self, input: jax.Array) -> jax.Array:
        if self.deterministic:
            slope = (self.lower + self.upper) / 2
            return jnp.where(input > 0, input, slope * input)
        slopes = draw_uniform(input, input <= 0, self.lower, self.upper)
        return jnp.where(input <= 0, slopes * input, input)


class ELU(Module):
    """y = x where x > 0, alpha (exp x - 1) elsewhere.

    Args:
        alpha: minus the limit at -∞.

    PyTorch: `torch.nn.ELU`.
    Reference: Clevert et al. 2015, https://arxiv.org/abs/1511.07289

    Example:
        >>> ELU()(jnp.array([-1.0, 2.0]))
        Array([-0.63212055,  2.        ], dtype=float32)
    """

    def __init__(self, alpha: float = 1.0):
        self.alpha = alpha

    def __call__(self, input: jax.Array) -> jax.Array:
        return jax.nn.elu(input, self.alpha)


class CELU(Module):
    """y = max(x, 0) + min(alpha (exp(x / alpha) - 1), 0).

    Args:
        alpha: minus the limit at -∞; the slope at 0 is 1 whatever it is.

    Raises:
        ValueError: alpha is 0.

    PyTorch: `torch.nn.CELU`.
    Reference: Barron 2017, https://arxiv.org/abs/1704.07483

    Example:
        >>> CELU(0.5)(jnp.array([-1.0, 2.0]))
        Array([-0.43233237,  2.        ], dtype=float32)
    """

    def __init__(self, alpha: float = 1.0):
        if alpha == 0:
            raise ValueError(f"CELU divides by alpha, got alpha={alpha}")
        self.alpha = alpha

    def __call__(self, input: jax.Array) -> jax.Array:
        # The unused branch may not overflow: its infinity would spoil the gradient.
        below = jnp.where(input > 0, 0, input)
        value = jnp.where(input > 0, input, self.alpha * jnp.expm1(below / self.alpha))
        # PyTorch's slope takes the float32 of alpha, whatever the type.
        rate = 1 / float(np.float32(self.alpha))
        slope = self.alpha * rate * jnp.exp(below * rate)
        return with_slope(input, value, jnp.where(input > 0, 1, slope))


class SELU(Module):
    """y = 1.0507 x where x > 0, 1.0507 · 1.6733 (exp x - 1) elsewhere.

    PyTorch: `torch.nn.SELU`.
    Reference: Klambauer et al. 2017, https://arxiv.org/abs/1706.02515

    Example:
        >>> SELU()(jnp.array([-1.0, 2.0]))
        Array([-1.1113307,  2.101402 ], dtype=float32)
    """

    def __call__(self, input: jax.Array) -> jax.Array:
        return jax.nn.selu(input)


class Threshold(Module):
    """y = x where x > threshold, value elsewhere.

    Args:
        threshold: inputs up to it are replaced.
        value: what they are replaced by.

    PyTorch: `torch.nn.Threshold`.

    Example:
        >>> Threshold(1.0, 9.0)(jnp.array([1.0, 2.0]))
        Array([9., 2.], dtype=float32)
    """

    def __init__(self, threshold: float, value: float):
        self.threshold = threshold
        self.value = value

    def __call__(self, input: jax.Array) -> jax.Array:
        return jnp.where(input <= self.threshold, self.value, input)


_SIXTH = float(np.float32(1 / 6))


class Hardtanh(Module):
    """y = min(max(x, min_val), max_val).

    Args:
        min_val: lower bound.
        max_val: upper bound.

    Raises:
        ValueError: min_val >= max_val.

    PyTorch: `torch.nn.Hardtanh`.

    Example:
        >>> Hardtanh()(jnp.array([-2.0, 0.5]))
        Array([-1. ,  0.5], dtype=float32)
    """

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0):
        if min_val >= max_val:
            raise ValueError(f"Hardtanh needs min_val < max_val: {min_val}, {max_val}")
        self.min_val = min_val
        self.max_val = max_val

    def __call__(self, input: jax.Array) -> jax.Array:
        return _clip(input, self.min_val, self.max_val)


class ReLU6(Module):
    """y = min(max(x, 0), 6).

    PyTorch: `torch.nn.ReLU6`.

    Example:
        >>> ReLU6()(jnp.array([-1.0, 7.0]))
        Array([0., 6.], dtype=float32)
    """

    def __call__(self, input: jax.Array) -> jax.Array:
        return _clip(input, 0.0, 6.0)


class Hardsigmoid(Module):
    """y = min(max(x + 3, 0), 6) / 6.

    PyTorch: `torch.nn.Hardsigmoid`.

    Example:
        >>> Hardsigmoid()(jnp.array([-4.0, 0.0]))
        Array([0. , 0.5], dtype=float32)
    """

    def __call__(self, input: jax.Array) -> jax.Array:
        ramp = _clip(input, -3.0, 3.0)
        # PyTorch's slope is the float32 of 1/6, whatever the type.
        return with_slope(ramp, (ramp + 3) / 6, jnp.asarray(_SIXTH, ramp.dtype))


class Hardswish(Module):
    """y = x · min(max(x + 3, 0), 6) / 6.

    PyTorch: `torch.nn.Hardswish`.
    Reference: Howard et al. 2019, https://arxiv.org/abs/1905.02244

    Example:
        >>> Hardswish()(jnp.array([-4.0, 3.0]))
        Array([-0.,  3.], dtype=float32)
    """

    def __call__(self, input: jax.Array) -> jax.Array:
        # The unused branch may not overflow: its infinity would spoil the gradient.
        inner = jnp.where(jnp.abs(input) < 3, input, 0)
        middle = inner * (inner + 3) / 6
        # 0 · x, not 0: its sign, and its NaN for -∞, are PyTorch's.
        return jnp.where(input <= -3, 0 * input, jnp.where(input < 3, middle, input))


def _clip(input: jax.Array, low: float, high: float) -> jax.Array:
    # Slope 0 at both bounds, as in `hardtanh_backward`; that of `jnp.clip` is 1/2.
    inside = (input > low) & (input < high)
    return jnp.where(inside, input, jax.lax.stop_gradient(jnp.clip(input, low, high)))
