"""Exponential numbers, and categories drawn by their weights."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from jaxtrain.rng import _state

MOST_CATEGORIES = 2**24
"""So many whole numbers in a row float32 holds; PyTorch takes no more weights."""


def exponentials(uniform: NDArray[np.float64], lambd: float) -> NDArray[np.float64]:
    """-log(1 - u) / λ of uniform numbers, by the C library's `log1p`.

    Example:
        >>> exponentials(np.array([0.0, 0.5]), 1.0)
        array([0.        , 0.69314718])
    """
    # NumPy's log1p is an ulp off here and there; the quotient comes first in PyTorch.
    log = np.fromiter(map(math.log1p, (-uniform).tolist()), np.float64, uniform.size)
    return (-1.0 / lambd) * log


def weights(value: ArrayLike) -> NDArray:
    """Weights that `torch.multinomial` accepts: float32 or float64, (n,) or (rows, n).

    Raises:
        TypeError: another dtype.
        ValueError: another shape; a weight that is negative, infinite or NaN; a row
            that sums to 0.

    Example:
        >>> weights([1.0, 2.0])
        array([1., 2.])
    """
    array = np.asarray(value)
    _state.float_dtype(array.dtype)
    if array.ndim not in (1, 2) or not 0 < array.shape[-1] <= MOST_CATEGORIES:
        raise ValueError(
            "multinomial needs weights of shape (n,) or (rows, n) with n from 1 to "
            f"{MOST_CATEGORIES}, got {array.shape}"
        )
    valid = (array >= 0) & (array < np.inf)
    if not valid.all():
        raise ValueError(
            f"multinomial needs finite weights >= 0, got {array[~valid][0]}"
        )
    if not array.sum(axis=-1).all():
        raise ValueError("multinomial needs a weight above 0 in each row, got zeros")
    return array


def largest(keys: NDArray, count: int) -> NDArray[np.int64]:
    """Places of the largest of each row, the largest first, int64 (rows, count).

    Example:
        >>> largest(np.array([[1.0, 3.0, 2.0]]), 2)
        array([[1, 2]])
    """
    return np.argsort(-keys, axis=-1, kind="stable")[:, :count].astype(np.int64)


def searched(rows: NDArray, uniform: NDArray[np.float64]) -> NDArray[np.int64]:
    """The first category up to which each uniform number's share of weights reaches.

    Args:
        rows: weights, (rows, n).
        uniform: numbers of [0, 1), (rows, draws).

    Example:
        >>> searched(np.array([[1.0, 3.0]]), np.array([[0.25, 0.3]]))
        array([[0, 1]])
    """
    # In the dtype of the weights and one after the other, as PyTorch adds them up.
    total = np.cumsum(rows, axis=1, dtype=rows.dtype)
    share = (total / total[:, -1:]).astype(np.float64)
    share[:, -1] = 1.0
    places = map(np.searchsorted, share, uniform)
    return np.array(list(places), np.int64).reshape(uniform.shape)
