"""`torch.nn.init`'s initialisers, drawing from PyTorch's generator.

Each returns a new NumPy array where PyTorch fills a tensor in place, so the trailing
underscore of PyTorch's names is dropped.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from jaxtrain import rng
from jaxtrain._lazy import listing

__all__ = [
    "calculate_gain",
    "constant",
    "dirac",
    "eye",
    "fan_in_and_fan_out",
    "kaiming_normal",
    "kaiming_uniform",
    "normal",
    "ones",
    "orthogonal",
    "sparse",
    "trunc_normal",
    "uniform",
    "xavier_normal",
    "xavier_uniform",
    "zeros",
]
__getattr__, __dir__ = listing(__name__, __all__)


def constant(
    shape: tuple[int, ...], val: float, *, dtype: DTypeLike = np.float32
) -> np.ndarray:
    """Every element is `val`.

    Args:
        shape: shape of the result.
        val: the value.
        dtype: of the result.

    PyTorch: `torch.nn.init.constant_`.

    Example:
        >>> constant((2,), 0.5)
        array([0.5, 0.5], dtype=float32)
    """
    return np.full(shape, val, dtype)


def ones(shape: tuple[int, ...], *, dtype: DTypeLike = np.float32) -> np.ndarray:
    """Every element is 1.

    PyTorch: `torch.nn.init.ones_`.

    Example:
        >>> ones((2,))
        array([1., 1.], dtype=float32)
    """
    return np.ones(shape, dtype)


def zeros(shape: tuple[int, ...], *, dtype: DTypeLike = np.float32) -> np.ndarray:
    """Every element is 0.

    PyTorch: `torch.nn.init.zeros_`.

    Example:
        >>> zeros((2,))
        array([0., 0.], dtype=float32)
    """
    return np.zeros(shape, dtype)


def eye(shape: tuple[int, ...], *, dtype: DTypeLike = np.float32) -> np.ndarray:
    """The identity: 1 where row and column are equal.

    Args:
        shape: (rows, columns), not necessarily equal.
        dtype: of the result.

    Raises:
        ValueError: the shape has not two dimensions.

    PyTorch: `torch.nn.init.eye_`.

    Example:
        >>> eye((2, 3))
        array([[1., 0., 0.],
               [0., 1., 0.]], dtype=float32)
    """
    if len(shape) != 2:
        raise ValueError(f"eye needs a shape of two dimensions, got {shape}")
    return np.eye(*shape, dtype=dtype)


def dirac(
    shape: tuple[int, ...], groups: int = 1, *, dtype: DTypeLike = np.float32
) -> np.ndarray:
    """A convolution that hands its input on: 1 in the middle of kernel (d, d).

    Args:
        shape: (out, in, *kernel) with one to three kernel dimensions.
        groups: each group of output channels hands on its own inputs.
        dtype: of the result.

    Raises:
        ValueError: another number of dimensions; `out` is no multiple of `groups`.

    PyTorch: `torch.nn.init.dirac_`.

    Example:
        >>> dirac((2, 2, 3))[:, :, 1]
        array([[1., 0.],
               [0., 1.]], dtype=float32)
    """
    if len(shape) not in (3, 4, 5):
        raise ValueError(f"dirac needs a shape of 3, 4 or 5 dimensions, got {shape}")
    if shape[0] % groups:
        raise ValueError(f"dirac: {shape[0]} outputs are no multiple of {groups=}")
    values = np.zeros(shape, dtype)
    outputs = shape[0] // groups
    middle = tuple(size // 2 for size in shape[2:])
    # A range takes no step of 0, which a weight without outputs would ask for.
    for first in range(0, shape[0], outputs or 1):
        for d in range(min(outputs, shape[1])):
            values[(first + d, d, *middle)] = 1
    return values


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

    Raises:
        ValueError: a > b.

    PyTorch: `torch.nn.init.uniform_`.

    Example:
        >>> uniform((2,), generator=rng.Generator(0))
        array([0.4962566, 0.7682218], dtype=float32)
    """
    source = rng.default_generator if generator is None else generator
    return source.uniform(shape, a, b, dtype=dtype)


def normal(
    shape: tuple[int, ...],
    mean: float = 0.0,
    std: float = 1.0,
    *,
    generator: rng.Generator | None = None,
    dtype: DTypeLike = np.float32,
) -> np.ndarray:
    """Draw from N(mean, std²).

    Bit for bit PyTorch's on a machine with AVX2; `rng.Generator.normal` says how far
    PyTorch's other code path is from it.

    Args:
        shape: shape of the result.
        mean: of the distribution.
        std: standard deviation, at least 0.
        generator: where the numbers come from; `rng.default_generator` if not given.
        dtype: float32 or float64.

    Raises:
        ValueError: std is negative.

    PyTorch: `torch.nn.init.normal_`.

    Example:
        >>> normal((3,), std=0.5, generator=rng.Generator(0))
        array([ 0.77049804, -0.14671445, -1.0893947 ], dtype=float32)
    """
    source = rng.default_generator if generator is None else generator
    return source.normal(shape, mean, std, dtype=dtype)


