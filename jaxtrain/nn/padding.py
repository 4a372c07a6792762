"""Padding, by constants and by the input's own elements."""

from __future__ import annotations

from collections.abc import Sequence

import jax

from jaxtrain.nn.functional._padding import pad_constant, pad_from_input, pair_ends
from jaxtrain.nn.module import Module
from jaxtrain.nn.shapes import per_dim


class _Pad(Module):
    """(before, after) of each of the last n dimensions; a negative number crops."""

    n: int
    mode: str

    def __init__(self, padding: int | Sequence[int]):
        self._begin(padding)

    def _begin(self, padding: int | Sequence[int]) -> None:
        sizes = per_dim(type(self).__name__, "padding", padding, 2 * self.n)
        self.padding = sizes

    @property
    def _name(self) -> str:
        return f"{type(self).__name__}({self.padding})"

    def __call__(self, input: jax.Array) -> jax.Array:
        pairs = pair_ends(self.padding)
        return pad_from_input(self._name, input, pairs, self.mode)


class _ConstantPad(_Pad):
    def __init__(self, padding: int | Sequence[int], value: float):
        self._begin(padding)
        self.value = value

    def __call__(self, input: jax.Array) -> jax.Array:
        return pad_constant(self._name, input, pair_ends(self.padding), self.value)


class ConstantPad1d(_ConstantPad):
    """y = x with `value` before and behind, along the last dimension.

    Args:
        padding: one number, or two: before and behind. A negative one crops.
        value: what is added.

    Raises:
        ValueError: another number of sizes, or an input of which nothing is left.

    PyTorch: `torch.nn.ConstantPad1d`.

    Example:
        >>> import jax.numpy as jnp
        >>> ConstantPad1d((1, 2), 9.0)(jnp.ones((1, 2)))
        Array([[9., 1., 1., 9., 9.]], dtype=float32)
    """

    n = 1


class ConstantPad2d(_ConstantPad):
    """`ConstantPad1d` along the last two dimensions.

    Args:
        padding: one number, or four: left, right, top, bottom.
        value: what is added.

    PyTorch: `torch.nn.ConstantPad2d`.

    Example:
        >>> import jax.numpy as jnp
        >>> ConstantPad2d((1, 0, 0, 2), 9.0)(jnp.ones((3, 4, 5))).shape
        (3, 6, 6)
    """

    n = 2


class ConstantPad3d(_ConstantPad):
    """`ConstantPad1d` along the last three dimensions.

    Args:
        padding: one number, or six: left, right, top, bottom, front, back.
        value: what is added.

    PyTorch: `torch.nn.ConstantPad3d`.

    Example:
        >>> import jax.numpy as jnp
        >>> ConstantPad3d(1, 0.5)(jnp.ones((2, 3, 4, 5))).shape
        (2, 5, 6, 7)
    """

    n = 3


class _ZeroPad(_ConstantPad):
    def __init__(self, padding: int | Sequence[int]):
        super().__init__(padding, 0.0)


class ZeroPad1d(_ZeroPad):
    """`ConstantPad1d` with zeros.

    PyTorch: `torch.nn.ZeroPad1d`.

    Example:
        >>> import jax.numpy as jnp
        >>> ZeroPad1d(1)(jnp.ones((1, 2)))
        Array([[0., 1., 1., 0.]], dtype=float32)
    """

    n = 1


class ZeroPad2d(_ZeroPad):
    """`ConstantPad2d` with zeros.

    PyTorch: `torch.nn.ZeroPad2d`.

    Example:
        >>> import jax.numpy as jnp
        >>> ZeroPad2d((1, -1, 0, 0))(jnp.ones((1, 1, 2)))
        Array([[[0., 1.]]], dtype=float32)
    """

    n = 2


class ZeroPad3d(_ZeroPad):
    """`ConstantPad3d` with zeros.

    PyTorch: `torch.nn.ZeroPad3d`.

    Example:
        >>> import jax.numpy as jnp
        >>> ZeroPad3d(1)(jnp.ones((2, 3, 4, 5))).shape
        (2, 5, 6, 7)
    """

    n = 3


class _ReflectionPad(_Pad):
    mode = "reflect"


