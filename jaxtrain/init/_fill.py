"""Initialisers that draw nothing."""

import numpy as np
from numpy.typing import DTypeLike


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
    for first in range(0, shape[0], outputs or 1):
        for d in range(min(outputs, shape[1])):
            values[(first + d, d, *middle)] = 1
    return values
