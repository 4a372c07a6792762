"""From PyTorch's layout of a tensor to that of a JAX layer."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

Change = Callable[..., np.ndarray]


@dataclass(frozen=True)
class Leaf:
    """One JAX variable, and the PyTorch tensors that it is made of.

    Every change of layout is linear, so it serves for values, gradients and updates.
    """

    path: str
    sources: tuple[str, ...]
    change: Change
    layout: str
    """In words."""
    gradient: Change | None = None
    """For gradients, where the variable stands for a sum of PyTorch's parameters."""

    @property
    def name(self) -> str:
        """What reports call it: PyTorch's name, and the path where one is split."""
        return " + ".join(self.sources)


def same(*tensors: np.ndarray) -> np.ndarray:
    """As it is.

    Example:
        >>> same(np.ones(2))
        array([1., 1.])
    """
    (tensor,) = tensors
    return tensor


def transposed(x: np.ndarray) -> np.ndarray:
    """A `Linear` weight (out, in) as a kernel (in, out)."""
    return x.T


def channels_last_kernel(x: np.ndarray) -> np.ndarray:
    """A `ConvNd` weight (out, in, *k) as a kernel (*k, in, out).

    Example:
        >>> channels_last_kernel(np.ones((8, 3, 5, 7))).shape
        (5, 7, 3, 8)
    """
    return np.moveaxis(x, (1, 0), (-2, -1))


def flipped_kernel(x: np.ndarray) -> np.ndarray:
    """A `ConvTransposeNd` weight (in, out, *k) as a kernel (*k, in, out).

    PyTorch's layer is the gradient of a convolution, Flax's is a convolution of the
    input spread out: the one kernel is the other's mirror image.

    Example:
        >>> flipped_kernel(np.arange(3.0).reshape(1, 1, 3)).ravel()
        array([2., 1., 0.])
    """
    mirrored = np.flip(x, tuple(range(2, x.ndim)))
    return np.moveaxis(mirrored, (0, 1), (-2, -1))


def gradient_kernel(x: np.ndarray) -> np.ndarray:
    """The same for Flax's `transpose_kernel=True`: (*k, out, in), not mirrored."""
    return np.moveaxis(x, (1, 0), (-2, -1))


def activation_layouts(x: np.ndarray) -> Iterator[np.ndarray]:
    """What a tensor (N, C, *S) may look like: itself, and with channels last.

    Example:
        >>> [y.shape for y in activation_layouts(np.ones((2, 3, 4, 5)))]
        [(2, 3, 4, 5), (2, 4, 5, 3)]
    """
    yield x
    if x.ndim > 2:
        yield np.moveaxis(x, 1, -1)
