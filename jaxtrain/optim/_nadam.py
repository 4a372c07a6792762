"""NAdam: Adam with Nesterov's momentum on a schedule of its own."""

from __future__ import annotations

import math
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
    check_not_negative,
    lerp,
    shrink,
)
from jaxtrain.optim._hyper import (
    Coefficient,
    Hyper,
    Hyperparameter,
    opmath_dtype,
    table_length,
)


class NadamState(NamedTuple):
    """State of `nadam`."""

    count: jax.Array  # type: ignore[assignment]
    """Updates so far."""
    mu_product: optax.Updates
    """Π, the product of all μ so far; a scalar for each parameter."""
    exp_avg: optax.Updates
    """m, the average gradient."""
    exp_avg_sq: optax.Updates
    """v, the average squared gradient."""


def nadam(
    lr: Hyperparameter = 2e-3,
    betas: tuple[Hyperparameter, Hyperparameter] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    momentum_decay: float = 4e-3,
    decoupled_weight_decay: bool = False,
    *,
    maximize: bool = False,
) -> optax.GradientTransformationExtraArgs:
    """NAdam: p ← p - lr·((1 - μₜ)/(1 - Πₜ)·g + μₜ₊₁/(1 - Πₜ₊₁)·m) / (sqrt(v̂) + ε).

    m and v̂ are Adam's, μₜ = β₁(1 - 0.96^(tψ)/2), Πₜ is the product of all μ up to t,
    and g is the gradient plus `weight_decay`·p.

    Args:
        lr: learning rate; a number, or a schedule called with the number of updates so
            far. `update(…, lr=value)` overrides it, without a recompilation.
        betas: (β₁, β₂), likewise; see `two_float` for betas given as data.
        eps: ε, added outside the root.
        weight_decay: factor of the penalty's gradient, or of the decay.
        momentum_decay: ψ, how fast μ grows from half of β₁ to β₁.
        decoupled_weight_decay: shrink p by lr·`weight_decay` instead.
        maximize: ascend.

    Raises:
        ValueError: `lr`, `eps`, `weight_decay` or `momentum_decay` is negative, or a β
            lies outside [0, 1).

    PyTorch: `torch.optim.NAdam`.
    Reference: Dozat 2016, https://openreview.net/forum?id=OM0jvwB8jIp57ZJjtNEZ

    Example:
        >>> tx = nadam(lr=0.1)
        >>> updates, state = tx.update(jnp.array([2.0]), tx.init(jnp.ones(1)))
        >>> round(float(updates[0]), 4), round(float(state.mu_product), 4)
        (-0.1056, 0.4501)
    """
    check_adaptive(lr, betas, eps, weight_decay)
    check_not_negative("momentum_decay value", momentum_decay)
    decay = weight_decay if decoupled_weight_decay else 0.0

    return build(
        NadamState,
        {"lr": lr, "betas": betas},
        {
            "mu_product": lambda p: jnp.ones([], opmath_dtype(p.dtype)),
            "exp_avg": jnp.zeros_like,
            "exp_avg_sq": jnp.zeros_like,
        },
        partial(_step, eps=eps, momentum_decay=momentum_decay, decoupled=decay),
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
    momentum_decay: float,
    decoupled: float,
) -> tuple[jax.Array, Tensors]:
    beta1, beta2 = hyper.coefficient("betas", 0), hyper.coefficient("betas", 1)
    lr = hyper.number("lr")
    mu = _mu(hyper, beta1, momentum_decay, 0)
    mu_next = _mu(hyper, beta1, momentum_decay, 1)
    # Rounded at every update, as PyTorch's `mu_product *= mu` is.
    product = state["mu_product"] * mu.value
    m = lerp(state["exp_avg"], g, beta1)
    v = average_square(state["exp_avg_sq"], g, beta2)
    # v is corrected before its root here, unlike in Adam.
    denominator = jnp.sqrt(v / hyper.bias_correction(beta2)) + eps
    along_g = -lr * mu.complement / (1 - product)
    along_m = -lr * mu_next.value / (1 - product * mu_next.value)
    # Two addcdiv_, each with a quotient of its own.
    update = along_g * g / denominator + along_m * m / denominator
    if decoupled:
        assert p is not None
        update = shrink(p, lr, jnp.asarray(decoupled, p.dtype)) + update
    return update, {"mu_product": product, "exp_avg": m, "exp_avg_sq": v}


def _mu(
    hyper: Hyper, beta: Coefficient, momentum_decay: float, ahead: int
) -> Coefficient:
    """μ of this update or of one `ahead`, and 1 - μ."""
    half = 0.5 * jnp.exp((hyper.t + ahead) * (momentum_decay * math.log(0.96)))
    # 1 - μ as a sum of two positive numbers: it does not cancel as μ grows towards β.
    mu, complement = beta.value * (1 - half), beta.complement + beta.value * half
    if beta.host is not None:
        mus, complements = _mus(beta.host, momentum_decay, ahead)
        mu = hyper.table(mus, mu)
        complement = hyper.table(complements, complement)
    return Coefficient(mu, complement, None)


@cache
def _mus(beta: float, momentum_decay: float, ahead: int) -> tuple[Any, Any]:
    """The host's float64 values of μ and 1 - μ, in PyTorch's order."""
    # 0.96^(tψ) as βᵗ with β = 0.96^ψ: beyond, it changes no float64 μ.
    length = table_length(0.96**momentum_decay)
    steps = map(float, range(1 + ahead, length + 1 + ahead))
    powers = np.array([0.96 ** (t * momentum_decay) for t in steps])
    mus = beta * (1.0 - 0.5 * powers)
    return mus, 1.0 - mus
