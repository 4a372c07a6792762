"""Running means and variances, kept by batch and instance normalisation."""

from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jax.typing import DTypeLike

from jaxtrain.nn._moments import affine, normalised
from jaxtrain.nn._parameter import filled


class RunningNorm(nnx.Module):
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
        self.use_running_average = False
        shape = (num_features,)
        self.weight = filled(shape, 1, dtype) if affine else None
        self.bias = filled(shape, 0, dtype) if affine and bias else None
        kept = track_running_stats
        zeros, ones = jnp.zeros(shape, dtype), jnp.ones(shape, dtype)
        self.running_mean: Any = nnx.BatchStat(zeros) if kept else None
        self.running_var: Any = nnx.BatchStat(ones) if kept else None
        # An int64 where JAX has them.
        count = jnp.zeros((), jax.dtypes.canonicalize_dtype(jnp.int64))
        self.num_batches_tracked: Any = nnx.BatchStat(count) if kept else None

    def _track(self, mean: jax.Array, var: jax.Array, share: float | jax.Array) -> None:
        """Move the running statistics towards those of a batch, each (C,)."""
        for running, new in ((self.running_mean, mean), (self.running_var, var)):
            moved = (1 - share) * running[...] + share * jax.lax.stop_gradient(new)
            running[...] = moved.astype(running.dtype)

    def _normalised(self, x: jax.Array, mean: jax.Array, var: jax.Array) -> jax.Array:
        """x of shape (N, C, *) by statistics (C,) or (N, C, 1, …)."""
        rest = (1,) * (x.ndim - 2)
        mean, var = (s.reshape(-1, *rest) if s.ndim == 1 else s for s in (mean, var))
        weight, bias = (
            p if p is None else p[...].reshape(-1, *rest)
            for p in (self.weight, self.bias)
        )
        return affine(normalised(x, mean, var, self.eps), weight, bias)
