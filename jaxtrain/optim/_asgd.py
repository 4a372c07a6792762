"""Averaged stochastic gradient descent."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from jaxtrain.optim._build import (
    Tensors,
    build,
    check_not_negative,
    check_numbers,
    check_rate,
    shrink,
)
from jaxtrain.optim._hyper import Hyper, Hyperparameter, at_first, opmath_dtype


class AsgdState(NamedTuple):
    """State of `asgd`."""

    count: jax.Array  # type: ignore[assignment]
    """Updates so far."""
    eta: optax.Updates
    """η, the next update's learning rate; a scalar for each parameter."""
    mu: optax.Updates
    """μ, the next update's weight in the average; a scalar for each parameter."""
    ax: optax.Updates
    """The averaged parameters, the method's answer."""


def asgd(
    lr: Hyperparameter = 1e-2,
    lambd: float = 1e-4,
    alpha: float = 0.75,
    t0: float = 1e6,
    weight_decay: float = 0.0,
    maximize: bool = False,
) -> optax.GradientTransformationExtraArgs:
    """Averaged SGD: p ← p(1 - λη) - ηg, and the state's ax ← ax + μ(p - ax).

    g is the gradient plus `weight_decay`·p. After update t, η is
    lr/(1 + λ·lr·t)^`alpha` and μ is 1/max(1, t - t₀); at the first, η is lr and μ is 1.
    While μ is 1, ax is p.

    Args:
        lr: learning rate; a number, or a schedule called with the number of updates so
            far. `update(…, lr=value)` overrides it, without a recompilation. But for
            the first, an update moves by the rate of the one before it.
        lambd: λ.
        alpha: how fast η falls.
        t0: t₀, the update after which to average.
        weight_decay: factor of the L2 penalty's gradient.
        maximize: ascend.

    Raises:
        ValueError: `lr`, `lambd`, `alpha` or `weight_decay` is negative.

    PyTorch: `torch.optim.ASGD`.
    Reference: Polyak and Juditsky 1992, https://doi.org/10.1137/0330046; as in Bottou
    2010, https://leon.bottou.org/publications/pdf/compstat-2010.pdf

    Example:
        >>> tx = asgd(lr=0.5, lambd=0.0, t0=0)
        >>> params = jnp.array([1.0])
        >>> state = tx.init(params)
        >>> for _ in range(3):
        ...     updates, state = tx.update(jnp.array([1.0]), state, params)
        ...     params = optax.apply_updates(params, updates)
        >>> params, state.ax
        (Array([-0.5], dtype=float32), Array([-0.25], dtype=float32))
    """
    check_rate(lr)
    for name, value in (
        ("lambd value", lambd),
        ("alpha value", alpha),
        ("weight_decay value", weight_decay),
    ):
        check_not_negative(name, value)
    check_numbers(t0=t0)

    return build(
        AsgdState,
        {"lr": lr},
        {
            "eta": lambda p: jnp.asarray(at_first(lr), opmath_dtype(p.dtype)),
            "mu": lambda p: jnp.ones([], opmath_dtype(p.dtype)),
            "ax": jnp.zeros_like,
        },
        partial(_step, lambd=lambd, alpha=alpha, t0=t0),
        weight_decay=weight_decay,
        maximize=maximize,
        needs_params=True,
    )


def _step(
    p: jax.Array | None,
    g: jax.Array,
    state: Tensors,
    hyper: Hyper,
    *,
    lambd: float,
    alpha: float,
    t0: float,
) -> tuple[jax.Array, Tensors]:
    assert p is not None
    lr = hyper.number("lr")
    # PyTorch makes its state in the first step, from the rate in force then.
    eta = jnp.where(hyper.count == 0, lr, state["eta"])
    # The η of the update before: PyTorch renews it last.
    update = shrink(p, eta, jnp.asarray(lambd, p.dtype)) - eta * g
    after, ax, mu = p + update, state["ax"], state["mu"]
    return update, {
        "eta": lr / (1 + lambd * lr * hyper.t) ** alpha,
        "mu": 1 / jnp.maximum(1, hyper.t - t0),
        # A copy, and not ax + (p - ax), which would round.
        "ax": jnp.where(mu == 1, after, ax + (after - ax) * mu),
    }
