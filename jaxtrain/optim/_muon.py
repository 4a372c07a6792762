"""Muon: momentum made orthogonal, for matrices."""

from __future__ import annotations

import math
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from jaxtrain.optim._build import (
    Tensors,
    build,
    can_check,
    check_numbers,
    check_whole,
    lerp,
    shrink,
)
from jaxtrain.optim._hyper import Coefficient, Hyper, Hyperparameter

ADJUSTMENTS = ("original", "match_rms_adamw", "spectral_unclamped")


class MuonState(NamedTuple):
    """State of `muon`."""

    count: jax.Array  # type: ignore[assignment]
    """Updates so far."""
    momentum_buffer: optax.Updates
    """B, the average gradient."""


def muon(
    lr: Hyperparameter = 1e-3,
    weight_decay: float = 0.1,
    momentum: Hyperparameter = 0.95,
    nesterov: bool = True,
    ns_coefficients: tuple[float, float, float] = (3.4445, -4.7750, 2.0315),
    eps: float = 1e-7,
    ns_steps: int = 5,
    adjust_lr_fn: str | None = None,
) -> optax.GradientTransformationExtraArgs:
    """Muon: p ← p(1 - lr·λ) - lr·r·orthogonal(B), B ← μB + (1 - μ)g, for matrices.

    With `nesterov` it is g + μ(B - g) that is made orthogonal: by `ns_steps` steps
    X ← aX + (bA + cA²)X with A = XXᵀ, from X divided by its norm, all in bfloat16.

    Args:
        lr: learning rate; a number, or a schedule called with the number of updates so
            far. `update(…, lr=value)` overrides it, without a recompilation.
        weight_decay: λ.
        momentum: μ, likewise a number, a schedule or given.
        nesterov: look ahead along B.
        ns_coefficients: (a, b, c) of the iteration.
        eps: the least norm that X is divided by.
        ns_steps: iterations, fewer than 100.
        adjust_lr_fn: r for a (rows, columns) parameter: `"original"`, or None, for
            sqrt(max(1, rows/columns)); `"match_rms_adamw"` for
            0.2·sqrt(max(rows, columns)); `"spectral_unclamped"` for
            sqrt(rows/columns).

    Raises:
        ValueError: `lr`, `momentum` or `weight_decay` is negative, there are not three
            coefficients, too many iterations, or no such adjustment; from `init`: a
            parameter is not a matrix.

    Other parameters go to an optimiser of their own, as in the example. A linear
    layer's weight is (out, in) here as in PyTorch; `flax.nnx.Linear`'s is (in, out),
    which exchanges rows and columns in r.

    PyTorch: `torch.optim.Muon`.
    Reference: Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/; the
    adjustments: Liu et al. 2025, https://arxiv.org/abs/2502.16982

    Example:
        >>> from jaxtrain.optim import adamw
        >>> tx = optax.partition(
        ...     {2: muon(lr=0.02), 1: adamw(lr=3e-4)},
        ...     lambda params: jax.tree.map(jnp.ndim, params),
        ... )
        >>> params = {"weight": jnp.eye(2), "bias": jnp.zeros(2)}
        >>> updates, state = tx.update(params, tx.init(params), params)
        >>> updates["weight"].round(4)
        Array([[-0.0245,  0.    ],
               [ 0.    , -0.0245]], dtype=float32)
    """
    _check(lr, weight_decay, momentum, ns_coefficients, eps, ns_steps, adjust_lr_fn)

    return build(
        MuonState,
        {"lr": lr, "momentum": momentum},
        {"momentum_buffer": _zeros_of_a_matrix},
        partial(
            _step,
            weight_decay=weight_decay,
            nesterov=nesterov,
            ns_coefficients=ns_coefficients,
            eps=eps,
            ns_steps=ns_steps,
            adjust_lr_fn=adjust_lr_fn,
        ),
        needs_params=True,
    )


