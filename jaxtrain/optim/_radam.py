"""RAdam: Adam whose first steps, of a variance not known yet, are rectified."""

from __future__ import annotations

from functools import cache, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxtrain.optim._build import (
    Tensors,
    average_square,
    build,
    check_adaptive,
    lerp,
    shrink,
)
from jaxtrain.optim._hyper import Coefficient, Hyper, Hyperparameter, powers


class RadamState(NamedTuple):
    """State of `radam`."""

    count: jax.Array  # type: ignore[assignment]
    """Updates so far."""
    exp_avg: optax.Updates
    """m, the average gradient."""
    exp_avg_sq: optax.Updates
    """v, the average squared gradient."""


def radam(
    lr: Hyperparameter = 1e-3,
    betas: tuple[Hyperparameter, Hyperparameter] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    decoupled_weight_decay: bool = False,
    *,
    maximize: bool = False,
) -> optax.GradientTransformationExtraArgs:
    """RAdam: p ← p - lr·r·m̂ · sqrt(1 - β₂ᵗ) / (sqrt(v) + ε), or p - lr·m̂ at first.

    m̂ and v are Adam's, and g is the gradient plus `weight_decay`·p. The factor r
    rectifies the variance, from nₜ = n∞ - 2tβ₂ᵗ/(1 - β₂ᵗ) with n∞ = 2/(1 - β₂) - 1:
    r² = (nₜ - 4)(nₜ - 2)n∞ / ((n∞ - 4)(n∞ - 2)nₜ). While nₜ ≤ 5, the step is along m̂.

    Args:
        lr: learning rate; a number, or a schedule called with the number of updates so
            far. `update(…, lr=value)` overrides it, without a recompilation.
        betas: (β₁, β₂), likewise; see `two_float` for betas given as data.
        eps: ε, added outside the root, before the bias is corrected.
        weight_decay: factor of the penalty's gradient, or of the decay.
        decoupled_weight_decay: shrink p by lr·`weight_decay` instead.
        maximize: ascend.

    Raises:
        ValueError: `lr`, `eps` or `weight_decay` is negative, or a β lies outside
            [0, 1).

    PyTorch: `torch.optim.RAdam`.
    Reference: Liu et al. 2020, https://arxiv.org/abs/1908.03265

    Example:
        >>> tx = radam(lr=0.1)
        >>> params = jnp.array([1.0])
        >>> state = tx.init(params)
        >>> for _ in range(6):
        ...     updates, state = tx.update(jnp.array([2.0]), state)
        ...     print(round(float(updates[0]), 4))
        -0.2
        -0.2
        -0.2
        -0.2
        -0.2
        -0.0026
    """
    check_adaptive(lr, betas, eps, weight_decay)
    decay = weight_decay if decoupled_weight_decay else 0.0

    return build(
        RadamState,
        {"lr": lr, "betas": betas},
        {"exp_avg": jnp.zeros_like, "exp_avg_sq": jnp.zeros_like},
        partial(_step, eps=eps, decoupled=decay),
        weight_decay=0.0 if decoupled_weight_decay else weight_decay,
        maximize=maximize,
        needs_params=bool(decay),
    )


def _step(
    p: jax.Array | None,
    g: jax.Array,
    state: Tensors,
    hyper: Hyper,
    *,
    eps: float,
    decoupled: float,
) -> tuple[jax.Array, Tensors]:
    beta1, beta2 = hyper.coefficient("betas", 0), hyper.coefficient("betas", 1)
    lr = hyper.number("lr")
    m = lerp(state["exp_avg"], g, beta1)
    v = average_square(state["exp_avg_sq"], g, beta2)
    # PyTorch's order: the corrected average, lr, the adaptive rate and then r.
    along = m / hyper.bias_correction(beta1) * lr
    factor = rectification(hyper, beta2)
    # ε is added to the root before its bias is corrected, unlike in Adam.
    adaptive = hyper.bias_correction(beta2, 0.5) / (jnp.sqrt(v) + eps)
    update = -jnp.where(factor > 0, along * adaptive * factor, along)
    if decoupled:
        assert p is not None
        update = shrink(p, lr, jnp.asarray(decoupled, p.dtype)) + update
    return update, {"exp_avg": m, "exp_avg_sq": v}


def rectification(hyper: Hyper, beta: Coefficient) -> jax.Array:
    """r of this update, or 0 where the variance cannot be rectified yet."""
    rho = _length(hyper.t, beta)
    exact = _factor(rho, (1 + beta.value) / beta.complement, jnp.sqrt, jnp.where)
    return exact if beta.host is None else hyper.table(_factors(beta.host), exact)


def _factor(rho: Any, rho_inf: Any, sqrt: Any, where: Any) -> Any:
    # Algorithm 2 of the paper, which rectifies from a length of 4 on; PyTorch from 5.
    ratio = (rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho)
    return where(rho > 5, sqrt(ratio), 0)


@cache
def _factors(beta: float) -> np.ndarray:
    """The host's float64 values of `rectification`, in PyTorch's order."""
    power = powers(beta)
    rho_inf = 2 / (1 - beta) - 1
    rho = rho_inf - 2 * np.arange(1.0, len(power) + 1) * power / (1 - power)
    # Below a length of 4 the ratio may be negative or infinite; there it is not chosen.
    with np.errstate(invalid="ignore", divide="ignore"):
        return _factor(rho, np.float64(rho_inf), np.sqrt, np.where)


def _length(t: jax.Array, beta: Coefficient) -> jax.Array:
    """nₜ, but not as the difference of two numbers of the size of n∞.

    With x = -ln(β)/2 and f(x) = coth x - 1/x it is f(x) + t(1 - f(tx)). That tells the
    4.99992 of β = 0.99999 at t = 5 from 5 in float32 too.
    """
    x = -0.5 * jnp.log1p(-beta.complement)
    return 1 - _one_less_langevin(x) + t * _one_less_langevin(t * x)


def _one_less_langevin(x: jax.Array) -> jax.Array:
    """1 - (coth x - 1/x)."""
    # Lambert's continued fraction x/(3 + x²/(5 + …)): eight divisions do for float64
    # below 1, where the other form subtracts two numbers of about 1/x.
    below = jnp.full_like(x, 19)
    for odd in range(17, 1, -2):
        below = odd + x * x / below
    return jnp.where(x < 1, 1 - x / below, 1 / x - 2 / jnp.expm1(2 * x))
