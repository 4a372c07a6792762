"""Adadelta: steps as long as the root mean square of those before."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from jaxtrain.optim._build import (
    Tensors,
    average_square,
    build,
    can_check,
    check_not_negative,
    check_rate,
)
from jaxtrain.optim._hyper import Hyper, Hyperparameter, coefficient_of


class AdadeltaState(NamedTuple):
    """State of `adadelta`."""

    count: jax.Array  # type: ignore[assignment]
    """Updates so far."""
    square_avg: optax.Updates
    """v, the average squared gradient."""
    acc_delta: optax.Updates
    """u, the average squared step, before the learning rate scales it."""


def adadelta(
    lr: Hyperparameter = 1.0,
    rho: float = 0.9,
    eps: float = 1e-6,
    weight_decay: float = 0.0,
    *,
    maximize: bool = False,
) -> optax.GradientTransformationExtraArgs:
    """Adadelta: p ← p - lr·Δ, where Δ = sqrt(u + ε) / sqrt(v + ε) · g.

    v ← βv + (1 - β)g² before the step and u ← βu + (1 - β)Δ² after it, with β = `rho`.
    g is the gradient plus `weight_decay`·p.

    Args:
        lr: learning rate; a number, or a schedule called with the number of updates so
            far. `update(…, lr=value)` overrides it, without a recompilation.
        rho: β, the weight of the past.
        eps: ε, added inside both roots.
        weight_decay: factor of the L2 penalty's gradient.
        maximize: ascend.

    Raises:
        ValueError: `lr`, `eps` or `weight_decay` is negative, or `rho` lies outside
            [0, 1].

    PyTorch: `torch.optim.Adadelta`.
    Reference: Zeiler 2012, https://arxiv.org/abs/1212.5701

    Example:
        >>> tx = adadelta(rho=0.75, eps=1.0)
        >>> updates, state = tx.update(jnp.array([2.0]), tx.init(jnp.ones(1)))
        >>> updates.round(4)
        Array([-1.4142], dtype=float32)
    """
    check_rate(lr)
    if can_check(rho, "rho value") and not 0.0 <= rho <= 1.0:
        raise ValueError(f"Invalid rho value: {rho}")
    check_not_negative("epsilon value", eps)
    check_not_negative("weight_decay value", weight_decay)

    return build(
        AdadeltaState,
        {"lr": lr},
        {"square_avg": jnp.zeros_like, "acc_delta": jnp.zeros_like},
        partial(_step, rho=rho, eps=eps),
        weight_decay=weight_decay,
        maximize=maximize,
    )


def _step(
    p: jax.Array | None,
    g: jax.Array,
    state: Tensors,
    hyper: Hyper,
    *,
    rho: float,
    eps: float,
) -> tuple[jax.Array, Tensors]:
    decay = coefficient_of(rho, g.dtype)
    v = average_square(state["square_avg"], g, decay)
    u = state["acc_delta"]
    # PyTorch divides root by root, and then multiplies: `delta.div_(std).mul_(grad)`.
    delta = jnp.sqrt(u + eps) / jnp.sqrt(v + eps) * g
    new = {"square_avg": v, "acc_delta": average_square(u, delta, decay)}
    return -hyper.number("lr") * delta, new
