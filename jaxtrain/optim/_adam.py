"""Adam and AdamW: averages of the gradient and of its square."""

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
    check_adaptive,
    check_floats,
    lerp,
    shrink,
)
from jaxtrain.optim._hyper import Hyper, Hyperparameter

Betas = tuple[Hyperparameter, Hyperparameter]


class AdamState(NamedTuple):
    """State of `adam` and `adamw`."""

    count: jax.Array  # type: ignore[assignment]
    """Updates so far."""
    exp_avg: optax.Updates
    """m, the average gradient."""
    exp_avg_sq: optax.Updates
    """v, the average squared gradient."""
    max_exp_avg_sq: optax.Updates | None = None
    """The largest v so far, before its bias is corrected; None without `amsgrad`."""


def adam(
    lr: Hyperparameter = 1e-3,
    betas: Betas = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    amsgrad: bool = False,
    *,
    maximize: bool = False,
    decoupled_weight_decay: bool = False,
) -> optax.GradientTransformationExtraArgs:
    """Adam: p ← p - lr·m̂ / (sqrt(v̂) + ε), m̂ = m/(1 - β₁ᵗ), v̂ = v/(1 - β₂ᵗ).

    m ← β₁m + (1 - β₁)g and v ← β₂v + (1 - β₂)g², where g is the gradient plus
    `weight_decay`·p: an L2 penalty, not AdamW's decay, unless `decoupled_weight_decay`.

    Args:
        lr: learning rate; a number, or a schedule called with the number of updates so
            far. `update(…, lr=value)` overrides it, without a recompilation.
        betas: (β₁, β₂), likewise; see `two_float` for betas given as data.
        eps: ε, added outside the root.
        weight_decay: factor of the penalty's gradient, or of the decay.
        amsgrad: divide by the largest v so far, its bias corrected afterwards.
        maximize: ascend.
        decoupled_weight_decay: shrink p by lr·`weight_decay` instead.

    Raises:
        ValueError: `lr`, `eps` or `weight_decay` is negative, or a β lies outside
            [0, 1) or is an int.

    PyTorch: `torch.optim.Adam`.
    Reference: Kingma and Ba 2015, https://arxiv.org/abs/1412.6980; AMSGrad: Reddi et
    al. 2018, https://openreview.net/forum?id=ryQu7f-RZ

    Example:
        >>> tx = adam(lr=0.1)
        >>> updates, state = tx.update(jnp.array([2.0, -1e-8]), tx.init(jnp.ones(2)))
        >>> [round(float(update), 4) for update in updates]
        [-0.1, 0.05]
    """
    check_adaptive(lr, betas, eps, weight_decay)
    check_floats(betas)
    decay = weight_decay if decoupled_weight_decay else 0.0

    names = ["exp_avg", "exp_avg_sq"] + ["max_exp_avg_sq"] * amsgrad
    return build(
        AdamState,
        {"lr": lr, "betas": betas},
        dict.fromkeys(names, jnp.zeros_like),
        partial(_step, eps=eps, amsgrad=amsgrad, decoupled=decay),
        weight_decay=0.0 if decoupled_weight_decay else weight_decay,
        maximize=maximize,
        needs_params=bool(decay),
    )


def adamw(
    lr: Hyperparameter = 1e-3,
    betas: Betas = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 1e-2,
    amsgrad: bool = False,
    *,
    maximize: bool = False,
) -> optax.GradientTransformationExtraArgs:
    """Adam with decoupled weight decay: first p ← p(1 - lr·λ), then Adam's step.

    Arguments as for `adam`, with λ = `weight_decay`, which the learning rate and its
    schedule multiply.

    PyTorch: `torch.optim.AdamW`.
    Reference: Loshchilov and Hutter 2019, https://arxiv.org/abs/1711.05101

    Example:
        >>> tx = adamw(lr=0.1, weight_decay=0.5)
        >>> params = jnp.array([1.0])
        >>> updates, state = tx.update(jnp.array([2.0]), tx.init(params), params)
        >>> updates
        Array([-0.15], dtype=float32)
    """
    return adam(
        lr,
        betas,
        eps,
        weight_decay,
        amsgrad,
        maximize=maximize,
        decoupled_weight_decay=True,
    )


def _step(
    p: jax.Array | None,
    g: jax.Array,
    state: Tensors,
    hyper: Hyper,
    *,
    eps: float,
    amsgrad: bool,
    decoupled: float,
) -> tuple[jax.Array, Tensors]:
    beta1, beta2 = hyper.coefficient("betas", 0), hyper.coefficient("betas", 1)
    lr = hyper.number("lr")
    m = lerp(state["exp_avg"], g, beta1)
    v = average_square(state["exp_avg_sq"], g, beta2)
    new = {"exp_avg": m, "exp_avg_sq": v}
    if amsgrad:
        # The largest raw v, corrected below, as in PyTorch; Reddi et al. correct
        # nothing, and Optax takes the largest of corrected ones.
        v = new["max_exp_avg_sq"] = jnp.maximum(state["max_exp_avg_sq"], v)
    # Root by root: sqrt(v / (1 - β₂ᵗ)) would round otherwise.
    denominator = jnp.sqrt(v) / hyper.bias_correction(beta2, 0.5) + eps
    # addcdiv_ multiplies by its value, the step size, and divides that product.
    update = -(lr / hyper.bias_correction(beta1)) * m / denominator
    if decoupled:
        assert p is not None
        update = shrink(p, lr, jnp.asarray(decoupled, p.dtype)) + update
    return update, new
