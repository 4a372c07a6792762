"""Normalisation by the moments of a batch, of an example, or by running ones."""

from __future__ import annotations

import math

import jax

from jaxtrain.nn.functional._normalization import (
    affine,
    cast_like,
    moments,
    normalise,
    wide,
)
from jaxtrain.nn.shapes import check_size, misfit

Moved = tuple[jax.Array, jax.Array | None, jax.Array | None]


def batch_norm(
    input: jax.Array,
    running_mean: jax.Array | None,
    running_var: jax.Array | None,
    weight: jax.Array | None = None,
    bias: jax.Array | None = None,
    training: bool = False,
    momentum: float | jax.Array = 0.1,
    eps: float = 1e-5,
) -> jax.Array:
    """y = (x - mean) / sqrt(var + eps) · weight + bias, by channel.

    Mean and biased variance are the batch's in training, else the running ones. In
    training PyTorch moves the running ones in place: `batch_norm_with_statistics`
    returns them moved.

    Args:
        input: x, (N, C, *).
        running_mean: (C,), needed outside of training alone.
        running_var: (C,), likewise.
        weight: (C,).
        bias: (C,).
        training: whether the batch's own statistics are taken.
        momentum: weight of the batch's statistics in the running ones.
        eps: added to the variance.

    Raises:
        ValueError: one value per channel in training; no running statistics outside of
            it; parameters that do not fit.

    PyTorch: `torch.nn.functional.batch_norm`.

    Example:
        >>> import jax.numpy as jnp
        >>> batch_norm(jnp.array([[1.0], [3.0]]), None, None, training=True)[:, 0]
        Array([-0.999995,  0.999995], dtype=float32)
    """
    return batch_norm_with_statistics(
        input, running_mean, running_var, weight, bias, training, momentum, eps
    )[0]


def batch_norm_with_statistics(
    input: jax.Array,
    running_mean: jax.Array | None,
    running_var: jax.Array | None,
    weight: jax.Array | None = None,
    bias: jax.Array | None = None,
    training: bool = False,
    momentum: float | jax.Array = 0.1,
    eps: float = 1e-5,
) -> Moved:
    """`batch_norm`, and the running mean and variance that PyTorch would leave behind.

    r ← (1 - momentum) r + momentum s in training, where s is the batch's mean, and its
    *unbiased* variance; as they were otherwise, and where the batch is empty.

    PyTorch: `torch.nn.functional.batch_norm`, which changes its arguments.

    Example:
        >>> import jax.numpy as jnp
        >>> x, zeros, ones = jnp.array([[1.0], [3.0]]), jnp.zeros(1), jnp.ones(1)
        >>> batch_norm_with_statistics(x, zeros, ones, training=True)[1:]
        (Array([0.2], dtype=float32), Array([1.1], dtype=float32))
    """
    if input.ndim < 2:
        raise misfit("batch_norm", input, "it must have a batch and channels")
    _check_channels("batch_norm", input, running_mean, running_var, weight, bias)
    x = wide(input)
    if not training:
        mean, var = _running("batch_norm", running_mean, running_var)
        y = _by_channel(x, mean, var, weight, bias, eps)
        return cast_like(y, input), running_mean, running_var
    count = count_values(f"BatchNorm{max(input.ndim - 2, 1)}d({input.shape[1]})", input)
    mean, var = (s.reshape(-1) for s in moments(x, (0, *range(2, x.ndim))))
    y = cast_like(_by_channel(x, mean, var, weight, bias, eps), input)
    if count == 0:
        return y, running_mean, running_var
    # PyTorch's running variance is unbiased, though the biased one normalises.
    unbiased = var * (count / (count - 1))
    return (
        y,
        _move(running_mean, mean, momentum),
        _move(running_var, unbiased, momentum),
    )


def count_values(name: str, input: jax.Array) -> int:
    """How many values a channel has in a batch, but not one.

    Example:
        >>> import jax.numpy as jnp
        >>> count_values("BatchNorm1d(3)", jnp.ones((2, 3)))
        2
    """
    count = math.prod(input.shape) // max(input.shape[1], 1)
    if count == 1:
        raise misfit(name, input, "training takes more than 1 value per channel")
    return count