def _step(
    p: jax.Array | None,
    g: jax.Array,
    state: Tensors,
    hyper: Hyper,
    *,
    weight_decay: float,
    nesterov: bool,
    ns_coefficients: tuple[float, float, float],
    eps: float,
    ns_steps: int,
    adjust_lr_fn: str | None,
) -> tuple[jax.Array, Tensors]:
    assert p is not None
    mu, lr = hyper.coefficient("momentum"), hyper.number("lr")
    buffer = ahead = lerp(state["momentum_buffer"], g, mu)
    if nesterov:
        # `grad.lerp(buf, momentum)`: here μ itself is the weight, and β its complement.
        ahead = lerp(g, buffer, Coefficient(mu.complement, mu.value, None))
    along = orthogonal(ahead, ns_coefficients, ns_steps, eps)
    rate = lr * _adjustment(adjust_lr_fn, *p.shape)
    decay = shrink(p, lr, jnp.asarray(weight_decay, p.dtype))
    return decay - rate * along.astype(p.dtype), {"momentum_buffer": buffer}


def _check(
    lr: Hyperparameter,
    weight_decay: float,
    momentum: Hyperparameter,
    ns_coefficients: tuple[float, ...],
    eps: float,
    ns_steps: int,
    adjust_lr_fn: str | None,
) -> None:
    # The wording is PyTorch's, so that a search for it finds what there is to find.
    if can_check(lr, "lr", may_move=True) and not lr >= 0.0:
        raise ValueError(f"Learning rate should be >= 0 but is: {lr}")
    if can_check(momentum, "momentum", may_move=True) and not momentum >= 0.0:
        raise ValueError(f"momentum should be >= 0 but is: {momentum}")
    if can_check(weight_decay, "weight_decay") and not weight_decay >= 0.0:
        raise ValueError(f"weight decay should be >= 0 but is: {weight_decay}")
    if adjust_lr_fn is not None and adjust_lr_fn not in ADJUSTMENTS:
        raise ValueError(
            f"Adjust learning rate function {adjust_lr_fn} is not supported"
        )
    if not hasattr(ns_coefficients, "__len__") or len(ns_coefficients) != 3:
        raise ValueError(f"ns_coefficients must be three, not {ns_coefficients}")
    check_numbers(eps=eps)
    check_whole(ns_steps=ns_steps)
    if not ns_steps < 100:
        raise ValueError(f"ns_steps must be less than 100, not {ns_steps}")


def _zeros_of_a_matrix(p: jax.Array) -> jax.Array:
    if p.ndim != 2:
        raise ValueError(
            "Muon only supports 2D parameters whereas we found a parameter with size: "
            f"{p.shape}; give those another optimiser, by optax.partition"
        )
    return jnp.zeros_like(p)


def _adjustment(name: str | None, rows: int, columns: int) -> float:
    if name == "match_rms_adamw":
        # 0.2 is what updates of AdamW have for a root mean square: Liu et al. 2025.
        return 0.2 * math.sqrt(max(rows, columns))
    ratio = rows / columns
    return math.sqrt(ratio if name == "spectral_unclamped" else max(1, ratio))


def orthogonal(
    matrix: jax.Array,
    coefficients: tuple[float, float, float],
    steps: int,
    eps: float,
) -> jax.Array:
    """U·S'·Vᵀ in bfloat16 for U·S·Vᵀ, with S' around 1, by a quintic iteration.

    Each product accumulates in float32, takes its other term, and rounds once, as
    PyTorch's `addmm` does: bit for bit for small matrices, and up to the order of the
    additions for larger ones, in which PyTorch's own processors differ.

    Args:
        matrix: (rows, columns).
        coefficients: (a, b, c).
        steps: iterations.
        eps: the least norm.
    """
    a, b, c = coefficients
    # The Gram matrix of the shorter side is the smaller one.
    tall = matrix.shape[0] > matrix.shape[1]
    x = _round(matrix.T if tall else matrix)
    # PyTorch's norm of a bfloat16 matrix accumulates in float32 and
    # is rounded at the end. It bounds the largest singular value,
    # which the iteration needs to be at most 1.
    norm = _round(jnp.sqrt(jnp.sum(jnp.square(x.astype(jnp.float32)))))
    x = _round(x.astype(jnp.float32) / jnp.maximum(norm, eps).astype(jnp.float32))
    for _ in range(steps):
        gram = _round(_product(x, x.T))
        quartic = _round(b * gram.astype(jnp.float32) + c * _product(gram, gram))
        x = _round(a * x.astype(jnp.float32) + _product(quartic, x))
    return x.T if tall else x


def _round(x: jax.Array) -> jax.Array:
    # By way of float32, as PyTorch converts float64.
    return x.astype(jnp.float32).astype(jnp.bfloat16)


def _product(x: jax.Array, y: jax.Array) -> jax.Array:
    return jnp.matmul(x, y, preferred_element_type=jnp.float32)
