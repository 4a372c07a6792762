"""Normalisation by the moments of the batch, and their running averages."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jax.typing import DTypeLike

from jaxtrain.nn import functional as F
from jaxtrain.nn.functional._batchnorm import count_values
from jaxtrain.nn.module import Module, fill_parameter, value
from jaxtrain.nn.shapes import check_ndim, check_size


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

    def _update(self, mean: jax.Array | None, var: jax.Array | None) -> None:
        """Take over running statistics, if there are any."""
        for statistic, new in ((self.running_mean, mean), (self.running_var, var)):
            if statistic is not None:
                statistic[...] = new

    @property
    def _by_batch(self) -> bool:
        """Whether the batch's own statistics are taken."""
        return not self.use_running_average or self.running_mean is None


class _BatchNorm(RunningNorm):
    ndims: tuple[int, ...]

    def __call__(self, input: jax.Array) -> jax.Array:
        name = f"{type(self).__name__}({self.num_features})"
        check_ndim(name, input, self.ndims)
        check_size(name, input, 1, self.num_features)
        if self._by_batch:
            # Before the batch counts.
            count_values(name, input)
        output, *moved = F.batch_norm_with_statistics(
            input,
            value(self.running_mean),
            value(self.running_var),
            value(self.weight),
            value(self.bias),
            self._by_batch,
            self._count(input.dtype) if self._by_batch else 0.0,
            self.eps,
        )
        if self._by_batch:
            self._update(*moved)
        return output

    def _count(self, dtype: DTypeLike) -> float | jax.Array:
        """One batch more, and what it counts for."""
        if self.num_batches_tracked is None:
            return 0.0
        self.num_batches_tracked[...] += 1
        if self.momentum is not None:
            return self.momentum
        # The count has this batch in it: the first one's share is 1.
        wide = jnp.promote_types(dtype, jnp.float32)
        return 1 / self.num_batches_tracked[...].astype(wide)


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
