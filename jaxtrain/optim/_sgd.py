"""Stochastic gradient descent, with momentum and Nesterov's look ahead."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from jaxtrain.optim._build import Tensors, build, can_check, check_numbers
from jaxtrain.optim._hyper import Hyper, Hyperparameter


class SgdState(NamedTuple):
    """State of `sgd`."""

    count: jax.Array  # type: ignore[assignment]
    """Updates so far."""
    momentum_buffer: optax.Updates | None = None
    """b of each parameter; None without momentum."""


def sgd(
    lr: Hyperparameter = 1e-3,
    momentum: Hyperparameter = 0.0,
    dampening: float = 0.0,
    weight_decay: float = 0.0,
    nesterov: bool = False,
    *,
    maximize: bool = False,
) -> optax.GradientTransformationExtraArgs:
    """Stochastic gradient descent with momentum: b ← μb + (1 - τ)g, p ← p - lr·b.

    g is the gradient plus `weight_decay`·p. The first b is g itself, undampened. With
    `nesterov` the step is along g + μb. Without momentum it is along g.

    Args:
        lr: learning rate; a number, or a schedule called with the number of updates so
            far. `update(…, lr=value)` overrides it, without a recompilation.
        momentum: μ, likewise; `update(…, momentum=value)` overrides one that is not 0.
        dampening: τ.
        weight_decay: factor of the L2 penalty's gradient.
        nesterov: look ahead along the momentum.
        maximize: ascend.

    Raises:
        ValueError: `lr`, `momentum` or `weight_decay` is negative, or `nesterov` is
            asked for without momentum or with dampening.

    PyTorch: `torch.optim.SGD`.
    Reference: Sutskever et al. 2013, https://proceedings.mlr.press/v28/sutskever13.html

    Example:
        >>> tx = sgd(lr=0.1, momentum=0.9)
        >>> params = jnp.array([1.0])
        >>> state = tx.init(params)
        >>> for _ in range(2):
        ...     updates, state = tx.update(jnp.array([1.0]), state, params)
        ...     params = optax.apply_updates(params, updates)
        >>> params
        Array([0.71], dtype=float32)
    """
    for kind, value, may_move in (
        ("learning rate", lr, True),
        ("momentum value", momentum, True),
        ("weight_decay value", weight_decay, False),
    ):
        # Written so that NaN passes, as it does in PyTorch's SGD alone.
        if can_check(value, kind, may_move) and value < 0:
            raise ValueError(f"Invalid {kind}: {value}")
    check_numbers(dampening=dampening)
    has_momentum = callable(momentum) or bool(momentum != 0)
    if nesterov and (not has_momentum or dampening != 0):
        raise ValueError(
            "Nesterov momentum requires a momentum and zero dampening, but got "
            f"momentum {momentum} and dampening {dampening}"
        )

    with_momentum = partial(_momentum_step, dampening=dampening, nesterov=nesterov)
    return build(
        SgdState,
        {"lr": lr, "momentum": momentum} if has_momentum else {"lr": lr},
        {"momentum_buffer": jnp.zeros_like} if has_momentum else {},
        with_momentum if has_momentum else _plain_step,
        weight_decay=weight_decay,
        maximize=maximize,
    )


def _plain_step(
    p: jax.Array | None, g: jax.Array, state: Tensors, hyper: Hyper
) -> tuple[jax.Array, Tensors]:
    return -hyper.number("lr") * g, {}


def _momentum_step(
    p: jax.Array | None,
    g: jax.Array,
    state: Tensors,
    hyper: Hyper,
    *,
    dampening: float,
    nesterov: bool,
) -> tuple[jax.Array, Tensors]:
    mu = hyper.number("momentum")
    # 1 - τ is the host's, rounded once: the `alpha` of PyTorch's `add_`.
    term = jnp.asarray(1 - dampening, g.dtype) * g if dampening else g
    buffer = state["momentum_buffer"] * mu + term
    if dampening:
        # The first buffer is the gradient itself: undampened, μ·0 + g is that anyway.
        buffer = jnp.where(hyper.count == 0, g, buffer)
    direction = g + mu * buffer if nesterov else buffer
    return -hyper.number("lr") * direction, {"momentum_buffer": buffer}
