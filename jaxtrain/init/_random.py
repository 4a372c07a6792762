import numpy as np
from numpy.typing import DTypeLike

from jaxtrain import rng


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
