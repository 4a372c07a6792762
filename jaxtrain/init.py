"""`torch.nn.init`'s initialisers, drawing from PyTorch's generator.

Each returns a new NumPy array where PyTorch fills a tensor in place, so the trailing
underscore of PyTorch's names is dropped.
"""

import math

import numpy as np
from numpy.typing import DTypeLike

from jaxtrain import rng

_GAINS = {
    "linear": 1.0,
    "sigmoid": 1.0,
    "tanh": 5.0 / 3,
    "relu": math.sqrt(2.0),
    "selu": 3.0 / 4,
}
_GAINS |= {f"conv{kind}{n}d": 1.0 for kind in ("", "_transpose") for n in (1, 2, 3)}


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """The factor by which a nonlinearity asks the initial spread to grow.

    Args:
        nonlinearity: PyTorch's name of it, such as `"relu"` or `"leaky_relu"`.
        param: negative slope of `"leaky_relu"`; 0.01 if not given.

    Raises:
        ValueError: the name is not one that `torch.nn.init` knows.

    PyTorch: `torch.nn.init.calculate_gain`.

    Example:
        >>> calculate_gain("leaky_relu", 5**0.5)
        0.5773502691896257
    """
    if nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else param
        return math.sqrt(2.0 / (1 + slope**2))
    if nonlinearity not in _GAINS:
        raise ValueError(f"Unsupported nonlinearity {nonlinearity!r}")
    return _GAINS[nonlinearity]


def fan_in_and_fan_out(shape: tuple[int, ...]) -> tuple[int, int]:
    """Inputs to and outputs of one unit of a weight laid out (out, in, *kernel).

    Raises:
        ValueError: the shape has fewer than two dimensions.

    Example:
        >>> fan_in_and_fan_out((512, 784)), fan_in_and_fan_out((8, 3, 5, 5))
        ((784, 512), (75, 200))
    """
    if len(shape) < 2:
        raise ValueError(
            f"a weight of shape {shape} has no fan in and fan out: "
            "at least two dimensions (out, in) are needed"
        )
    receptive_field = math.prod(shape[2:])
    return shape[1] * receptive_field, shape[0] * receptive_field


def uniform(
    shape: tuple[int, ...],
    a: float = 0.0,
    b: float = 1.0,
    *,
    generator: rng.Generator | None = None,
    dtype: DTypeLike = np.float32,
) -> np.ndarray:
    """Draw from U(a, b).

    Args:
        shape: shape of the result.
        a: lower end.
        b: upper end.
        generator: where the numbers come from; `rng.default_generator` if not given.
        dtype: float32 or float64; the two consume the generator differently.

    PyTorch: `torch.nn.init.uniform_`.

    Example:
        >>> uniform((2,), generator=rng.Generator(0))
        array([0.4962566, 0.7682218], dtype=float32)
    """
    source = rng.default_generator if generator is None else generator
    return source.uniform(shape, a, b, dtype=dtype)


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
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f"Mode {mode!r} not supported: use 'fan_in' or 'fan_out'")
    fan = fan_in_and_fan_out(shape)[mode == "fan_out"]
    if 0 in shape:
        return np.empty(shape, dtype)
    bound = math.sqrt(3.0) * (calculate_gain(nonlinearity, a) / math.sqrt(fan))
    return uniform(shape, -bound, bound, generator=generator, dtype=dtype)