# 3/4 for SELU was found empirically: github.com/pytorch/pytorch/pull/50664.
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
        ValueError: the name is not one that `torch.nn.init` knows, or the slope is not
            a number.

    PyTorch: `torch.nn.init.calculate_gain`.

    Example:
        >>> calculate_gain("leaky_relu", 5**0.5)
        0.5773502691896257
    """
    if nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else param
        if isinstance(slope, bool) or not isinstance(slope, int | float):
            raise ValueError(f"negative_slope {param!r} not a valid number")
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
    # By way of the spread, as PyTorch: sqrt(6 / fans) would round otherwise. U(-b, b)
    # has the standard deviation b/sqrt(3).
    bound = math.sqrt(3.0) * _xavier_std(shape, gain)
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
    return normal(
        shape, 0.0, _xavier_std(shape, gain), generator=generator, dtype=dtype
    )


def _xavier_std(shape: tuple[int, ...], gain: float) -> float:
    return gain * math.sqrt(2.0 / sum(fan_in_and_fan_out(shape)))


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
    std = _kaiming_std(shape, a, mode, nonlinearity)
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
    std = _kaiming_std(shape, a, mode, nonlinearity)
    if 0 in shape:
        return np.empty(shape, dtype)
    return normal(shape, 0.0, std, generator=generator, dtype=dtype)


def _kaiming_std(
    shape: tuple[int, ...], a: float, mode: str, nonlinearity: str
) -> float:
    side = mode.lower()
    if side not in ("fan_in", "fan_out"):
        raise ValueError(f"Mode {mode!r} not supported: use 'fan_in' or 'fan_out'")
    fan = fan_in_and_fan_out(shape)[side == "fan_out"]
    gain = calculate_gain(nonlinearity, a)
    # An empty weight has a fan of 0 and no values that the spread could be wrong for.
    return gain / math.sqrt(fan) if fan else 0.0


def trunc_normal(
    shape: tuple[int, ...],
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    *,
    generator: rng.Generator | None = None,
    dtype: DTypeLike = np.float32,
) -> np.ndarray:
    """Draw from N(mean, std²) restricted to [a, b].

    Where more than 0.3 of the mass lies inside, normals are drawn anew until they are
    inside; else uniforms from [a, b] are accepted by the density. Acceptance compares a
    logarithm, and where NumPy's and PyTorch's differ by an ulp one more value may be
    drawn: some 1e-7 of the float32 draws of that second kind.

    Args:
        shape: shape of the result.
        mean: of the normal before it is cut.
        std: its standard deviation, in the units of the values (a and b too).
        a: lower end.
        b: upper end.
        generator: where the numbers come from; `rng.default_generator` if not given.
        dtype: float32 or float64.

    Raises:
        ValueError: std is negative; a > b.

    PyTorch: `torch.nn.init.trunc_normal_`.

    Example:
        >>> trunc_normal((3,), a=-1.0, b=1.0, generator=rng.Generator(0))
        array([ 0.56843126, -0.2934289 , -0.7192576 ], dtype=float32)
    """
    source = rng.default_generator if generator is None else generator
    # PyTorch rounds bounds and moments to the tensor's dtype before it compares.
    kind = np.dtype(dtype)
    scalar: Callable[[float], Any] = kind.type
    inside = _normal_cdf((b - mean) / std) - _normal_cdf((a - mean) / std)
    if inside > 0.3:
        return _redraw(
            lambda: source.normal(shape, mean, std, kind), scalar(a), scalar(b)
        )
    peak = -0.5 * ((max(a, min(mean, b)) - mean) / std) ** 2
    return _rejection_sample(
        # Proposals before thresholds, each for the whole tensor: PyTorch's order of
        # drawing. The operations are its in-place ones: sub, div, pow, mul, sub.
        lambda: source.uniform(shape, a, b, kind),
        lambda: source.uniform(shape, dtype=kind),
        lambda x: (
            _square((x - scalar(mean)) / scalar(std)) * scalar(-0.5) - scalar(peak)
        ),
    )


def _normal_cdf(x: float) -> float:
    return (1 + math.erf(x / math.sqrt(2))) / 2


def _square(x: np.ndarray) -> np.ndarray:
    return x * x


def _redraw(draw: Callable[[], np.ndarray], a: float, b: float) -> np.ndarray:
    values = draw()
    # PyTorch draws the whole tensor again and keeps what it needs.
    while (outside := (values < a) | (values > b)).any():
        values = np.where(outside, draw(), values)
    return values


def _rejection_sample(
    propose: Callable[[], np.ndarray],
    threshold: Callable[[], np.ndarray],
    log_density: Callable[[np.ndarray], np.ndarray],
) -> np.ndarray:
    """Rejection sampling under a density whose largest value is 1."""
    values = propose()
    pending = _reject(threshold(), log_density(values))
    while pending.any():
        proposal = propose()
        values = np.where(pending, proposal, values)
        pending &= _reject(threshold(), log_density(proposal))
    return values


def _reject(threshold: np.ndarray, log_density: np.ndarray) -> np.ndarray:
    # A threshold of 0 has the logarithm -∞ and accepts, as in PyTorch.
    with np.errstate(divide="ignore"):
        return np.log(threshold) > log_density


def orthogonal(
    shape: tuple[int, ...],
    gain: float = 1.0,
    *,
    generator: rng.Generator | None = None,
    dtype: DTypeLike = np.float32,
) -> np.ndarray:
    """gain · Q of a QR decomposition of normals, with R's diagonal made positive.

    The normals are PyTorch's; Q is not bit for bit, since the factorisation is that of
    another library. It is computed in float64 and rounded once, so that PyTorch's own
    rounding remains: at most 9.6e-7 in float32 and 8.4e-16 in float64 over 20 seeds of
    shapes up to (128, 64), relative to `gain`.

    Args:
        shape: (out, in, *kernel); everything after `out` counts as columns.
        gain: length of the rows, or of the columns if there are fewer of them.
        generator: where the numbers come from; `rng.default_generator` if not given.
        dtype: float32 or float64.

    Raises:
        ValueError: fewer than two dimensions.

    PyTorch: `torch.nn.init.orthogonal_`.
    Reference: Saxe et al. 2013, https://arxiv.org/abs/1312.6120

    Example:
        >>> q = orthogonal((2, 3), generator=rng.Generator(0), dtype=np.float64)
        >>> bool(np.allclose(q @ q.T, np.eye(2), atol=1e-15))
        True
    """
    if len(shape) < 2:
        raise ValueError(f"orthogonal needs two dimensions or more, got {shape}")
    if 0 in shape:
        return np.empty(shape, dtype)
    rows, columns = shape[0], math.prod(shape[1:])
    matrix = normal((rows, columns), generator=generator, dtype=dtype)
    tall = matrix.T if rows < columns else matrix
    q, r = np.linalg.qr(tall.astype(np.float64))
    # Signs make the factorisation unique, and so Q uniform: Mezzadri 2007,
    # arxiv.org/abs/math-ph/0609050.
    q = (q * np.sign(np.diag(r))).astype(dtype)
    flat = q.T if rows < columns else q
    # `gain` takes the dtype of the values, as PyTorch's number does.
    return np.ascontiguousarray(flat).reshape(shape) * gain


def sparse(
    shape: tuple[int, ...],
    sparsity: float,
    std: float = 0.01,
    *,
    generator: rng.Generator | None = None,
    dtype: DTypeLike = np.float32,
) -> np.ndarray:
    """Draw from N(0, std²), then zero ceil(sparsity · rows) elements of each column.

    Args:
        shape: (rows, columns).
        sparsity: share of each column to be zeroed.
        std: standard deviation of what remains.
        generator: where the normals come from; `rng.default_generator` if not given.
            Which elements are zeroed is drawn from `rng.default_generator` in any case:
            PyTorch forgets to hand the generator on.
        dtype: float32 or float64.

    Raises:
        ValueError: the shape has not two dimensions.

    PyTorch: `torch.nn.init.sparse_`.
    Reference: Martens 2010, https://www.cs.toronto.edu/~jmartens/docs/Deep_HessianFree.pdf

    Example:
        >>> _ = rng.manual_seed(0)
        >>> (sparse((4, 3), 0.5) == 0).sum(0)
        array([2, 2, 2])
    """
    if len(shape) != 2:
        raise ValueError(f"sparse needs a shape of two dimensions, got {shape}")
    values = normal(shape, 0.0, std, generator=generator, dtype=dtype)
    rows, columns = shape
    zeros = math.ceil(sparsity * rows)
    for column in range(columns):
        values[rng.default_generator.randperm(rows)[:zeros], column] = 0
    return values
