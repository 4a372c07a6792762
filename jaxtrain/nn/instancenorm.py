"""Normalisation of each channel of each example."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax.typing import DTypeLike

from jaxtrain.nn import functional as F
from jaxtrain.nn.batchnorm import RunningNorm
from jaxtrain.nn.module import value
from jaxtrain.nn.shapes import check_ndim, check_size


class _InstanceNorm(RunningNorm):
    batched_ndim: int

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        *,
        bias: bool = True,
        dtype: DTypeLike = jnp.float32,
    ):
        super().__init__(
            num_features,
            eps,
            momentum,
            affine,
            track_running_stats,
            bias=bias,
            dtype=dtype,
        )

    def __call__(self, input: jax.Array) -> jax.Array:
        name = f"{type(self).__name__}({self.num_features})"
        check_ndim(name, input, (self.batched_ndim - 1, self.batched_ndim))
        if self.weight is not None or self.running_mean is not None:
            check_size(name, input, 1 - self.batched_ndim, self.num_features)
        batched = input.ndim == self.batched_ndim
        output, *moved = F.instance_norm_with_statistics(
            input if batched else input[None],
            value(self.running_mean),
            value(self.running_var),
            value(self.weight),
            value(self.bias),
            self._by_batch,
            # PyTorch takes no momentum for one of 0 here, and counts no batches.
            0.0 if self.momentum is None else self.momentum,
            self.eps,
        )
        if self._by_batch:
            self._update(*moved)
        return output if batched else output[0]


class InstanceNorm1d(_InstanceNorm):
    """y = (x - mean) / sqrt(var + eps), by channel and example of (N, C, L) or (C, L).

    The variance is the biased one. Running statistics, if kept, move towards the
    means over the batch of the examples' means and *unbiased* variances, and are used
    after `eval()`.

    Args:
        num_features: C; without parameters and running statistics it is not used.
        eps: added to the variance.
        momentum: weight of the newest batch in the running statistics.
        affine: whether there are a weight, ones at first, and a bias, zeros at first.
        track_running_stats: whether there are running statistics.
        bias: whether there is a bias, where there is a weight.
        dtype: of parameters and running statistics.

    Raises:
        ValueError: an input has other dimensions or channels, or one value per channel
            and example in training.

    PyTorch: `torch.nn.InstanceNorm1d`.
    Reference: Ulyanov et al. 2016, https://arxiv.org/abs/1607.08022

    Example:
        >>> InstanceNorm1d(1)(jnp.array([[[1.0, 3.0]]]))
        Array([[[-0.999995,  0.999995]]], dtype=float32)
    """

    batched_ndim = 3


class InstanceNorm2d(_InstanceNorm):
    """`InstanceNorm1d` for (N, C, H, W) or (C, H, W): arguments, errors are the same.

    PyTorch: `torch.nn.InstanceNorm2d`.

    Example:
        >>> InstanceNorm2d(3)(jnp.ones((2, 3, 4, 4))).shape
        (2, 3, 4, 4)
    """

    batched_ndim = 4


class InstanceNorm3d(_InstanceNorm):
    """`InstanceNorm1d` for (N, C, D, H, W) or (C, D, H, W), with its arguments, errors.

    PyTorch: `torch.nn.InstanceNorm3d`.

    Example:
        >>> InstanceNorm3d(3)(jnp.ones((2, 3, 4, 4, 4))).shape
        (2, 3, 4, 4, 4)
    """

    batched_ndim = 5
