"""Activations made of straight pieces."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax.typing import DTypeLike

from jaxtrain.nn import functional as F
from jaxtrain.nn.functional._rectifiers import check_alpha, check_slopes
from jaxtrain.nn.module import Module, fill_parameter


class ReLU(Module):
    """y = max(x, 0), with gradient 0 at x = 0.

    PyTorch: `torch.nn.ReLU`.

    Example:
        >>> ReLU()(jnp.array([-1.0, 2.0]))
        Array([0., 2.], dtype=float32)
    """

    def __call__(self, input: jax.Array) -> jax.Array:
        return F.relu(input)


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
        return F.leaky_relu(input, self.negative_slope)


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
        return F.prelu(input, self.weight[...])


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
        check_slopes(lower, upper)
        self.lower = lower
        self.upper = upper
        self.deterministic = False

    def __call__(self, input: jax.Array) -> jax.Array:
        return F.rrelu(input, self.lower, self.upper, not self.deterministic)


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
        return F.elu(input, self.alpha)


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
        check_alpha(alpha)
        self.alpha = alpha

    def __call__(self, input: jax.Array) -> jax.Array:
        return F.celu(input, self.alpha)


class SELU(Module):
    """y = 1.0507 x where x > 0, 1.0507 · 1.6733 (exp x - 1) elsewhere.

    PyTorch: `torch.nn.SELU`.
    Reference: Klambauer et al. 2017, https://arxiv.org/abs/1706.02515

    Example:
        >>> SELU()(jnp.array([-1.0, 2.0]))
        Array([-1.1113307,  2.101402 ], dtype=float32)
    """

    def __call__(self, input: jax.Array) -> jax.Array:
        return F.selu(input)


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
        return F.threshold(input, self.threshold, self.value)


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
        return F.hardtanh(input, self.min_val, self.max_val)


class ReLU6(Module):
    """y = min(max(x, 0), 6).

    PyTorch: `torch.nn.ReLU6`.

    Example:
        >>> ReLU6()(jnp.array([-1.0, 7.0]))
        Array([0., 6.], dtype=float32)
    """

    def __call__(self, input: jax.Array) -> jax.Array:
        return F.relu6(input)


class Hardsigmoid(Module):
    """y = min(max(x + 3, 0), 6) / 6.

    PyTorch: `torch.nn.Hardsigmoid`.

    Example:
        >>> Hardsigmoid()(jnp.array([-4.0, 0.0]))
        Array([0. , 0.5], dtype=float32)
    """

    def __call__(self, input: jax.Array) -> jax.Array:
        return F.hardsigmoid(input)


class Hardswish(Module):
    """y = x · min(max(x + 3, 0), 6) / 6.

    PyTorch: `torch.nn.Hardswish`.
    Reference: Howard et al. 2019, https://arxiv.org/abs/1905.02244

    Example:
        >>> Hardswish()(jnp.array([-4.0, 3.0]))
        Array([-0.,  3.], dtype=float32)
    """

    def __call__(self, input: jax.Array) -> jax.Array:
        return F.hardswish(input)
