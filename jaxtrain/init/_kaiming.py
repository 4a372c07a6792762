import math

import numpy as np
from numpy.typing import DTypeLike

from jaxtrain import rng
from jaxtrain.init._fan import calculate_gain, fan_in_and_fan_out
from jaxtrain.init._random import normal, uniform


def kaiming_uniform(
    shape: tuple[int, ...],
    a: float = 0.0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    *,
    generator: rng.Generator | None = None,
    dtype: DTypeLike = np.float32,
) -> np.ndarray:
    """Draw from U(-bound, bound) with bound = gain · sqrt(3 / fan).

    Args:
        shape: shape of the weight, (out, in, *kernel).
        a: negative slope of the rectifier that follows.
        mode: `"fan_in"` keeps the variance of the forward pass, `"fan_out"` that of
            the backward pass.
        nonlinearity: what follows the layer; see `calculate_gain`.
        generator: where the numbers come from; `rng.default_generator` if not given.
        dtype: float32 or float64.

    Raises:
        ValueError: unknown mode or nonlinearity, or fewer than two dimensions.

    PyTorch: `torch.nn.init.kaiming_uniform_`.
    Reference: He et al. 2015, https://arxiv.org/abs/1502.01852

    Example:
        >>> kaiming_uniform((1, 2), a=5**0.5, generator=rng.Generator(0))
        array([[-0.00529398,  0.3793229 ]], dtype=float32)
    """
    std = _std(shape, a, mode, nonlinearity)
    if 0 in shape:
        return np.empty(shape, dtype)
    bound = math.sqrt(3.0) * std
    return uniform(shape, -bound, bound, generator=generator, dtype=dtype)


def kaiming_normal(
    shape: tuple[int, ...],
    a: float = 0.0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    *,
    generator: rng.Generator | None = None,
    dtype: DTypeLike = np.float32,
) -> np.ndarray:
    """Draw from N(0, std²) with std = gain / sqrt(fan).

    Args:
        shape: shape of the weight, (out, in, *kernel).
        a: negative slope of the rectifier that follows.
        mode: `"fan_in"` or `"fan_out"`.
        nonlinearity: what follows the layer; see `calculate_gain`.
        generator: where the numbers come from; `rng.default_generator` if not given.
        dtype: float32 or float64.

    Raises:
        ValueError: unknown mode or nonlinearity, or fewer than two dimensions.

    PyTorch: `torch.nn.init.kaiming_normal_`.
    Reference: He et al. 2015, https://arxiv.org/abs/1502.01852

    Example:
        >>> kaiming_normal((1, 3), generator=rng.Generator(0))
        array([[ 1.258218 , -0.2395837, -1.778974 ]], dtype=float32)
    """
    std = _std(shape, a, mode, nonlinearity)
    if 0 in shape:
        return np.empty(shape, dtype)
    return normal(shape, 0.0, std, generator=generator, dtype=dtype)


def _std(shape: tuple[int, ...], a: float, mode: str, nonlinearity: str) -> float:
    side = mode.lower()
    if side not in ("fan_in", "fan_out"):
        raise ValueError(f"Mode {mode!r} not supported: use 'fan_in' or 'fan_out'")
    fan = fan_in_and_fan_out(shape)[side == "fan_out"]
    gain = calculate_gain(nonlinearity, a)
    # An empty weight has a fan of 0 and no values that the spread could be wrong for.
    return gain / math.sqrt(fan) if fan else 0.0