def instance_norm(
    input: jax.Array,
    running_mean: jax.Array | None = None,
    running_var: jax.Array | None = None,
    weight: jax.Array | None = None,
    bias: jax.Array | None = None,
    use_input_stats: bool = True,
    momentum: float | jax.Array = 0.1,
    eps: float = 1e-5,
) -> jax.Array:
    """y = (x - mean) / sqrt(var + eps) · weight + bias, by channel and example.

    Mean and biased variance are the example's, or the running ones. With running ones
    given PyTorch moves them in place: `instance_norm_with_statistics` returns them
    moved.

    Args:
        input: x, (N, C, *).
        running_mean: (C,), needed without the input's statistics alone.
        running_var: (C,), likewise.
        weight: (C,).
        bias: (C,).
        use_input_stats: whether the example's own statistics are taken.
        momentum: weight of the newest statistics in the running ones.
        eps: added to the variance.

    Raises:
        ValueError: one value per channel and example; no running statistics where they
            are needed; parameters that do not fit.

    PyTorch: `torch.nn.functional.instance_norm`.

    Example:
        >>> import jax.numpy as jnp
        >>> instance_norm(jnp.array([[[1.0, 3.0]]]))
        Array([[[-0.999995,  0.999995]]], dtype=float32)
    """
    return instance_norm_with_statistics(
        input, running_mean, running_var, weight, bias, use_input_stats, momentum, eps
    )[0]


def instance_norm_with_statistics(
    input: jax.Array,
    running_mean: jax.Array | None = None,
    running_var: jax.Array | None = None,
    weight: jax.Array | None = None,
    bias: jax.Array | None = None,
    use_input_stats: bool = True,
    momentum: float | jax.Array = 0.1,
    eps: float = 1e-5,
) -> Moved:
    """`instance_norm`, and the running statistics that PyTorch would leave behind.

    They move towards the means over the batch of the examples' means and *unbiased*
    variances.

    PyTorch: `torch.nn.functional.instance_norm`, which changes its arguments.

    Example:
        >>> import jax.numpy as jnp
        >>> x, zeros, ones = jnp.array([[[1.0, 3.0]]]), jnp.zeros(1), jnp.ones(1)
        >>> instance_norm_with_statistics(x, zeros, ones)[1:]
        (Array([0.2], dtype=float32), Array([1.1], dtype=float32))
    """
    if input.ndim < 3:
        raise misfit("instance_norm", input, "it must be (N, C, *)")
    _check_channels("instance_norm", input, running_mean, running_var, weight, bias)
    x = wide(input)
    if not use_input_stats:
        mean, var = _running("instance_norm", running_mean, running_var)
        y = _by_channel(x, mean, var, weight, bias, eps)
        return cast_like(y, input), running_mean, running_var
    count = math.prod(input.shape[2:])
    if count == 1:
        name = f"InstanceNorm{input.ndim - 2}d({input.shape[1]})"
        raise misfit(name, input, "training takes more than 1 spatial element")
    mean, var = moments(x, tuple(range(2, x.ndim)))
    y = cast_like(_by_channel(x, mean, var, weight, bias, eps), input)
    if running_mean is None and running_var is None:
        return y, None, None
    # PyTorch folds batch into channels, and averages what it tracked.
    new, spread = (s.mean(0).reshape(-1) for s in (mean, var * (count / (count - 1))))
    return y, _move(running_mean, new, momentum), _move(running_var, spread, momentum)


def _running(
    name: str, mean: jax.Array | None, var: jax.Array | None
) -> tuple[jax.Array, jax.Array]:
    if mean is None or var is None:
        raise ValueError(f"{name} needs running_mean and running_var outside training")
    return mean, var


def _check_channels(name: str, input: jax.Array, *vectors: jax.Array | None) -> None:
    for x in vectors:
        if x is not None:
            check_size(f"{name} of {x.shape[0]} channels", input, 1, x.shape[0])


def _move(
    statistic: jax.Array | None, new: jax.Array, share: float | jax.Array
) -> jax.Array | None:
    """A running statistic after a step towards that of a batch, each (C,)."""
    if statistic is None:
        return None
    # Buffers are outside of autograd in PyTorch.
    average = (1 - share) * statistic + share * jax.lax.stop_gradient(new)
    return average.astype(statistic.dtype)


def _by_channel(
    x: jax.Array,
    mean: jax.Array,
    var: jax.Array,
    weight: jax.Array | None,
    bias: jax.Array | None,
    eps: float,
) -> jax.Array:
    """x of shape (N, C, *) by statistics (C,) or (N, C, 1, …)."""
    rest = (1,) * (x.ndim - 2)
    mean, var = (s.reshape(-1, *rest) if s.ndim == 1 else s for s in (mean, var))
    weight, bias = (p if p is None else p.reshape(-1, *rest) for p in (weight, bias))
    return affine(normalise(x, mean, var, eps), weight, bias)