class ReflectionPad1d(_ReflectionPad):
    """x mirrored at its first and last element, which do not occur twice.

    An input is (N, C, L) or (C, L).

    Args:
        padding: one number, or two: before and behind; less than L. A negative one
            crops.

    Raises:
        ValueError: another number of sizes, or an input that does not fit.

    PyTorch: `torch.nn.ReflectionPad1d`.

    Example:
        >>> import jax.numpy as jnp
        >>> ReflectionPad1d((2, 1))(jnp.array([[1.0, 2.0, 3.0]]))
        Array([[3., 2., 1., 2., 3., 2.]], dtype=float32)
    """

    n = 1


class ReflectionPad2d(_ReflectionPad):
    """`ReflectionPad1d` for (N, C, H, W) or (C, H, W).

    Args:
        padding: one number, or four: left, right, top, bottom.

    PyTorch: `torch.nn.ReflectionPad2d`.

    Example:
        >>> import jax.numpy as jnp
        >>> ReflectionPad2d(1)(jnp.ones((3, 4, 5))).shape
        (3, 6, 7)
    """

    n = 2


class ReflectionPad3d(_ReflectionPad):
    """`ReflectionPad1d` for (N, C, D, H, W) or (C, D, H, W).

    Args:
        padding: one number, or six: left, right, top, bottom, front, back.

    PyTorch: `torch.nn.ReflectionPad3d`.

    Example:
        >>> import jax.numpy as jnp
        >>> ReflectionPad3d(1)(jnp.ones((2, 3, 4, 5))).shape
        (2, 5, 6, 7)
    """

    n = 3


class _ReplicationPad(_Pad):
    mode = "replicate"


class ReplicationPad1d(_ReplicationPad):
    """x with its first and last element repeated.

    An input is (N, C, L) or (C, L).

    Args:
        padding: one number, or two: before and behind. A negative one crops.

    Raises:
        ValueError: another number of sizes, or an input that does not fit.

    PyTorch: `torch.nn.ReplicationPad1d`.

    Example:
        >>> import jax.numpy as jnp
        >>> ReplicationPad1d((2, 1))(jnp.array([[1.0, 2.0]]))
        Array([[1., 1., 1., 2., 2.]], dtype=float32)
    """

    n = 1


class ReplicationPad2d(_ReplicationPad):
    """`ReplicationPad1d` for (N, C, H, W) or (C, H, W).

    Args:
        padding: one number, or four: left, right, top, bottom.

    PyTorch: `torch.nn.ReplicationPad2d`.

    Example:
        >>> import jax.numpy as jnp
        >>> ReplicationPad2d(1)(jnp.ones((3, 4, 5))).shape
        (3, 6, 7)
    """

    n = 2


class ReplicationPad3d(_ReplicationPad):
    """`ReplicationPad1d` for (N, C, D, H, W) or (C, D, H, W).

    Args:
        padding: one number, or six: left, right, top, bottom, front, back.

    PyTorch: `torch.nn.ReplicationPad3d`.

    Example:
        >>> import jax.numpy as jnp
        >>> ReplicationPad3d(1)(jnp.ones((2, 3, 4, 5))).shape
        (2, 5, 6, 7)
    """

    n = 3


class _CircularPad(_Pad):
    mode = "circular"


class CircularPad1d(_CircularPad):
    """x with its end before it and its beginning behind it.

    An input is (N, C, L) or (C, L).

    Args:
        padding: one number, or two: before and behind; L at most. A negative one crops.

    Raises:
        ValueError: another number of sizes, or an input that does not fit.

    PyTorch: `torch.nn.CircularPad1d`.

    Example:
        >>> import jax.numpy as jnp
        >>> CircularPad1d((2, 1))(jnp.array([[1.0, 2.0, 3.0]]))
        Array([[2., 3., 1., 2., 3., 1.]], dtype=float32)
    """

    n = 1


class CircularPad2d(_CircularPad):
    """`CircularPad1d` for (N, C, H, W) or (C, H, W).

    Args:
        padding: one number, or four: left, right, top, bottom.

    PyTorch: `torch.nn.CircularPad2d`.

    Example:
        >>> import jax.numpy as jnp
        >>> CircularPad2d(1)(jnp.ones((3, 4, 5))).shape
        (3, 6, 7)
    """

    n = 2


class CircularPad3d(_CircularPad):
    """`CircularPad1d` for (N, C, D, H, W) or (C, D, H, W).

    Args:
        padding: one number, or six: left, right, top, bottom, front, back.

    PyTorch: `torch.nn.CircularPad3d`.

    Example:
        >>> import jax.numpy as jnp
        >>> CircularPad3d(1)(jnp.ones((2, 3, 4, 5))).shape
        (2, 5, 6, 7)
    """

    n = 3
