import math

import numpy as np
from numpy.typing import DTypeLike

from jaxtrain import rng
from jaxtrain.init._fan import fan_in_and_fan_out
from jaxtrain.init._random import normal, uniform


def xavier_uniform(
    shape: tuple[int, ...],
    gain: float = 1.0,
    *,
    generator: rng.Generator | None = None,
    dtype: DTypeLike = np.float32,
) -> np.ndarray:
    """Draw from U(-bound, bound) with bound = gain · sqrt(6 / (fan_in + fan_out)).

    Args:
        shape: shape of the weight, (out, in, *kernel).
        gain: see `calculate_gain`.
        generator: where the numbers come from; `rng.default_generator` if not given.
        dtype: float32 or float64.

    Raises:
        ValueError: fewer than two dimensions.

    PyTorch: `torch.nn.init.xavier_uniform_`.
    Reference: Glorot and Bengio 2010, https://proceedings.mlr.press/v9/glorot10a.html

    Example:
        >>> xavier_uniform((1, 2), generator=rng.Generator(0))
        array([[-0.01058796,  0.7586458 ]], dtype=float32)
    """
    bound = math.sqrt(3.0) * _std(shape, gain)
    return uniform(shape, -bound, bound, generator=generator, dtype=dtype)


def xavier_normal(
    shape: tuple[int, ...],
    gain: float = 1.0,
    *,
    generator: rng.Generator | None = None,
    dtype: DTypeLike = np.float32,
) -> np.ndarray:
    """Draw from N(0, std²) with std = gain · sqrt(2 / (fan_in + fan_out)).

    Args:
        shape: shape of the weight, (out, in, *kernel).
        gain: see `calculate_gain`.
        generator: where the numbers come from; `rng.default_generator` if not given.
        dtype: float32 or float64.

    Raises:
        ValueError: fewer than two dimensions.

    PyTorch: `torch.nn.init.xavier_normal_`.
    Reference: Glorot and Bengio 2010, https://proceedings.mlr.press/v9/glorot10a.html

    Example:
        >>> xavier_normal((1, 2), generator=rng.Generator(0))
        array([[ 1.258218 , -0.2395837]], dtype=float32)
    """
    return normal(shape, 0.0, _std(shape, gain), generator=generator, dtype=dtype)


def _std(shape: tuple[int, ...], gain: float) -> float:
    return gain * math.sqrt(2.0 / sum(fan_in_and_fan_out(shape)))
