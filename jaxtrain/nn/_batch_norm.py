import math

import jax

from jaxtrain.nn._input import check_ndim, check_size, misfit
from jaxtrain.nn._moments import like, moments, wide
from jaxtrain.nn._running_stats import RunningNorm


class _BatchNorm(RunningNorm):
    ndims: tuple[int, ...]

    def __call__(self, input: jax.Array) -> jax.Array:
        name = f"{type(self).__name__}({self.num_features})"
        check_ndim(name, input, self.ndims)
        check_size(name, input, 1, self.num_features)
        x = wide(input)
        if self.use_running_average and self.running_mean is not None:
            y = self._normalised(x, self.running_mean[...], self.running_var[...])
            return like(y, input)
        count = math.prod(input.shape) // max(self.num_features, 1)
        if count == 1:
            raise misfit(name, input, "training takes more than 1 value per channel")
        mean, var = (s.reshape(-1) for s in moments(x, (0, *range(2, x.ndim))))
        if self.running_mean is not None:
            self._count_and_track(mean, var * (count / (count - 1)))
        return like(self._normalised(x, mean, var), input)

    def _count_and_track(self, mean: jax.Array, unbiased: jax.Array) -> None:
        self.num_batches_tracked[...] += 1
        share = self.momentum
        if share is None:
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
