"""Convolution as the processor at hand does it fastest."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import prod

import jax
import jax.numpy as jnp

MOST_PATCHES = 2**28
"""Elements of all patches, 1 GiB in float32: beyond it they are not written out."""


def convolve(
    x: jax.Array,
    kernel: jax.Array,
    *,
    window_strides: Sequence[int],
    padding: Sequence[tuple[int, int]],
    rhs_dilation: Sequence[int],
    lhs_dilation: Sequence[int] | None = None,
    feature_group_count: int = 1,
) -> jax.Array:
    """y[n, o] = Σ_c kernel[o, c] ⋆ x[n, c], as `lax.conv_general_dilated` has it.

    On a CPU it is one matrix product with all patches of x: inside a loop such as
    `lax.scan`, where training happens, XLA's own convolution and its gradients take
    ten to thirty times as long there.

    Example:
        >>> x, kernel = jnp.arange(5.0).reshape(1, 1, 5), jnp.ones((1, 1, 3))
        >>> convolve(x, kernel, window_strides=[2], padding=[(0, 0)], rhs_dilation=[1])
        Array([[[3., 9.]]], dtype=float32)
    """
    x, ones = jnp.asarray(x), (1,) * len(window_strides)
    interior = ones if lhs_dilation is None else lhs_dilation

    def direct(x: jax.Array, kernel: jax.Array) -> jax.Array:
        return jax.lax.conv_general_dilated(
            x,
            kernel,
            window_strides,
            padding,
            interior,
            rhs_dilation,
            feature_group_count=feature_group_count,
        )

    def unroll(x: jax.Array, kernel: jax.Array) -> jax.Array:
        spread = _spread(x, padding, interior)
        patches = _patches(spread, kernel.shape[2:], window_strides, rhs_dilation)
        return _product(patches, kernel, feature_group_count)

    size = jax.eval_shape(direct, x, kernel).shape
    if prod(kernel.shape[2:]) * x.shape[1] * size[0] * prod(size[2:]) > MOST_PATCHES:
        return direct(x, kernel)
    # Chosen where it is compiled, which may be for another device than this one.
    return jax.lax.platform_dependent(x, kernel, cpu=unroll, default=direct)


def _spread(
    x: jax.Array, padding: Sequence[tuple[int, int]], interior: Sequence[int]
) -> jax.Array:
    """(C, N, …): padded, and with zeros in between."""
    sizes = zip(padding, interior, strict=True)
    # `lax.pad` counts the zeros between two elements, a stride the steps.
    config = [(0, 0, 0)] * 2 + [(*pads, between - 1) for pads, between in sizes]
    return jax.lax.pad(x.swapaxes(0, 1), jnp.zeros((), x.dtype), config)


def _patches(
    x: jax.Array, kernel: Sequence[int], strides: Sequence[int], dilation: Sequence[int]
) -> jax.Array:
    """(C, kernel elements, N, …): for each element of the kernel what it meets."""
    reaches = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
    steps = zip(x.shape[2:], reaches, strides, strict=True)
    spans = [(size - reach - 1) // s * s + 1 for size, reach, s in steps]
    slices = []
    for place in product(*map(range, kernel)):
        starts = [i * d for i, d in zip(place, dilation, strict=True)]
        ends = [start + span for start, span in zip(starts, spans, strict=True)]
        slices.append(
            jax.lax.slice(x, (0, 0, *starts), (*x.shape[:2], *ends), (1, 1, *strides))
        )
    return jnp.stack(slices, 1)


def _product(patches: jax.Array, kernel: jax.Array, groups: int) -> jax.Array:
    batch, *out = patches.shape[2:]
    # Of each group: (in · kernel elements, N · positions), and rows (out, the same).
    size = patches.shape[0] // groups * patches.shape[1]
    columns = patches.reshape(groups, size, batch * prod(out))
    rows = kernel.reshape(groups, kernel.shape[0] // groups, size)
    if groups == 1:
        # A product of two matrices: XLA has a faster routine than for a stack of one.
        flat = rows[0] @ columns[0]
    else:
        flat = jnp.einsum("gok,gkm->gom", rows, columns)
    return flat.reshape(kernel.shape[0], batch, *out).swapaxes(0, 1)
