"""Images resized as PyTorch interpolates."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial, reduce

import jax
import jax.numpy as jnp
import numpy as np

from jaxtrain.nn.functional._adaptive_pool import adaptive_avg_pool
from jaxtrain.nn.functional._rectifiers import with_slope
from jaxtrain.nn.functional._taps import (
    Taps,
    bump,
    cubic,
    lanczos,
    linear,
    nearest,
    scale_size,
    smoothed,
    triangle,
)
from jaxtrain.nn.shapes import check_ndim, misfit

Size = int | Sequence[int] | None
Factor = float | Sequence[float] | None

# How many dimensions behind (N, C) each mode takes.
_DIMS = {
    "nearest": (1, 2, 3),
    "nearest-exact": (1, 2, 3),
    "area": (1, 2, 3),
    "linear": (1,),
    "bilinear": (2,),
    "trilinear": (3,),
    "bicubic": (2,),
    "lanczos": (2,),
}
_SMOOTH = ("linear", "bilinear", "trilinear", "bicubic", "lanczos")
_ANTIALIAS = {
    "bilinear": partial(smoothed, reach=1, curve=triangle),
    "bicubic": partial(smoothed, reach=2, curve=bump),
    "lanczos": partial(smoothed, reach=3, curve=lanczos),
}


def check_resize(
    size: Size,
    scale_factor: Factor,
    mode: str,
    align_corners: bool | None,
    recompute_scale_factor: bool | None,
    antialias: bool = False,
) -> None:
    """Let the arguments of `interpolate` pass that go together.

    Example:
        >>> check_resize(3, None, "nearest", None, None)
    """
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
    if mode == "lanczos" and not antialias:
        raise ValueError("mode='lanczos' needs antialias=True")
    if antialias and mode not in _ANTIALIAS:
        raise ValueError(f"antialias=True is for {[*_ANTIALIAS]}, got {mode!r}")


def interpolate(
    input: jax.Array,
    size: Size = None,
    scale_factor: Factor = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> jax.Array:
    """(N, C, *) in another size: each output from the elements around its place.

    Args:
        input: (N, C, L), (N, C, H, W) or (N, C, D, H, W).
        size: of the output, one number or one for each dimension; or
        scale_factor: what the input's sizes are multiplied by, and rounded down.
        mode: `"nearest"`, `"linear"` (N, C, L), `"bilinear"` and `"bicubic"` (N, C, H,
            W), `"lanczos"` with `antialias`, `"trilinear"` (N, C, D, H, W);
            `"nearest-exact"` and `"area"` (means of
            what lies between) too.
        align_corners: whether the first and last elements stay first and last, not the
            borders of the first and last cell; for the modes that are not nearest.
        recompute_scale_factor: whether the factor is taken anew from the rounded size.
        antialias: whether an output that stands for several elements is a mean of them,
            as Pillow has it; for `"bilinear"`, `"bicubic"` and `"lanczos"`.

    Raises:
        ValueError: another mode; not one of `size` and `scale_factor`; arguments where
            they mean nothing; an input that does not fit.

    PyTorch: `torch.nn.functional.interpolate`. (`jax.image.resize` has no
    `align_corners`, and a = -0.5 in its cubic.)

    Example:
        >>> x = jnp.array([[[1.0, 3.0]]])
        >>> interpolate(x, scale_factor=2, mode="linear")
        Array([[[1. , 1.5, 2.5, 3. ]]], dtype=float32)
    """
    check_resize(
        size, scale_factor, mode, align_corners, recompute_scale_factor, antialias
    )
    name = f"Upsample(mode={mode!r})"
    check_ndim(name, input, tuple(n + 2 for n in _DIMS[mode]))
    x = jnp.asarray(input)
    sizes, factors = _sizes(name, x, size, scale_factor)
    if recompute_scale_factor:
        factors = (None,) * len(sizes)
    if min((*x.shape[2:], *sizes)) < 1:
        raise misfit(name, input, f"it cannot become {sizes}")
    if mode == "area":
        return adaptive_avg_pool(name, x, sizes)
    wide = x.astype(jnp.promote_types(x.dtype, jnp.float32))
    kind = np.dtype(wide.dtype).type
    # The last dimension first, as PyTorch nests its sums.
    for i in reversed(range(len(sizes))):
        where = (x.shape[2 + i], sizes[i], factors[i])
        if mode not in _SMOOTH:
            taps = nearest(*where, exact=mode == "nearest-exact")
        elif antialias:
            taps = _ANTIALIAS[mode](*where, bool(align_corners), kind)
        else:
            how = cubic if mode == "bicubic" else linear
            taps = how(*where, bool(align_corners), kind)
        wide = _resample(wide, taps, 2 + i)
    y = wide.astype(x.dtype)
    if mode == "bicubic" and y.shape == x.shape and not antialias:
        # PyTorch's derivative is a copy here, even where a factor moved the places.
        return with_slope(x, y, jnp.ones_like(x))
    return y


def upsample(
    input: jax.Array,
    size: Size = None,
    scale_factor: Factor = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
) -> jax.Array:
    """`interpolate` by its older name.

    PyTorch: `torch.nn.functional.upsample`.

    Example:
        >>> upsample(jnp.ones((1, 3, 4)), 8).shape
        (1, 3, 8)
    """
    return interpolate(input, size, scale_factor, mode, align_corners)


def upsample_nearest(
    input: jax.Array, size: Size = None, scale_factor: Factor = None
) -> jax.Array:
    """`interpolate(mode="nearest")`.

    PyTorch: `torch.nn.functional.upsample_nearest`.

    Example:
        >>> upsample_nearest(jnp.ones((1, 3, 4, 5)), scale_factor=2).shape
        (1, 3, 8, 10)
    """
    return interpolate(input, size, scale_factor)


def upsample_bilinear(
    input: jax.Array, size: Size = None, scale_factor: Factor = None
) -> jax.Array:
    """`interpolate(mode="bilinear", align_corners=True)`.

    PyTorch: `torch.nn.functional.upsample_bilinear`.

    Example:
        >>> upsample_bilinear(jnp.ones((1, 3, 4, 5)), size=3).shape
        (1, 3, 3, 3)
    """
    return interpolate(input, size, scale_factor, "bilinear", align_corners=True)


def _sizes(
    name: str, x: jax.Array, size: Size, scale_factor: Factor
) -> tuple[tuple[int, ...], tuple[float | None, ...]]:
    """Of the output, and the factors that are to place its elements."""
    n = x.ndim - 2
    if scale_factor is None:
        return _each(name, x, size, n), (None,) * n
    factors = _each(name, x, scale_factor, n)
    pairs = zip(x.shape[2:], factors, strict=True)
    return tuple(scale_size(size, factor) for size, factor in pairs), factors


def _each(name: str, x: jax.Array, value: object, n: int) -> tuple:
    values = tuple(value) if isinstance(value, Sequence) else (value,) * n
    if len(values) != n:
        raise misfit(name, x, f"{value} is not one number for each of {n} dimensions")
    return values


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
