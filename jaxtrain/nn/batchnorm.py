"""Normalisation by the moments of the batch, and their running averages."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jax.typing import DTypeLike

from jaxtrain.nn.module import Module, fill_parameter
from jaxtrain.nn.normalization import affine, cast_like, moments, normalise, wide
from jaxtrain.nn.shapes import check_ndim, check_size, misfit


class RunningNorm(Module):
    """What the normalisations by channel have in common.

    Args:
        num_features: C of inputs (N, C, *).
        eps: added to the variance.
        momentum: weight of the newest statistics in the running ones; `None` weighs
            all batches equally.
        affine: whether there are a weight, ones at first, and a bias, zeros at first.
        track_running_stats: whether running statistics are kept, as the buffers
            `running_mean`, `running_var` and `num_batches_tracked`.
        bias: whether there is a bias, where there is a weight.
        dtype: of parameters and running statistics.
    """

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        *,
        bias: bool = True,
        dtype: DTypeLike = jnp.float32,
    ):
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        # The name by which Flax's `train()` and `eval()` set it.
        self.use_running_average = False
        shape = (num_features,)
        self.weight = fill_parameter(shape, 1, dtype) if affine else None
        self.bias = fill_parameter(shape, 0, dtype) if affine and bias else None
        track = track_running_stats
        zeros, ones = jnp.zeros(shape, dtype), jnp.ones(shape, dtype)
        self.running_mean: Any = nnx.BatchStat(zeros) if track else None
        self.running_var: Any = nnx.BatchStat(ones) if track else None
        # An int64 where JAX has them.
        count = jnp.zeros((), jax.dtypes.canonicalize_dtype(jnp.int64))
        self.num_batches_tracked: Any = nnx.BatchStat(count) if track else None

    def _track(self, mean: jax.Array, var: jax.Array, share: float | jax.Array) -> None:
        """Move the running statistics towards those of a batch, each (C,)."""
        for statistic, new in ((self.running_mean, mean), (self.running_var, var)):
            # Buffers are outside of autograd in PyTorch.
            average = (1 - share) * statistic[...] + share * jax.lax.stop_gradient(new)
            statistic[...] = average.astype(statistic.dtype)

    def _normalise(self, x: jax.Array, mean: jax.Array, var: jax.Array) -> jax.Array:
        """x of shape (N, C, *) by statistics (C,) or (N, C, 1, …)."""
        rest = (1,) * (x.ndim - 2)
        mean, var = (s.reshape(-1, *rest) if s.ndim == 1 else s for s in (mean, var))
        weight, bias = (
            p if p is None else p[...].reshape(-1, *rest)
            for p in (self.weight, self.bias)
        )
        return affine(normalise(x, mean, var, self.eps), weight, bias)


class _BatchNorm(RunningNorm):
    ndims: tuple[int, ...]

    def __call__(self, input: jax.Array) -> jax.Array:
        name = f"{type(self).__name__}({self.num_features})"
        check_ndim(name, input, self.ndims)
        check_size(name, input, 1, self.num_features)
        x = wide(input)
        if self.use_running_average and self.running_mean is not None:
            y = self._normalise(x, self.running_mean[...], self.running_var[...])
            return cast_like(y, input)
        count = math.prod(input.shape) // max(self.num_features, 1)
        if count == 1:
            raise misfit(name, input, "training takes more than 1 value per channel")
        mean, var = (s.reshape(-1) for s in moments(x, (0, *range(2, x.ndim))))
        if self.running_mean is not None:
            # PyTorch's running variance is unbiased, though the biased one normalises.
            self._count_and_track(mean, var * (count / (count - 1)))
        return cast_like(self._normalise(x, mean, var), input)

    def _count_and_track(self, mean: jax.Array, unbiased: jax.Array) -> None:
        self.num_batches_tracked[...] += 1
        share = self.momentum
        if share is None:
            # The count has this batch in it: the first one's share is 1.
            share = 1 / self.num_batches_tracked[...].astype(mean.dtype)
        self._track(mean, unbiased, share)


class BatchNorm1d(_BatchNorm):
    """y = (x - mean) / sqrt(var + eps) · weight + bias, by channel of (N, C[, L]).

    In training, mean and biased variance are the batch's, and the running statistics
    move by r ← (1 - momentum) r + momentum s, where s is the batch's mean, and its
    *unbiased* variance. After `eval()` the running statistics take their place. Those
    and `num_batches_tracked` are `nnx.BatchStat`s.

    Args:
        num_features: C.
        eps: added to the variance.
        momentum: weight of the newest batch; `None` weighs all batches equally.
        affine: whether there are a weight, ones at first, and a bias, zeros at first.
        track_running_stats: whether there are running statistics; without them the
            batch's are used in evaluation too.
        bias: whether there is a bias, where there is a weight.
        dtype: of parameters and running statistics.

    Raises:
        ValueError: an input has other dimensions or channels, or one value per channel
            in training.

    PyTorch: `torch.nn.BatchNorm1d`. (Flax keeps the biased variance, and its momentum
    is one minus PyTorch's.)
    Reference: Ioffe and Szegedy 2015, https://arxiv.org/abs/1502.03167

    Example:
        >>> import jax.numpy as jnp
        >>> layer = BatchNorm1d(1)
        >>> layer(jnp.array([[1.0], [3.0]]))[:, 0], layer.running_var[...]
        (Array([-0.999995,  0.999995], dtype=float32), Array([1.1], dtype=float32))
    """

    ndims = (2, 3)


class BatchNorm2d(_BatchNorm):
    """`BatchNorm1d` for images (N, C, H, W), with its arguments, buffers and errors.

    PyTorch: `torch.nn.BatchNorm2d`.

    Example:
        >>> import jax.numpy as jnp
        >>> BatchNorm2d(3)(jnp.ones((2, 3, 4, 4))).shape
        (2, 3, 4, 4)
    """

    ndims = (4,)


class BatchNorm3d(_BatchNorm):
    """`BatchNorm1d` for (N, C, D, H, W), with its arguments, buffers and errors.

    PyTorch: `torch.nn.BatchNorm3d`.

    Example:
        >>> import jax.numpy as jnp
        >>> BatchNorm3d(3)(jnp.ones((2, 3, 4, 4, 4))).shape
        (2, 3, 4, 4, 4)
    """

    ndims = (5,)
