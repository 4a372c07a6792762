import math

import numpy as np
from numpy.typing import DTypeLike

from jaxtrain import rng
from jaxtrain.init._random import normal


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
