"""Images read at places that are given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial, reduce
from itertools import product

import jax
import jax.numpy as jnp
import numpy as np

from jaxtrain.nn.functional._taps import CUBIC
from jaxtrain.nn.shapes import check_ndim, misfit

Pad = Callable[[jax.Array, int], jax.Array]


def affine_grid(
    theta: jax.Array, size: Sequence[int], align_corners: bool | None = None
) -> jax.Array:
    """g = θ (x, y[, z], 1)ᵀ at each place of an image, for `grid_sample`.

    Args:
        theta: θ, (N, 2, 3) or (N, 3, 4).
        size: (N, C, H, W) or (N, C, D, H, W) of the image.
        align_corners: whether -1 and 1 are the centres of the first and last elements,
            not their outer borders; False if not given.

    Raises:
        ValueError: sizes that are not positive, or do not fit θ.

    PyTorch: `torch.nn.functional.affine_grid`.

    Example:
        >>> theta = jnp.array([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]])
        >>> affine_grid(theta, (1, 1, 1, 2))
        Array([[[[-0.5,  0. ],
                 [ 0.5,  0. ]]]], dtype=float32)
    """
    n = len(size) - 2
    if n not in (2, 3) or theta.shape != (size[0], n, n + 1):
        raise misfit("affine_grid", theta, f"it must map the places of {tuple(size)}")
    if min(size) < 1:
        raise ValueError(f"affine_grid needs sizes >= 1, got {tuple(size)}")
    x = jnp.asarray(theta)
    lines = [_line(count, bool(align_corners)) for count in size[2:]]
    # (D, H, W) places with x, the last dimension's, first.
    places = np.meshgrid(*lines, indexing="ij")[::-1]
    points = jnp.asarray(np.stack([*places, np.ones_like(places[0])], -1), x.dtype)
    return jnp.einsum("...k,nik->n...i", points, x)


def _line(count: int, align_corners: bool) -> np.ndarray:
    if count == 1:
        return np.zeros(1)
    line = np.linspace(-1, 1, count)
    return line if align_corners else line * (count - 1) / count


def grid_sample(
    input: jax.Array,
    grid: jax.Array,
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: bool | None = None,
) -> jax.Array:
    """y at each place of the grid: x there, from the elements around it.

    Args:
        input: x, (N, C, H, W) or (N, C, D, H, W).
        grid: places, (N, …, 2) or (N, …, 3) with x, the last dimension's, first; -1 and
            1 are the ends of the image.
        mode: `"bilinear"`, `"nearest"`, or `"bicubic"` for images of two dimensions.
        padding_mode: what is outside: `"zeros"`, `"border"` for the nearest element, or
            `"reflection"`.
        align_corners: as for `affine_grid`.

    Raises:
        ValueError: another mode; shapes that do not fit.

    PyTorch: `torch.nn.functional.grid_sample`.

    Example:
        >>> x = jnp.array([[[[1.0, 3.0]]]])
        >>> grid_sample(x, jnp.zeros((1, 1, 1, 2)))
        Array([[[[2.]]]], dtype=float32)
    """
    _check_grid(input, grid, mode, padding_mode)
    corners, x = bool(align_corners), jnp.asarray(input)
    sizes = x.shape[2:]
    # One array for each dimension, the first of them first.
    places = [
        _unnormalise(g, size, corners)
        for g, size in zip(jnp.moveaxis(grid, -1, 0)[::-1], sizes, strict=True)
    ]
    pad = _PADS[padding_mode](corners)
    if mode == "bicubic":
        return _interpolate(x, [_cubic_taps(p, s, pad) for p, s in _zip(places, sizes)])
    places = [pad(p, size) for p, size in _zip(places, sizes)]
    if mode == "nearest":
        return _interpolate(x, [[(jnp.round(p), jnp.ones_like(p))] for p in places])
    return _interpolate(x, [_linear_taps(p) for p in places])


_zip = partial(zip, strict=True)
_MODES = ("bilinear", "nearest", "bicubic")


def _check_grid(input: jax.Array, grid: jax.Array, mode: str, padding: str) -> None:
    if mode not in _MODES or padding not in _PADS:
        raise ValueError(
            f"mode must be one of {[*_MODES]} and padding_mode one of {[*_PADS]}, "
            f"got {mode!r} and {padding!r}"
        )
    check_ndim("grid_sample", input, (4, 5))
    n = input.ndim - 2
    if grid.ndim != input.ndim or grid.shape[-1] != n or len(grid) != len(input):
        name = f"grid_sample with a grid of {grid.shape}"
        raise misfit(name, input, f"the grid must be ({len(input)}, …, {n})")
    if min(input.shape[1:]) < 1:
        raise misfit("grid_sample", input, "it has no elements to read")
    if mode == "bicubic" and n == 3:
        raise misfit("grid_sample", input, "bicubic takes 4 dimensions")


def _unnormalise(g: jax.Array, size: int, align_corners: bool) -> jax.Array:
    """From -1 … 1 to places in a dimension."""
    if align_corners:
        return (g + 1) / 2 * (size - 1)
    return ((g + 1) * size - 1) / 2


def _leave(p: jax.Array, size: int) -> jax.Array:
    return p


def _clip(p: jax.Array, size: int) -> jax.Array:
    # A NaN becomes 0, and at both ends the slope is 0: GridSampler.h.
    inside = (p > 0) & (p < size - 1)
    return jnp.where(inside, p, jnp.where(p >= size - 1, size - 1.0, 0.0))


def _reflect(p: jax.Array, size: int, align_corners: bool) -> jax.Array:
    low, high = (0.0, size - 1.0) if align_corners else (-0.5, size - 0.5)
    span = high - low
    if not span:
        return jnp.zeros_like(p)
    # The slope at the mirror itself is 1.
    offset = jnp.where(p < low, low - p, p - low)
    flips = jnp.floor(jax.lax.stop_gradient(offset) / span)
    rest = offset - flips * span
    return _clip(jnp.where(flips % 2 == 0, rest + low, span - rest + low), size)


_PADS: dict[str, Callable[[bool], Pad]] = {
    "zeros": lambda align_corners: _leave,
    "border": lambda align_corners: _clip,
    "reflection": lambda align_corners: partial(_reflect, align_corners=align_corners),
}

Place = tuple[jax.Array, jax.Array]


def _linear_taps(p: jax.Array) -> list[Place]:
    first = jnp.floor(jax.lax.stop_gradient(p))
    return [(first, first + 1 - p), (first + 1, p - first)]


def _cubic_taps(p: jax.Array, size: int, pad: Pad) -> list[Place]:
    """Four places, each padded by itself, with Keys' weights."""
    first = jnp.floor(jax.lax.stop_gradient(p))
    t, a = p - first, CUBIC

    def near(x: jax.Array) -> jax.Array:
        return ((a + 2) * x - (a + 3)) * x * x + 1

    def far(x: jax.Array) -> jax.Array:
        return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a

    weights = (far(t + 1), near(t), near(1 - t), far(2 - t))
    return [(pad(first + i, size), w) for i, w in _zip((-1, 0, 1, 2), weights)]


def _interpolate(x: jax.Array, taps: list[list[Place]]) -> jax.Array:
    """Σ of elements times the product of their weights; outside there are zeros."""
    terms = [_term(x, corner) for corner in product(*taps)]
    return jnp.moveaxis(reduce(jnp.add, terms), -1, 1)


def _term(x: jax.Array, corner: tuple[Place, ...]) -> jax.Array:
    """One element for each place of the grid, weighed, (N, …, C)."""
    sizes = x.shape[2:]
    there = [(p >= 0) & (p <= size - 1) for (p, _), size in _zip(corner, sizes)]
    inside = reduce(jnp.logical_and, there)
    weight = reduce(jnp.multiply, [share for _, share in corner])
    index = [jnp.where(i, p, 0).astype(int) for i, (p, _) in _zip(there, corner)]
    # Of each example its own places.
    batch = jnp.arange(len(x)).reshape(-1, *[1] * (weight.ndim - 1))
    values = x[(batch, slice(None), *index)]
    return jnp.where(inside[..., None], values, 0) * weight[..., None]
