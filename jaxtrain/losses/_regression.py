"""Losses of real values, and of the distributions that they may come from."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
from jax.scipy.special import xlogy
from jax.typing import ArrayLike

from jaxtrain.losses._inputs import (
    REDUCTIONS,
    absolute,
    broadcast,
    check_reduction,
    check_same_shape,
    floats,
    reduce,
    total,
    with_partials,
)


def l1_loss(
    input: ArrayLike,
    target: ArrayLike,
    reduction: str = "mean",
    weight: ArrayLike | None = None,
) -> jax.Array:
    """Absolute error: l_n = |x_n - y_n|, with gradient 0 where they are equal.

    Args:
        input: predictions, of any shape.
        target: what they should be, of the same shape. PyTorch warns and broadcasts;
            here another shape is an error.
        reduction: `"mean"`, `"sum"` or `"none"`.
        weight: a factor for each element, shaped as the input. The mean is then divided
            by their sum.

    Raises:
        ValueError: shapes differ, or no such reduction.
        TypeError: the input is not floating-point.

    PyTorch: `torch.nn.functional.l1_loss`.

    Example:
        >>> print(l1_loss(jnp.array([1.0, 2.0]), jnp.array([0.0, 5.0])))
        2.0
    """
    difference, factors, dtype = _differences(input, target, weight, reduction)
    return _weighted_reduction(absolute(difference), factors, reduction).astype(dtype)


def mse_loss(
    input: ArrayLike,
    target: ArrayLike,
    reduction: str = "mean",
    weight: ArrayLike | None = None,
) -> jax.Array:
    """Squared error: l_n = (x_n - y_n)², not half of it.

    Args:
        input: predictions, of any shape.
        target: what they should be, of the same shape. PyTorch warns and broadcasts;
            here another shape is an error.
        reduction: `"mean"`, over all elements, `"sum"` or `"none"`.
        weight: a factor for each element, shaped as the input. The mean is then divided
            by their sum.

    Raises:
        ValueError: shapes differ, or no such reduction.
        TypeError: the input is not floating-point.

    PyTorch: `torch.nn.functional.mse_loss`.

    Example:
        >>> print(mse_loss(jnp.array([1.0, 2.0]), jnp.array([0.0, 5.0])))
        5.0
    """
    difference, factors, dtype = _differences(input, target, weight, reduction)
    return _weighted_reduction(jnp.square(difference), factors, reduction).astype(dtype)


def _differences(
    input: ArrayLike, target: ArrayLike, weight: ArrayLike | None, reduction: str
) -> tuple[jax.Array, jax.Array | None, jnp.dtype]:
    check_reduction(reduction)
    tensors = {"input": input, "target": target}
    if weight is not None:
        tensors["weight"] = weight
    arrays, dtype = floats(**tensors)
    check_same_shape(**dict(zip(tensors, arrays, strict=True)))
    return arrays[0] - arrays[1], arrays[2] if weight is not None else None, dtype


def _weighted_reduction(
    losses: jax.Array, weight: jax.Array | None, reduction: str
) -> jax.Array:
    if weight is None:
        return reduce(losses, reduction)
    if reduction == "mean":
        return total(losses * weight) / total(weight)
    return reduce(losses * weight, reduction)


def huber_loss(
    input: ArrayLike,
    target: ArrayLike,
    reduction: str = "mean",
    delta: float = 1.0,
    weight: ArrayLike | None = None,
) -> jax.Array:
    """Huber's loss: l_n = d²/2 where |d| < δ, else δ(|d| - δ/2), with d = x_n - y_n.

    Args:
        input: predictions, of any shape.
        target: what they should be, of the same shape. PyTorch warns and broadcasts;
            here another shape is an error.
        reduction: `"mean"`, `"sum"` or `"none"`.
        delta: δ > 0, where the parabola ends.
        weight: a factor for each element, shaped as the input. Unlike in `mse_loss` and
            `l1_loss` the mean is still over the number of elements, as in PyTorch.

    Raises:
        ValueError: shapes differ, δ is not positive, or no such reduction.
        TypeError: the input is not floating-point.

    PyTorch: `torch.nn.functional.huber_loss`.
    Reference: Huber 1964, https://doi.org/10.1214/aoms/1177703732

    Example:
        >>> print(huber_loss(jnp.array([0.5, 3.0]), jnp.zeros(2), reduction="none"))
        [0.125 2.5  ]
    """
    check_reduction(reduction)
    if not delta > 0:
        raise ValueError(
            f"huber_loss does not support non-positive values for delta: {delta}"
        )
    tensors = {"input": input, "target": target}
    if weight is not None:
        tensors["weight"] = weight
    arrays, dtype = floats(**tensors)
    check_same_shape(**dict(zip(tensors, arrays, strict=True)))
    d = arrays[0] - arrays[1]
    size = absolute(d)
    losses = jnp.where(size < delta, 0.5 * d * d, delta * (size - 0.5 * delta))
    if weight is not None:
        losses = losses * arrays[2]
    return reduce(losses, reduction).astype(dtype)


def smooth_l1_loss(
    input: ArrayLike,
    target: ArrayLike,
    reduction: str = "mean",
    beta: float = 1.0,
) -> jax.Array:
    """Smooth L1: l_n = d²/2β where |d| < β, else |d| - β/2, with d = x_n - y_n.

    That is `huber_loss(delta=beta)` divided by β; with β = 0, `l1_loss`.

    Args:
        input: predictions, of any shape.
        target: what they should be, of the same shape. PyTorch warns and broadcasts;
            here another shape is an error.
        reduction: `"mean"`, `"sum"` or `"none"`.
        beta: β ≥ 0, where the parabola ends.

    Raises:
        ValueError: shapes differ, β is negative, or no such reduction.
        TypeError: the input is not floating-point.

    PyTorch: `torch.nn.functional.smooth_l1_loss`.
    Reference: Girshick 2015, https://arxiv.org/abs/1504.08083

    Example:
        >>> print(smooth_l1_loss(jnp.array([1.0, 3.0]), jnp.zeros(2), "none", beta=2.0))
        [0.25 2.  ]
    """
    if not beta >= 0:
        raise ValueError(
            f"smooth_l1_loss does not support negative values for beta: {beta}"
        )
    if beta == 0:
        return l1_loss(input, target, reduction)
    check_reduction(reduction)
    (x, y), dtype = floats(input=input, target=target)
    check_same_shape(input=x, target=y)
    d = x - y
    size = absolute(d)
    losses = jnp.where(size < beta, 0.5 * d * d / beta, size - 0.5 * beta)
    return reduce(losses, reduction).astype(dtype)


def gaussian_nll_loss(
    input: ArrayLike,
    target: ArrayLike,
    var: ArrayLike,
    full: bool = False,
    eps: float = 1e-6,
    reduction: str = "mean",
) -> jax.Array:
    """Gaussian negative log-likelihood: l_n = (log v_n + (x_n - y_n)²/v_n)/2.

    Args:
        input: predicted means.
        target: samples; broadcasts against the input.
        var: v, predicted variances: a number, or shaped as the input, or with a last
            dimension of 1 or without it, or with any one dimension of 1.
        full: add the constant log(2π)/2.
        eps: variances below it count as ε, and still receive the gradient at ε.
        reduction: `"mean"`, `"sum"` or `"none"`.

    Raises:
        ValueError: shapes do not fit, `var` is a negative number, or no such reduction.
        TypeError: the input is not floating-point.

    A negative variance in a tensor, which PyTorch refuses, makes the loss NaN.

    PyTorch: `torch.nn.functional.gaussian_nll_loss`.
    Reference: Nix and Weigend 1994, https://doi.org/10.1109/ICNN.1994.374138

    Example:
        >>> print(gaussian_nll_loss(jnp.ones(2), jnp.zeros(2), 0.5).round(6))
        0.653426
    """
    check_reduction(reduction)
    if isinstance(var, int | float) and var < 0:
        raise ValueError(f"var has negative entry/entries: {var}")
    (x, y, v), dtype = floats(input=input, target=target, var=var)
    v = _fit_variance(v, x.shape)
    x, y, v = broadcast(input=x, target=y, var=v)
    variance = _clamp(v, jnp.full_like(v, eps))
    losses = 0.5 * (jnp.log(variance) + jnp.square(x - y) / variance)
    if full:
        losses = losses + 0.5 * math.log(2 * math.pi)
    return reduce(losses, reduction).astype(dtype)


# PyTorch clamps a copy outside of autograd: the slope is 1 below ε too.
_clamp = with_partials(
    lambda v, eps: jnp.where(v < 0, jnp.nan, jnp.maximum(v, eps)),
    lambda v, eps: jnp.ones_like(v),
    lambda v, eps: jnp.zeros_like(v),
)


def _fit_variance(var: jax.Array, shape: tuple[int, ...]) -> jax.Array:
    if var.ndim == 0 or var.shape == shape:
        return var
    if var.shape == shape[:-1]:
        return var[..., None]
    pairs = zip(var.shape, shape, strict=False)
    others = [of_var for of_var, of_input in pairs if of_var != of_input]
    if var.ndim == len(shape) and others == [1]:
        return var
    raise ValueError(
        f"var is of incorrect size: it has shape {var.shape}, and the input {shape}"
    )


def poisson_nll_loss(
    input: ArrayLike,
    target: ArrayLike,
    log_input: bool = True,
    full: bool = False,
    eps: float = 1e-8,
    reduction: str = "mean",
) -> jax.Array:
    """Poisson's negative log-likelihood: l_n = exp(x_n) - y_n·x_n.

    Args:
        input: the logarithm of the rate, or the rate itself.
        target: counts; the two shapes broadcast.
        log_input: False: the input is the rate and l_n = x_n - y_n·log(x_n + ε).
        full: add log(y_n!), by Stirling's formula, where y_n > 1.
        eps: ε.
        reduction: `"mean"`, `"sum"` or `"none"`.

    Raises:
        ValueError: shapes do not broadcast, or no such reduction.
        TypeError: the input is not floating-point.

    With `full` the gradient with respect to a target of 0 is NaN, as PyTorch's is.

    PyTorch: `torch.nn.functional.poisson_nll_loss`.

    Example:
        >>> print(poisson_nll_loss(jnp.zeros(2), jnp.array([1.0, 3.0])))
        1.0
    """
    check_reduction(reduction)
    arrays, dtype = floats(input=input, target=target)
    x, y = broadcast(input=arrays[0], target=arrays[1])
    losses = jnp.exp(x) - y * x if log_input else x - y * jnp.log(x + eps)
    if full:
        # Of Stirling's series for ln y! as much as PyTorch has.
        stirling = y * jnp.log(y) - y + 0.5 * jnp.log(2 * math.pi * y)
        losses = losses + jnp.where(y <= 1, 0, stirling)
    return reduce(losses, reduction).astype(dtype)


def kl_div(
    input: ArrayLike,
    target: ArrayLike,
    reduction: str = "mean",
    log_target: bool = False,
) -> jax.Array:
    """Kullback-Leibler divergence, element by element: l_n = y_n·(log y_n - x_n).

    Args:
        input: log-probabilities.
        target: probabilities; the two shapes broadcast.
        reduction: `"batchmean"` is the divergence, the sum divided by the batch size;
            `"mean"` divides by the number of elements, as PyTorch does with a warning;
            `"sum"` or `"none"`.
        log_target: the target too is in logarithms: l_n = exp(y_n)·(y_n - x_n).

    Raises:
        ValueError: shapes do not broadcast, or no such reduction.
        TypeError: the input is not floating-point.

    The gradient with respect to a target of probability 0 is NaN, as PyTorch's is.

    PyTorch: `torch.nn.functional.kl_div`.

    Example:
        >>> log_p, q = jnp.log(jnp.array([[0.5, 0.5]])), jnp.array([[0.0, 1.0]])
        >>> print(kl_div(log_p, q).round(6), kl_div(log_p, q, "batchmean").round(6))
        0.346574 0.693147
    """
    check_reduction(reduction, (*REDUCTIONS, "batchmean"))
    arrays, dtype = floats(input=input, target=target)
    x, y = broadcast(input=arrays[0], target=arrays[1])
    # `xlogy`, as in PyTorch, makes 0·log 0 a 0; y·(log y - x) would be NaN.
    losses = jnp.exp(y) * (y - x) if log_target else xlogy(y, y) - y * x
    if reduction != "batchmean":
        return reduce(losses, reduction).astype(dtype)
    batch = arrays[0].shape[0] if arrays[0].ndim else 1
    return (total(losses) / batch).astype(dtype)
