"""Adafactor: the second moment of a matrix from the means of its rows and columns."""

from __future__ import annotations

from functools import cache, partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxtrain.optim._build import (
    Tensors,
    build,
    can_check,
    check_numbers,
    check_pair,
    lerp,
    shrink,
)
from jaxtrain.optim._hyper import Coefficient, Hyper, Hyperparameter

EXACT_UPDATES = 2**14
"""Updates whose averaging weight comes from the host, to the last bit."""


class AdafactorState(NamedTuple):
    """State of `adafactor`; a parameter has a variance, or a row and a column of it."""

    count: jax.Array  # type: ignore[assignment]
    """Updates so far."""
    row_var: optax.Updates
    """R, the average of g² over columns, (…, rows, 1); from two dimensions on."""
    col_var: optax.Updates
    """C, the average of g² over rows, (…, 1, columns); from two dimensions on."""
    variance: optax.Updates
    """v, the average of g²; below two dimensions."""


def adafactor(
    lr: Hyperparameter = 1e-2,
    beta2_decay: float = -0.8,
    eps: tuple[float | None, float] = (None, 1e-3),
    d: float = 1.0,
    weight_decay: float = 0.0,
    *,
    maximize: bool = False,
) -> optax.GradientTransformationExtraArgs:
    """Adafactor: p ← p(1 - lr·λ) - s·u / max(1, rms(u)/d), u = g / sqrt(max(v, ε₁²)).

    s = max(ε₂, rms(p)) · min(lr, 1/sqrt(t)). The average v of g² has the weight tᵏ for
    the newest, k = `beta2_decay`. Of a parameter of two dimensions or more only the
    averages R over columns and C over rows are kept, and v = R·C / max(mean R, ε₁).

    Args:
        lr: the greatest relative step size; a number, or a schedule called with the
            number of updates so far. `update(…, lr=value)` overrides it, without a
            recompilation.
        beta2_decay: k, at most 0.
        eps: (ε₁, ε₂); ε₁ None stands for the spacing of the parameter's type at 1.
        d: the root mean square of u from which on it is scaled down.
        weight_decay: λ.
        maximize: ascend.

    Raises:
        ValueError: `lr`, an ε or `weight_decay` is negative, `beta2_decay` is positive
            or `d` less than 1.

    The weight of the newest is PyTorch's to the last bit for 16,384 updates, and then
    within 3 units in the last place. PyTorch's own float32 norms of some 10⁵ elements
    lose 20 to 100 units; these do not.

    PyTorch: `torch.optim.Adafactor`.
    Reference: Shazeer and Stern 2018, https://arxiv.org/abs/1804.04235

    Example:
        >>> tx = adafactor(lr=0.1)
        >>> params = jnp.full((2, 3), 2.0)
        >>> updates, state = tx.update(jnp.ones((2, 3)), tx.init(params), params)
        >>> f"{updates[0, 0]:.4f}", state.row_var.shape, state.col_var.shape
        ('-0.2000', (2, 1), (1, 3))
    """
    _check(lr, beta2_decay, eps, d, weight_decay)

    return build(
        AdafactorState,
        {"lr": lr},
        {
            "row_var": lambda p: _zeros_but_for(p, -1),
            "col_var": lambda p: _zeros_but_for(p, -2),
            "variance": lambda p: None if p.ndim > 1 else jnp.zeros_like(p),
        },
        partial(
            _step, beta2_decay=beta2_decay, eps=eps, d=d, weight_decay=weight_decay
        ),
        maximize=maximize,
        needs_params=True,
    )


