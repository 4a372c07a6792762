"""Images resized as PyTorch interpolates."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import reduce
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxtrain.nn.activation.rectifiers import with_slope
from jaxtrain.nn.module import Module
from jaxtrain.nn.pooling.adaptive import (
    AdaptiveAvgPool1d,
    AdaptiveAvgPool2d,
    AdaptiveAvgPool3d,
)
from jaxtrain.nn.shapes import check_ndim, misfit

CUBIC = -0.75
"""The free number of the cubic; Pillow and `jax.image` have -0.5."""


class Taps(NamedTuple):
    """What the outputs along one dimension read, each (outputs, elements)."""

    positions: np.ndarray
    weights: np.ndarray


def step(
    size: int, count: int, factor: float | None, align_corners: bool, kind: Any
) -> Any:
    """Distance of the places that two neighbouring outputs read, a scalar of `kind`.

    Args:
        size: of the input.
        count: of the output.
        factor: by which the size was to grow, if it was given.
        align_corners: whether the first and last elements stay where they are.
        kind: NumPy's type of the computation.

    Example:
        >>> step(4, 8, None, False, np.float32), step(3, 5, None, True, np.float32)
        (np.float32(0.5), np.float32(0.5))
    """
    if align_corners:
        return kind(size - 1) / kind(count - 1) if count > 1 else kind(0)
    # The reciprocal is the host's, rounded once: `compute_scales_value`.
    return kind(1 / factor) if factor else kind(size) / kind(count)


def nearest(size: int, count: int, factor: float | None, exact: bool) -> Taps:
    """One element for each output: the one at, or around, its place.

    Example:
        >>> nearest(2, 4, None, exact=False).positions.T
        array([[0, 0, 1, 1]])
    """
    # float32 whatever the type: `nearest_idx` in ATen/native/UpSample.h.
    scale = step(size, count, factor, False, np.float32)
    places = np.arange(count, dtype=np.float32)
    index = np.floor((places + np.float32(0.5) * exact) * scale).astype(int)
    return Taps(index.clip(0, size - 1)[:, None], np.ones((count, 1), np.float32))


def linear(
    size: int, count: int, factor: float | None, align_corners: bool, kind: Any
) -> Taps:
    """Two neighbours, weighed by how near they are.

    Example:
        >>> linear(2, 3, None, True, np.float32).weights
        array([[1. , 0. ],
               [0.5, 0.5],
               [1. , 0. ]], dtype=float32)
    """
    # PyTorch copies then, whatever the factor was.
    if size == count:
        first, rest = np.arange(count), np.zeros(count, kind)
    else:
        # Not so in `cubic`, which reads elements before the first: UpSample.h.
        places = _places(size, count, factor, align_corners, kind).clip(0, None)
        first = places.astype(int).clip(0, size - 1)
        rest = (places - first.astype(kind)).clip(0, 1)
    second = np.minimum(first + 1, size - 1)
    return Taps(np.stack([first, second], 1), np.stack([kind(1) - rest, rest], 1))


def cubic(
    size: int, count: int, factor: float | None, align_corners: bool, kind: Any
) -> Taps:
    """Four neighbours, weighed by Keys' cubic convolution with a = -0.75.

    Reference: Keys 1981, doi.org/10.1109/TASSP.1981.1163711

    Example:
        >>> cubic(4, 2, None, False, np.float32).weights[0]
        array([-0.09375,  0.59375,  0.59375, -0.09375], dtype=float32)
    """
    places = _places(size, count, factor, align_corners, kind)
    # `guard_index_and_lambda` of UpSample.h.
    first = np.floor(places).astype(int).clip(None, size - 1)
    rest = (places - first.astype(kind)).clip(0, 1)
    positions = first[:, None] + np.arange(-1, 3)
    return Taps(positions.clip(0, size - 1), _keys(rest))


def _places(
    size: int, count: int, factor: float | None, align_corners: bool, kind: Any
) -> np.ndarray:
    scale = step(size, count, factor, align_corners, kind)
    outputs = np.arange(count, dtype=kind)
    if align_corners:
        return outputs * scale
    return scale * (outputs + kind(0.5)) - kind(0.5)


def _keys(t: np.ndarray) -> np.ndarray:
    a = t.dtype.type(CUBIC)

    def near(x: np.ndarray) -> np.ndarray:
        return ((a + 2) * x - (a + 3)) * x * x + 1

    def far(x: np.ndarray) -> np.ndarray:
        return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a

    # Keys' two pieces, by PyTorch's Horner forms.
    return np.stack([far(t + 1), near(t), near(1 - t), far(2 - t)], 1)


def scale_size(size: int, factor: float) -> int:
    """⌊size · factor⌋.

    Example:
        >>> scale_size(5, 1.5)
        7
    """
    return math.floor(size * factor)


# How many dimensions behind (N, C) each mode takes.
_DIMS = {
    "nearest": (1, 2, 3),
    "nearest-exact": (1, 2, 3),
    "area": (1, 2, 3),
    "linear": (1,),
    "bilinear": (2,),
    "trilinear": (3,),
    "bicubic": (2,),
}
_SMOOTH = ("linear", "bilinear", "trilinear", "bicubic")


class Upsample(Module):
    """(N, C, *) in another size: each output from the elements around its place.

    Args:
        size: of the output, one number or one for each dimension; or
        scale_factor: what the input's sizes are multiplied by, and rounded down.
        mode: `"nearest"`, `"linear"` (N, C, L), `"bilinear"` and `"bicubic"` (N, C, H,
            W), `"trilinear"` (N, C, D, H, W); `"nearest-exact"` and `"area"` (means of
            what lies between) too.
        align_corners: whether the first and last elements stay first and last, not the
            borders of the first and last cell; for the modes that are not nearest.
        recompute_scale_factor: whether the factor is taken anew from the rounded size.

    Raises:
        ValueError: another mode; not one of `size` and `scale_factor`; `align_corners`
            or `recompute_scale_factor` where it means nothing; an input that does not
            fit.

    PyTorch: `torch.nn.Upsample`. (`jax.image.resize` has no `align_corners`, and a =
    -0.5 in its cubic.)

    Example:
        >>> x = jnp.array([[[1.0, 3.0]]])
        >>> Upsample(scale_factor=2, mode="linear")(x)
        Array([[[1. , 1.5, 2.5, 3. ]]], dtype=float32)
    """

    def __init__(
        self,
        size: int | Sequence[int] | None = None,
        scale_factor: float | Sequence[float] | None = None,
        mode: str = "nearest",
        align_corners: bool | None = None,
        recompute_scale_factor: bool | None = None,
    ):
        if mode not in _DIMS:
            raise ValueError(f"mode must be one of {[*_DIMS]}, got {mode!r}")
        if (size is None) == (scale_factor is None):
            raise ValueError(
                "one of size and scale_factor must be given, got "
                f"size={size!r}, scale_factor={scale_factor!r}"
            )
        if align_corners is not None and mode not in _SMOOTH:
            raise ValueError(f"align_corners={align_corners} means nothing to {mode!r}")
        if recompute_scale_factor and size is not None:
            raise ValueError(f"recompute_scale_factor means nothing to size={size!r}")
        self.size = _hashable(size)
        self.scale_factor = _hashable(scale_factor)
        self.mode = mode
        self.align_corners = align_corners
        self.recompute_scale_factor = recompute_scale_factor

    def __call__(self, input: jax.Array) -> jax.Array:
        name = f"Upsample(mode={self.mode!r})"
        check_ndim(name, input, tuple(n + 2 for n in _DIMS[self.mode]))
        x = jnp.asarray(input)
        sizes, factors = self._sizes(name, x)
        if min((*x.shape[2:], *sizes)) < 1:
            raise misfit(name, input, f"it cannot become {sizes}")
        if self.mode == "area":
            return _area(x, sizes)
        wide = x.astype(jnp.promote_types(x.dtype, jnp.float32))
        # The last dimension first, as PyTorch nests its sums.
        for i in reversed(range(len(sizes))):
            taps = self._taps(x.shape[2 + i], sizes[i], factors[i], wide.dtype)
            wide = _resample(wide, taps, 2 + i)
        y = wide.astype(x.dtype)
        if self.mode == "bicubic" and y.shape == x.shape:
            # PyTorch's derivative is a copy here, even where a factor moved the places.
            return with_slope(x, y, jnp.ones_like(x))
        return y

    def _sizes(
        self, name: str, x: jax.Array
    ) -> tuple[tuple[int, ...], tuple[float | None, ...]]:
        """Of the output, and the factors that are to place its elements."""
        n = x.ndim - 2
        if self.scale_factor is None:
            return _each(name, x, self.size, n), (None,) * n
        factors = _each(name, x, self.scale_factor, n)
        pairs = zip(x.shape[2:], factors, strict=True)
        sizes = tuple(scale_size(size, factor) for size, factor in pairs)
        return sizes, (None,) * n if self.recompute_scale_factor else factors

    def _taps(
        self, size: int, count: int, factor: float | None, dtype: np.dtype
    ) -> Taps:
        if self.mode not in _SMOOTH:
            return nearest(size, count, factor, exact=self.mode == "nearest-exact")
        how = cubic if self.mode == "bicubic" else linear
        return how(size, count, factor, bool(self.align_corners), np.dtype(dtype).type)


def _hashable(value: Any) -> Any:
    """One number, or a tuple of them, which Flax can compare."""
    return tuple(value) if isinstance(value, Sequence) else value


def _each(name: str, x: jax.Array, value: object, n: int) -> tuple:
    values = value if isinstance(value, tuple) else (value,) * n
    if len(values) != n:
        raise misfit(name, x, f"{value} is not one number for each of {n} dimensions")
    return values


def _area(x: jax.Array, sizes: tuple[int, ...]) -> jax.Array:
    pools = (AdaptiveAvgPool1d, AdaptiveAvgPool2d, AdaptiveAvgPool3d)
    return pools[len(sizes) - 1](sizes)(x)


def _resample(x: jax.Array, taps: Taps, dim: int) -> jax.Array:
    if taps.positions.shape[1] == 1:
        return jnp.take(x, taps.positions[:, 0], axis=dim)
    rest = [1] * (x.ndim - dim - 1)
    columns = zip(taps.positions.T, taps.weights.T, strict=True)
    terms = [
        jnp.take(x, places, axis=dim) * jnp.asarray(weights, x.dtype).reshape(-1, *rest)
        for places, weights in columns
    ]
    return reduce(jnp.add, terms)


class UpsamplingNearest2d(Upsample):
    """`Upsample(mode="nearest")` for (N, C, H, W).

    PyTorch: `torch.nn.UpsamplingNearest2d`.

    Example:
        >>> UpsamplingNearest2d(scale_factor=2)(jnp.ones((1, 3, 4, 5))).shape
        (1, 3, 8, 10)
    """

    def __init__(
        self,
        size: int | Sequence[int] | None = None,
        scale_factor: float | Sequence[float] | None = None,
    ):
        super().__init__(size, scale_factor)


class UpsamplingBilinear2d(Upsample):
    """`Upsample(mode="bilinear", align_corners=True)` for (N, C, H, W).

    PyTorch: `torch.nn.UpsamplingBilinear2d`.

    Example:
        >>> UpsamplingBilinear2d(size=3)(jnp.ones((1, 3, 4, 5))).shape
        (1, 3, 3, 3)
    """

    def __init__(
        self,
        size: int | Sequence[int] | None = None,
        scale_factor: float | Sequence[float] | None = None,
    ):
        super().__init__(size, scale_factor, "bilinear", align_corners=True)
