"""Adagrad: steps over the root of all squared gradients so far."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from jaxtrain.optim._build import Tensors, build, check_not_negative, check_rate
from jaxtrain.optim._hyper import Hyper, Hyperparameter


class AdagradState(NamedTuple):
    """State of `adagrad`."""

    count: jax.Array  # type: ignore[assignment]
    """Updates so far."""
    sum: optax.Updates
    """s, the sum of squared gradients."""


def adagrad(
    lr: Hyperparameter = 1e-2,
    lr_decay: float = 0.0,
    weight_decay: float = 0.0,
    initial_accumulator_value: float = 0.0,
    eps: float = 1e-10,
    *,
    maximize: bool = False,
) -> optax.GradientTransformationExtraArgs:
    """Adagrad: p ← p - lr/(1 + (t - 1)η) · g / (sqrt(s) + ε), where s ← s + g².

    g is the gradient plus `weight_decay`·p, and t counts the updates from 1.

    Args:
        lr: learning rate; a number, or a schedule called with the number of updates so
            far. `update(…, lr=value)` overrides it, without a recompilation.
        lr_decay: η.
        weight_decay: factor of the L2 penalty's gradient.
        initial_accumulator_value: what s starts from.
        eps: ε, added outside the root.
        maximize: ascend.

    Raises:
        ValueError: `lr`, `lr_decay`, `weight_decay`, `initial_accumulator_value` or
            `eps` is negative.

    PyTorch: `torch.optim.Adagrad`.
    Reference: Duchi et al. 2011, https://jmlr.org/papers/v12/duchi11a.html

    Example:
        >>> tx = adagrad(lr=0.1)
        >>> updates, state = tx.update(jnp.array([2.0, -1e-10]), tx.init(jnp.ones(2)))
        >>> [round(float(u), 4) for u in updates]
        [-0.1, 0.05]
    """
    check_rate(lr)
    for name, value in (
        ("lr_decay value", lr_decay),
        ("weight_decay value", weight_decay),
        ("initial_accumulator_value value", initial_accumulator_value),
        ("epsilon value", eps),
    ):
        check_not_negative(name, value)

    def start(p: jax.Array) -> jax.Array:
        return jnp.full_like(p, initial_accumulator_value)

    return build(
        AdagradState,
        {"lr": lr},
        {"sum": start},
        partial(_step, lr_decay=lr_decay, eps=eps),
        weight_decay=weight_decay,
        maximize=maximize,
    )


def _step(
    p: jax.Array | None,
    g: jax.Array,
    state: Tensors,
    hyper: Hyper,
    *,
    lr_decay: float,
    eps: float,
) -> tuple[jax.Array, Tensors]:
    # PyTorch's step - 1: the first update has the whole rate.
    before = hyper.count.astype(g.dtype)
    lr = hyper.number("lr") / (1 + before * lr_decay)
    total = state["sum"] + g * g
    # addcdiv_ multiplies by its value first and divides that product.
    return -lr * g / (jnp.sqrt(total) + eps), {"sum": total}
