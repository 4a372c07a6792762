from collections.abc import Sequence
from functools import reduce
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from jaxtrain.nn._adaptive_pool import (
    AdaptiveAvgPool1d,
    AdaptiveAvgPool2d,
    AdaptiveAvgPool3d,
)
from jaxtrain.nn._input import check_ndim, misfit
from jaxtrain.nn._interpolation import Taps, cubic, grown, linear, nearest
from jaxtrain.nn._slope import with_slope

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


class Upsample(nnx.Module):
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
        self.size = _kept(size)
        self.scale_factor = _kept(scale_factor)
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
            wide = _weighed(wide, taps, 2 + i)
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
        sizes = tuple(grown(size, factor) for size, factor in pairs)
        return sizes, (None,) * n if self.recompute_scale_factor else factors

    def _taps(
        self, size: int, count: int, factor: float | None, dtype: np.dtype
    ) -> Taps:
        if self.mode not in _SMOOTH:
            return nearest(size, count, factor, exact=self.mode == "nearest-exact")
        how = cubic if self.mode == "bicubic" else linear
        return how(size, count, factor, bool(self.align_corners), np.dtype(dtype).type)


def _kept(given: Any) -> Any:
    """One number, or a tuple of them, which Flax can compare."""
    return tuple(given) if isinstance(given, Sequence) else given


def _each(name: str, x: jax.Array, given: object, n: int) -> tuple:
    values = given if isinstance(given, tuple) else (given,) * n
    if len(values) != n:
        raise misfit(name, x, f"{given} is not one number for each of {n} dimensions")
    return values


def _area(x: jax.Array, sizes: tuple[int, ...]) -> jax.Array:
    pools = (AdaptiveAvgPool1d, AdaptiveAvgPool2d, AdaptiveAvgPool3d)
    return pools[len(sizes) - 1](sizes)(x)


def _weighed(x: jax.Array, taps: Taps, dim: int) -> jax.Array:
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
