"""SparseAdam: Adam for the rows that have a gradient; the others rest."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from jaxtrain.optim._adam import Betas
from jaxtrain.optim._build import Tensors, build, can_check, check_betas
from jaxtrain.optim._hyper import Hyper, Hyperparameter


class SparseAdamState(NamedTuple):
    """State of `sparse_adam`."""

    count: jax.Array  # type: ignore[assignment]
    """Updates so far, of whichever rows."""
    exp_avg: optax.Updates
    """m, the average gradient."""
    exp_avg_sq: optax.Updates
    """v, the average squared gradient."""


def sparse_adam(
    lr: Hyperparameter = 1e-3,
    betas: Betas = (0.9, 0.999),
    eps: float = 1e-8,
    maximize: bool = False,
) -> optax.GradientTransformationExtraArgs:
    """Adam for rows: those without a gradient rest, and so do their moments.

    For every other row, m ← β₁m + (1 - β₁)g, v ← β₂v + (1 - β₂)g² and
    p ← p - lr · sqrt(1 - β₂ᵗ)/(1 - β₁ᵗ) · m / (sqrt(v) + ε); t counts all updates.

    Args:
        lr: learning rate; a number, or a schedule called with the number of updates so
            far. `update(…, lr=value)` overrides it, without a recompilation.
        betas: (β₁, β₂), likewise; see `two_float` for betas given as data.
        eps: ε, added outside the root, whose bias is not corrected.
        maximize: ascend.

    Raises:
        ValueError: `lr` or `eps` is not positive, or a β lies outside [0, 1).

    Gradients are dense here: a row (an entry along the first axis) has one if any of it
    is not zero. A sparse gradient of PyTorch can also hold rows of zeros, which move by
    their momentum; `update(…, touched=masks)` says exactly which: a tree like the
    gradients, of boolean arrays over the leading axes, say (rows,).

    PyTorch: `torch.optim.SparseAdam`, with `torch.nn.Embedding(…, sparse=True)`.
    Reference: Kingma and Ba 2015, https://arxiv.org/abs/1412.6980

    Example:
        >>> tx = sparse_adam(lr=0.1)
        >>> grads = jnp.array([[1.0, -2.0], [0.0, 0.0]])
        >>> updates, state = tx.update(grads, tx.init(grads))
        >>> [[f"{move:+.4f}" for move in row] for row in updates]
        [['-0.1000', '+0.1000'], ['+0.0000', '+0.0000']]
    """
    for name, value, may_move in (
        ("learning rate", lr, True),
        ("epsilon value", eps, False),
    ):
        if can_check(value, name, may_move) and not value > 0.0:
            raise ValueError(f"Invalid {name}: {value}")
    check_betas(betas)

    every_row = build(
        SparseAdamState,
        {"lr": lr, "betas": betas},
        {"exp_avg": jnp.zeros_like, "exp_avg_sq": jnp.zeros_like},
        partial(_step, eps=eps),
        maximize=maximize,
    )
    return optax.GradientTransformationExtraArgs(
        every_row.init, _some_rows(every_row.update)
    )


def _step(
    p: jax.Array | None, g: jax.Array, state: Tensors, hyper: Hyper, *, eps: float
) -> tuple[jax.Array, Tensors]:
    beta1, beta2 = hyper.coefficient("betas", 0), hyper.coefficient("betas", 1)
    # Not `lerp`: PyTorch adds (1 - β)(g - m) to what was there, whatever β is.
    m = state["exp_avg"] + beta1.complement * (g - state["exp_avg"])
    v = state["exp_avg_sq"] + beta2.complement * (g * g - state["exp_avg_sq"])
    scale = hyper.bias_correction(beta2, 0.5) / hyper.bias_correction(beta1)
    # The quotient first: PyTorch's step size multiplies `numer.div_(denom)`.
    update = -(hyper.number("lr") * scale) * (m / (jnp.sqrt(v) + eps))
    return update, {"exp_avg": m, "exp_avg_sq": v}


def _some_rows(every_row: Callable[..., Any]) -> Callable[..., Any]:
    """An update under which rows without a gradient rest, and so do their moments."""

    def update(
        updates: optax.Updates,
        state: Any,
        params: optax.Params | None = None,
        *,
        touched: Any = None,
        **extra: Any,
    ) -> tuple[optax.Updates, Any]:
        masks = _rows_with_gradient(updates) if touched is None else touched
        steps, new = every_row(updates, state, params, **extra)
        rest = jax.tree.map(jnp.zeros_like, steps)
        m, v = (
            _where(masks, getattr(new, name), getattr(state, name))
            for name in ("exp_avg", "exp_avg_sq")
        )
        return _where(masks, steps, rest), SparseAdamState(new.count, m, v)

    return update


def _rows_with_gradient(grads: optax.Updates) -> optax.Updates:
    def one(g: jax.Array) -> jax.Array:
        # XLA's CPU code takes a maximum in half the time of `jnp.any(g != 0)`.
        return jnp.max(jnp.abs(g), axis=tuple(range(1, jnp.ndim(g))), initial=0) != 0

    return jax.tree.map(one, grads)


def _where(masks: Any, updates: optax.Updates, other: optax.Updates) -> optax.Updates:
    # By path: in a group of parameters, `updates` lacks those of the other groups.
    by_path = dict(jax.tree_util.tree_leaves_with_path(masks))

    def one(path: Any, x: jax.Array, y: jax.Array) -> jax.Array:
        mask = jnp.asarray(by_path[path])
        return jnp.where(mask.reshape(mask.shape + (1,) * (x.ndim - mask.ndim)), x, y)

    return jax.tree.map_with_path(one, updates, other)
