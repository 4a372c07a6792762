"""Two shuffles of 0 ... n - 1, as ATen/native/TensorFactories.cpp words them.

Each swap depends on those before it, so both are loops in Python, over a memory view
(not lists) to need no more memory than the permutation.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from jaxtrain.rng._pieces import pieces

INSIDE_OUT_FROM = (2**32 - 1) // 20
"""From so many values on, remainders of 32-bit words were too uneven for PyTorch."""


def swapped(n: int, words32: Callable[[int], NDArray[np.uint32]]) -> NDArray[np.int64]:
    """Swap place i with place i + word % (n - i), for i = 0 ... n - 2.

    Example:
        >>> swapped(4, lambda count: np.full(count, 5, np.uint32))
        array([1, 3, 0, 2])
    """
    permutation = np.arange(n, dtype=np.int64)
    view = permutation.data
    for part in pieces(n - 1):
        places = np.arange(part.start, part.stop, dtype=np.int64)
        others = words32(places.size) % (n - places) + places
        for i, other in enumerate(others.tolist(), part.start):
            view[i], view[other] = view[other], view[i]
    return permutation


def inside_out(
    n: int, words64: Callable[[int], NDArray[np.uint64]]
) -> NDArray[np.int64]:
    """Move what is in place word % (i + 1) to place i and put i there, for each i.

    Example:
        >>> inside_out(4, lambda count: np.full(count, 5, np.uint64))
        array([0, 3, 2, 1])
    """
    permutation = np.arange(n, dtype=np.int64)
    view = permutation.data
    for part in pieces(n):
        counts = np.arange(part.start + 1, part.stop + 1, dtype=np.uint64)
        others = words64(counts.size) % counts
        for i, other in enumerate(others.tolist(), part.start):
            view[i], view[other] = view[other], i
    return permutation
