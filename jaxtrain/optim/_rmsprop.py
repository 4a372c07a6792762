"""RMSprop: steps over the root mean square of the gradient, and momentum."""

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
    check_not_negative,
    check_rate,
    lerp,
)
from jaxtrain.optim._hyper import Hyper, Hyperparameter, coefficient_of


class RmspropState(NamedTuple):
    """State of `rmsprop`."""

    count: jax.Array  # type: ignore[assignment]
    """Updates so far."""
    square_avg: optax.Updates
    """v, the average squared gradient."""
    momentum_buffer: optax.Updates | None = None
    """b, which the learning rate is not part of; None without momentum."""
    grad_avg: optax.Updates | None = None
    """m, the average gradient; None unless centred."""


def rmsprop(
    lr: Hyperparameter = 1e-2,
    alpha: float = 0.99,
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    momentum: Hyperparameter = 0.0,
    centered: bool = False,
    maximize: bool = False,
) -> optax.GradientTransformationExtraArgs:
    """RMSprop: b ← μb + g / (sqrt(v) + ε), p ← p - lr·b, where v ← βv + (1 - β)g².

    β is `alpha`, and g is the gradient plus `weight_decay`·p.

    Args:
        lr: learning rate; a number, or a schedule called with the number of updates so
            far. `update(…, lr=value)` overrides it, without a recompilation. It scales
            the whole of b, past gradients too.
        alpha: β, the weight of the past.
        eps: ε, added outside the root.
        weight_decay: factor of the L2 penalty's gradient.
        momentum: μ, a number or a schedule; `update(…, momentum=value)` overrides one
            that is not 0.
        centered: divide by the root of v - m², the variance, with m the average
            gradient.
        maximize: ascend.

    Raises:
        ValueError: `lr`, `alpha`, `eps`, `weight_decay` or `momentum` is negative.

    PyTorch: `torch.optim.RMSprop`.
    Reference: Tieleman and Hinton 2012,
    https://www.cs.toronto.edu/~tijmen/csc321/slides/lecture_slides_lec6.pdf; centred:
    Graves 2013, https://arxiv.org/abs/1308.0850

    Example:
        >>> tx = rmsprop(lr=0.1, alpha=0.75)
        >>> updates, state = tx.update(jnp.array([2.0, -1e-8]), tx.init(jnp.ones(2)))
        >>> [round(float(u), 4) for u in updates]
        [-0.2, 0.0667]
    """
    check_rate(lr)
    check_not_negative("epsilon value", eps)
    check_not_negative("momentum value", momentum, may_move=True)
    check_not_negative("weight_decay value", weight_decay)
    check_not_negative("alpha value", alpha)
    has_momentum = callable(momentum) or bool(momentum > 0)

    names = ["square_avg"] + ["momentum_buffer"] * has_momentum
    return build(
        RmspropState,
        {"lr": lr, "momentum": momentum} if has_momentum else {"lr": lr},
        dict.fromkeys(names + ["grad_avg"] * centered, jnp.zeros_like),
        partial(
            _step,
            alpha=alpha,
            eps=eps,
            has_momentum=has_momentum,
            centered=centered,
        ),
        weight_decay=weight_decay,
        maximize=maximize,
    )


def _step(
    p: jax.Array | None,
    g: jax.Array,
    state: Tensors,
    hyper: Hyper,
    *,
    alpha: float,
    eps: float,
    has_momentum: bool,
    centered: bool,
) -> tuple[jax.Array, Tensors]:
    lr, decay = hyper.number("lr"), coefficient_of(alpha, g.dtype)
    v = average_square(state["square_avg"], g, decay)
    new = {"square_avg": v}
    if centered:
        m = new["grad_avg"] = lerp(state["grad_avg"], g, decay)
        # Nothing keeps it from rounding to less than 0,
        # where PyTorch's root is NaN too.
        v = v - m * m
    root = jnp.sqrt(v) + eps
    if not has_momentum:
        # addcdiv_ multiplies by its value first.
        return -lr * g / root, new
    buffer = state["momentum_buffer"] * hyper.number("momentum") + g / root
    return -lr * buffer, new | {"momentum_buffer": buffer}