def _step(
    p: jax.Array | None,
    g: jax.Array,
    state: Tensors,
    hyper: Hyper,
    *,
    beta2_decay: float,
    eps: tuple[float | None, float],
    d: float,
    weight_decay: float,
) -> tuple[jax.Array, Tensors]:
    assert p is not None
    # Of the parameter's own type, not of the wider one in which 16 bits are computed.
    eps1 = float(jnp.finfo(hyper.dtype).eps) if eps[0] is None else eps[0]
    lr = hyper.number("lr")
    relative = jnp.minimum(lr, 1 / jnp.sqrt(hyper.t))
    # Of p before its decay: PyTorch reads the norm first.
    size = _at_least(eps[1], _root_mean_square(p)) * relative
    new, variance = _averages(g, state, _beta2(hyper, beta2_decay), eps1)
    # Squared, since a root follows: outside it the bound is ε₁ itself.
    u = jax.lax.rsqrt(jnp.maximum(variance, eps1 * eps1)) * g
    # One number meets u: PyTorch's `add_(update, alpha=-alpha / denom)`.
    update = -size / _at_least(1.0, _root_mean_square(u) / d) * u
    if weight_decay:
        update = shrink(p, lr, jnp.asarray(weight_decay, p.dtype)) + update
    return update, new


def _check(
    lr: Hyperparameter,
    beta2_decay: float,
    eps: tuple[float | None, float],
    d: float,
    weight_decay: float,
) -> None:
    # The wording is PyTorch's, so that a search for it finds what there is to find.
    if can_check(lr, "lr", may_move=True) and not lr >= 0.0:
        raise ValueError(f"Learning rate should be >= 0 but is: {lr}")
    check_pair("eps", eps)
    eps1 = 0.0 if eps[0] is None else eps[0]
    check_numbers(
        beta2_decay=beta2_decay,
        epsilon1=eps1,
        epsilon2=eps[1],
        d=d,
        weight_decay=weight_decay,
    )
    if not beta2_decay <= 0.0:
        raise ValueError(f"beta2_decay should be <= 0 but is: {beta2_decay}")
    if not eps1 >= 0.0:
        raise ValueError(f"epsilon1 should be >= 0 but is: {eps1}")
    if not eps[1] >= 0.0:
        raise ValueError(f"epsilon2 should be >= 0 but is: {eps[1]}")
    if not d >= 1.0:
        raise ValueError(f"Clipping threshold d should be >= 1 but is: {d}")
    if not weight_decay >= 0.0:
        raise ValueError(f"weight_decay should be >= 0 but is: {weight_decay}")


def _zeros_but_for(p: jax.Array, axis: int) -> jax.Array | None:
    if p.ndim < 2:
        return None
    shape = list(p.shape)
    shape[axis] = 1
    return jnp.zeros(shape, p.dtype)


def _root_mean_square(x: jax.Array) -> jax.Array:
    # PyTorch divides a float32 norm by sqrt(n), which loses digits
    # where n is large. A reduction is judged by its float64 value,
    # to which the mean of squares stays close.
    return jnp.sqrt(jnp.mean(x * x))


def _at_least(least: float, value: jax.Array) -> jax.Array:
    # PyTorch compares on the host: there NaN is not greater, and the least stands.
    return jnp.where(value > least, value, least)


def _averages(
    g: jax.Array, state: Tensors, beta2: Coefficient, eps1: float
) -> tuple[Tensors, jax.Array]:
    """The new averages, and the estimate of g² that they make."""
    if state["variance"] is not None:
        variance = lerp(state["variance"], g * g, beta2)
        return {"row_var": None, "col_var": None, "variance": variance}, variance
    row, column = (
        lerp(state[name], jnp.mean(g * g, axis, keepdims=True), beta2)
        for name, axis in (("row_var", -1), ("col_var", -2))
    )
    mean = jnp.maximum(jnp.mean(row, -2, keepdims=True), eps1)  # (…, 1, 1)
    new = {"row_var": row, "col_var": column, "variance": None}
    # (…, rows, 1) by (…, 1, columns), and only then the quotient, as in PyTorch.
    return new, row * column / mean


def _beta2(hyper: Hyper, beta2_decay: float) -> Coefficient:
    beyond = hyper.t**beta2_decay
    newest = hyper.table(_newest(beta2_decay), beyond, converges=False)
    # The rule gives the newest's weight, `lerp`'s own; the past's is the difference.
    return Coefficient(1 - newest, newest, None)


@cache
def _newest(beta2_decay: float) -> np.ndarray:
    """The host's tᵏ."""
    # Python's power, number by number, as PyTorch's `step_float**beta2_decay`.
    return np.array([t**beta2_decay for t in map(float, range(1, EXACT_UPDATES + 1))])
