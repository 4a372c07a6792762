"""Images resized as PyTorch interpolates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax

from jaxtrain.nn import functional as F
from jaxtrain.nn.functional._upsampling import check_resize
from jaxtrain.nn.module import Module


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
        >>> import jax.numpy as jnp
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
        check_resize(size, scale_factor, mode, align_corners, recompute_scale_factor)
        self.size = _hashable(size)
        self.scale_factor = _hashable(scale_factor)
        self.mode = mode
        self.align_corners = align_corners
        self.recompute_scale_factor = recompute_scale_factor

    def __call__(self, input: jax.Array) -> jax.Array:
        return F.interpolate(
            input,
            self.size,
            self.scale_factor,
            self.mode,
            self.align_corners,
            self.recompute_scale_factor,
        )


def _hashable(value: Any) -> Any:
    """One number, or a tuple of them, which Flax can compare."""
    return tuple(value) if isinstance(value, Sequence) else value


class UpsamplingNearest2d(Upsample):
    """`Upsample(mode="nearest")` for (N, C, H, W).

    PyTorch: `torch.nn.UpsamplingNearest2d`.

    Example:
        >>> import jax.numpy as jnp
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
        >>> import jax.numpy as jnp
        >>> UpsamplingBilinear2d(size=3)(jnp.ones((1, 3, 4, 5))).shape
        (1, 3, 3, 3)
    """

    def __init__(
        self,
        size: int | Sequence[int] | None = None,
        scale_factor: float | Sequence[float] | None = None,
    ):
        super().__init__(size, scale_factor, "bilinear", align_corners=True)
