"""Adamax: Adam with the largest fading gradient for the average square."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from jaxtrain.optim._build import Tensors, build, check_adaptive, lerp
from jaxtrain.optim._hyper import Hyper, Hyperparameter


class AdamaxState(NamedTuple):
    """State of `adamax`."""

    count: jax.Array  # type: ignore[assignment]
    """Updates so far."""
    exp_avg: optax.Updates
    """m, the average gradient."""
    exp_inf: optax.Updates
    """u, the largest gradient so far, fading."""


def adamax(
    lr: Hyperparameter = 2e-3,
    betas: tuple[Hyperparameter, Hyperparameter] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    *,
    maximize: bool = False,
) -> optax.GradientTransformationExtraArgs:
    """Adamax: p ← p - lr/(1 - β₁ᵗ) · m / u, where u ← max(β₂u, |g| + ε).

    m ← β₁m + (1 - β₁)g, and g is the gradient plus `weight_decay`·p.

    Args:
        lr: learning rate; a number, or a schedule called with the number of updates so
            far. `update(…, lr=value)` overrides it, without a recompilation.
        betas: (β₁, β₂), likewise; see `two_float` for betas given as data.
        eps: ε.
        weight_decay: factor of the L2 penalty's gradient.
        maximize: ascend.

    Raises:
        ValueError: `lr`, `eps` or `weight_decay` is negative, or a β lies outside
            [0, 1).

    PyTorch: `torch.optim.Adamax`.
    Reference: Kingma and Ba 2015, https://arxiv.org/abs/1412.6980

    Example:
        >>> tx = adamax(lr=0.1)
        >>> updates, state = tx.update(jnp.array([2.0, -1e-8]), tx.init(jnp.ones(2)))
        >>> [round(float(u), 4) for u in updates]
        [-0.1, 0.05]
    """
    check_adaptive(lr, betas, eps, weight_decay)

    return build(
        AdamaxState,
        {"lr": lr, "betas": betas},
        {"exp_avg": jnp.zeros_like, "exp_inf": jnp.zeros_like},
        partial(_step, eps=eps),
        weight_decay=weight_decay,
        maximize=maximize,
    )


def _step(
    p: jax.Array | None,
    g: jax.Array,
    state: Tensors,
    hyper: Hyper,
    *,
    eps: float,
) -> tuple[jax.Array, Tensors]:
    beta1, beta2 = hyper.coefficient("betas", 0), hyper.coefficient("betas", 1)
    m = lerp(state["exp_avg"], g, beta1)
    # ε is added to |g| before the maximum is taken, as in PyTorch; the paper has none.
    u = jnp.maximum(state["exp_inf"] * beta2.value, jnp.abs(g) + eps)
    # The maximum has no bias to correct: Kingma and Ba 2015, section 7.1.
    update = -(hyper.number("lr") / hyper.bias_correction(beta1)) * m / u
    return update, {"exp_avg": m, "exp_inf": u}
