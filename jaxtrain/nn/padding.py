"""Padding, by constants and by the input's own elements."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp

from jaxtrain.nn.module import Module
from jaxtrain.nn.shapes import check_ndim, misfit, per_dim

Pairs = tuple[tuple[int, int], ...]

_MODES = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}


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

    @property
    def _pairs(self) -> Pairs:
        """PyTorch names the last dimension first."""
        ends = zip(self.padding[::2], self.padding[1::2], strict=True)
        return tuple(ends)[::-1]

    def __call__(self, input: jax.Array) -> jax.Array:
        check_ndim(self._name, input, (self.n + 1, self.n + 2))
        self._check_padding(input)
        x, pairs = jnp.asarray(input), self._pairs
        if self.mode == "circular":
            # What is cropped at one end is not there to be added at the other.
            x, pairs = _crop(x, pairs), _growth(pairs)
        pads = [(0, 0)] * (x.ndim - self.n) + list(_growth(pairs))
        return _crop(jnp.pad(x, pads, mode=_MODES[self.mode]), pairs)

    def _check_padding(self, input: jax.Array) -> None:
        """Padding takes no more from the input than there is."""
        sizes = input.shape[-self.n :]
        _check_rest(self._name, input, sizes, self._pairs)
        # A mirror does not repeat the element at the edge.
        spare = {"reflect": 1, "circular": 0}.get(self.mode)
        ends = zip(sizes, self._pairs, strict=True)
        if spare is not None and any(max(pair) > size - spare for size, pair in ends):
            raise misfit(self._name, input, f"too small for {self.mode} {self.padding}")
        if 0 in sizes:
            raise misfit(self._name, input, "there is nothing to pad with")


def _growth(pairs: Pairs) -> Pairs:
    return tuple((max(before, 0), max(after, 0)) for before, after in pairs)


def _crop(x: jax.Array, pairs: Pairs) -> jax.Array:
    lead = x.ndim - len(pairs)
    spans = [slice(None)] * lead
    for size, (before, after) in zip(x.shape[lead:], pairs, strict=True):
        spans.append(slice(max(-before, 0), size - max(-after, 0)))
    return x[tuple(spans)]


def _check_rest(
    name: str, input: jax.Array, sizes: tuple[int, ...], pairs: Pairs
) -> None:
    rest = [size + sum(pair) for size, pair in zip(sizes, pairs, strict=True)]
    if min(rest) < 0:
        raise misfit(name, input, f"nothing is left of {sizes}")


class _ConstantPad(_Pad):
    def __init__(self, padding: int | Sequence[int], value: float):
        self._begin(padding)
        self.value = value

    def __call__(self, input: jax.Array) -> jax.Array:
        if input.ndim < self.n:
            raise misfit(self._name, input, f"it must have {self.n} dimensions or more")
        lead = input.ndim - self.n
        _check_rest(self._name, input, input.shape[lead:], self._pairs)
        x = jnp.asarray(input)
        pads = [(0, 0, 0)] * lead + [(*pair, 0) for pair in self._pairs]
        # `lax.pad` crops by negative sizes, which `jnp.pad` refuses.
        return jax.lax.pad(x, jnp.asarray(self.value, x.dtype), pads)


class ConstantPad1d(_ConstantPad):
    """y = x with `value` before and behind, along the last dimension.

    Args:
        padding: one number, or two: before and behind. A negative one crops.
        value: what is added.

    Raises:
        ValueError: another number of sizes, or an input of which nothing is left.

    PyTorch: `torch.nn.ConstantPad1d`.

    Example:
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
        >>> ZeroPad1d(1)(jnp.ones((1, 2)))
        Array([[0., 1., 1., 0.]], dtype=float32)
    """

    n = 1


class ZeroPad2d(_ZeroPad):
    """`ConstantPad2d` with zeros.

    PyTorch: `torch.nn.ZeroPad2d`.

    Example:
        >>> ZeroPad2d((1, -1, 0, 0))(jnp.ones((1, 1, 2)))
        Array([[[0., 1.]]], dtype=float32)
    """

    n = 2


class ZeroPad3d(_ZeroPad):
    """`ConstantPad3d` with zeros.

    PyTorch: `torch.nn.ZeroPad3d`.

    Example:
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
        >>> CircularPad3d(1)(jnp.ones((2, 3, 4, 5))).shape
        (2, 5, 6, 7)
    """

    n = 3
