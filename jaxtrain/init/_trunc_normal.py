import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from jaxtrain import rng


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
    kind = np.dtype(dtype)
    scalar: Callable[[float], Any] = kind.type
    inside = _normal_cdf((b - mean) / std) - _normal_cdf((a - mean) / std)
    if inside > 0.3:
        return _redrawn(
            lambda: source.normal(shape, mean, std, kind), scalar(a), scalar(b)
        )
    peak = -0.5 * ((max(a, min(mean, b)) - mean) / std) ** 2
    return _accepted(
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


def _redrawn(draw: Callable[[], np.ndarray], a: float, b: float) -> np.ndarray:
    values = draw()
    # PyTorch draws the whole tensor again and keeps what it needs.
    while (outside := (values < a) | (values > b)).any():
        values = np.where(outside, draw(), values)
    return values


def _accepted(
    propose: Callable[[], np.ndarray],
    threshold: Callable[[], np.ndarray],
    log_density: Callable[[np.ndarray], np.ndarray],
) -> np.ndarray:
    """Rejection sampling under a density whose largest value is 1."""
    values = propose()
    pending = _rejected(threshold(), log_density(values))
    while pending.any():
        proposed = propose()
        values = np.where(pending, proposed, values)
        pending &= _rejected(threshold(), log_density(proposed))
    return values


def _rejected(threshold: np.ndarray, log_density: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore"):
        return np.log(threshold) > log_density
