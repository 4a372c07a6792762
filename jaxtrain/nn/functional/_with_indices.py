"""Pooling with the places of the largest, by PyTorch's names for it."""

from __future__ import annotations

from typing import Any

import jax

from jaxtrain.nn.functional import _adaptive_pool as adaptive_pool
from jaxtrain.nn.functional import _fractional_pool as fractional_pool
from jaxtrain.nn.functional import _max_pool as max_pool
from jaxtrain.nn.functional._adaptive_pool import Size as AdaptiveSize
from jaxtrain.nn.functional._fractional_pool import Ratio
from jaxtrain.nn.functional._max_pool import Size

Pair = tuple[jax.Array, jax.Array]


def max_pool1d_with_indices(
    input: jax.Array,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Pair:
    """`max_pool1d` with `return_indices=True`.

    PyTorch: `torch.nn.functional.max_pool1d_with_indices`.
    """
    pair: Pair = max_pool.max_pool1d(
        input, kernel_size, stride, padding, dilation, ceil_mode, True
    )
    return pair


def max_pool2d_with_indices(
    input: jax.Array,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Pair:
    """`max_pool2d` with `return_indices=True`.

    PyTorch: `torch.nn.functional.max_pool2d_with_indices`.
    """
    pair: Pair = max_pool.max_pool2d(
        input, kernel_size, stride, padding, dilation, ceil_mode, True
    )
    return pair


def max_pool3d_with_indices(
    input: jax.Array,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Pair:
    """`max_pool3d` with `return_indices=True`.

    PyTorch: `torch.nn.functional.max_pool3d_with_indices`.
    """
    pair: Pair = max_pool.max_pool3d(
        input, kernel_size, stride, padding, dilation, ceil_mode, True
    )
    return pair


def adaptive_max_pool1d_with_indices(
    input: jax.Array, output_size: AdaptiveSize, return_indices: bool = False
) -> Pair:
    """`adaptive_max_pool1d` with `return_indices=True`.

    PyTorch: `torch.nn.functional.adaptive_max_pool1d_with_indices`.
    """
    pair: Pair = adaptive_pool.adaptive_max_pool1d(input, output_size, True)
    return pair


def adaptive_max_pool2d_with_indices(
    input: jax.Array, output_size: AdaptiveSize, return_indices: bool = False
) -> Pair:
    """`adaptive_max_pool2d` with `return_indices=True`.

    PyTorch: `torch.nn.functional.adaptive_max_pool2d_with_indices`.
    """
    pair: Pair = adaptive_pool.adaptive_max_pool2d(input, output_size, True)
    return pair


def adaptive_max_pool3d_with_indices(
    input: jax.Array, output_size: AdaptiveSize, return_indices: bool = False
) -> Pair:
    """`adaptive_max_pool3d` with `return_indices=True`.

    PyTorch: `torch.nn.functional.adaptive_max_pool3d_with_indices`.
    """
    pair: Pair = adaptive_pool.adaptive_max_pool3d(input, output_size, True)
    return pair


def fractional_max_pool2d_with_indices(
    input: jax.Array,
    kernel_size: Size,
    output_size: Size | None = None,
    output_ratio: Ratio = None,
    return_indices: bool = False,
    _random_samples: Any = None,
) -> Pair:
    """`fractional_max_pool2d` with `return_indices=True`.

    PyTorch: `torch.nn.functional.fractional_max_pool2d_with_indices`.
    """
    pair: Pair = fractional_pool.fractional_max_pool2d(
        input, kernel_size, output_size, output_ratio, True, _random_samples
    )
    return pair


def fractional_max_pool3d_with_indices(
    input: jax.Array,
    kernel_size: Size,
    output_size: Size | None = None,
    output_ratio: Ratio = None,
    return_indices: bool = False,
    _random_samples: Any = None,
) -> Pair:
    """`fractional_max_pool3d` with `return_indices=True`.

    PyTorch: `torch.nn.functional.fractional_max_pool3d_with_indices`.
    """
    pair: Pair = fractional_pool.fractional_max_pool3d(
        input, kernel_size, output_size, output_ratio, True, _random_samples
    )
    return pair
