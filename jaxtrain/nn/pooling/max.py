"""The largest of each window, and its way back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax

from jaxtrain.nn.functional._max_pool import MaxWindows, max_pool, max_windows
from jaxtrain.nn.functional._unpool import unpool, unpool_windows
from jaxtrain.nn.module import Module


class _MaxPool(Module):
    n: int

    def __init__(
        self,
        kernel_size: int | Sequence[int],
        stride: int | Sequence[int] | None = None,
        padding: int | Sequence[int] = 0,
        dilation: int | Sequence[int] = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ):
        name = type(self).__name__
        sizes = max_windows(name, self.n, kernel_size, stride, padding, dilation)
        self.kernel_size, self.stride, self.padding, self.dilation = sizes
        self.return_indices = return_indices
        self.ceil_mode = ceil_mode

    def __call__(self, input: jax.Array) -> Any:
        return max_pool(
            f"{type(self).__name__}({self.kernel_size})",
            input,
            MaxWindows(self.kernel_size, self.stride, self.padding, self.dilation),
            self.ceil_mode,
            self.return_indices,
        )


class MaxPool1d(_MaxPool):
    """y = max of x over each window of (N, C, L) or (C, L).

    Of equal elements the first takes the gradient.

    Args:
        kernel_size: length of a window.
        stride: distance of windows; `kernel_size` if not given.
        padding: how far windows may begin before, and end behind, the input; what is
            there is never the largest.
        dilation: distance of a window's elements.
        return_indices: whether the result is a pair, of values and their places.
        ceil_mode: whether a last window may be incomplete.

    Raises:
        ValueError: sizes that cannot be, padding beyond half a window, an input that is
            no signal or shorter than a window.

    PyTorch: `torch.nn.MaxPool1d`.

    Example:
        >>> import jax.numpy as jnp
        >>> MaxPool1d(2, return_indices=True)(jnp.array([[1.0, 2.0, 4.0, 3.0]]))
        (Array([[2., 4.]], dtype=float32), Array([[1, 2]], dtype=int32))
    """

    n = 1


class MaxPool2d(_MaxPool):
    """`MaxPool1d` for (N, C, H, W) or (C, H, W); sizes are one number, or two.

    Indices count row by row through an image.

    PyTorch: `torch.nn.MaxPool2d`.

    Example:
        >>> import jax.numpy as jnp
        >>> MaxPool2d(2)(jnp.arange(16.0).reshape(1, 4, 4))
        Array([[[ 5.,  7.],
                [13., 15.]]], dtype=float32)
    """

    n = 2


class MaxPool3d(_MaxPool):
    """`MaxPool1d` for (N, C, D, H, W) or (C, D, H, W); sizes are one number, or three.

    PyTorch: `torch.nn.MaxPool3d`.

    Example:
        >>> import jax.numpy as jnp
        >>> MaxPool3d((1, 2, 2))(jnp.ones((2, 3, 4, 4, 4))).shape
        (2, 3, 4, 2, 2)
    """

    n = 3


class _MaxUnpool(Module):
    n: int

    def __init__(
        self,
        kernel_size: int | Sequence[int],
        stride: int | Sequence[int] | None = None,
        padding: int | Sequence[int] = 0,
    ):
        name = type(self).__name__
        sizes = unpool_windows(name, self.n, kernel_size, stride, padding)
        self.kernel_size, self.stride, self.padding = sizes

    def __call__(
        self,
        input: jax.Array,
        indices: jax.Array,
        output_size: Sequence[int] | None = None,
    ) -> jax.Array:
        """The larger array.

        Args:
            input: (N, C, *) or (C, *).
            indices: places in the flattened output, of the input's shape. One beyond
                it is left out, where PyTorch raises.
            output_size: sizes of the output, alone or behind those of N and C.
        """
        return unpool(
            f"{type(self).__name__}({self.kernel_size})",
            input,
            indices,
            (self.kernel_size, self.stride, self.padding),
            output_size,
        )


class MaxUnpool1d(_MaxUnpool):
    """Values back at the places where `MaxPool1d` found them, and zeros elsewhere.

    An input is (N, C, L) or (C, L), with the pooling's indices.

    Args:
        kernel_size: of the pooling, whose default sizes the output has.
        stride: of the pooling; `kernel_size` if not given.
        padding: of the pooling.

    Raises:
        ValueError: sizes that cannot be; indices of another shape; an `output_size`
            that is not less than the stride away.

    PyTorch: `torch.nn.MaxUnpool1d`.

    Example:
        >>> import jax.numpy as jnp
        >>> MaxUnpool1d(2)(jnp.array([[3.0, 4.0]]), jnp.array([[1, 2]]))
        Array([[0., 3., 4., 0.]], dtype=float32)
    """

    n = 1


class MaxUnpool2d(_MaxUnpool):
    """`MaxUnpool1d` for (N, C, H, W) or (C, H, W); sizes are one number, or two.

    PyTorch: `torch.nn.MaxUnpool2d`.

    Example:
        >>> import jax.numpy as jnp
        >>> MaxUnpool2d(2)(jnp.ones((1, 1, 1)), jnp.array([[[3]]]))
        Array([[[0., 0.],
                [0., 1.]]], dtype=float32)
    """

    n = 2


class MaxUnpool3d(_MaxUnpool):
    """`MaxUnpool1d` for (N, C, D, H, W) or (C, D, H, W); one number, or three.

    PyTorch: `torch.nn.MaxUnpool3d`.

    Example:
        >>> import jax.numpy as jnp
        >>> MaxUnpool3d(2)(jnp.ones((1, 1, 1, 1)), jnp.zeros((1, 1, 1, 1), int)).shape
        (1, 2, 2, 2)
    """

    n = 3
