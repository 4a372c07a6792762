from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax.typing import ArrayLike

from jaxtrain.optim._hyperparameter import (
    Hyperparameter,
    as_dtype,
    below_zero,
    opmath,
    resolve,
)


class SgdState(NamedTuple):
    """State of `sgd`."""

    count: jax.Array  # type: ignore[assignment]
    """Updates so far."""
    momentum_buffer: optax.Updates | None
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
    _check(lr, momentum, dampening, weight_decay, nesterov)
    has_momentum = callable(momentum) or momentum != 0

    def init(params: optax.Params) -> SgdState:
        buffer = jax.tree.map(jnp.zeros_like, params) if has_momentum else None
        return SgdState(jnp.zeros([], jnp.int32), buffer)

    def update(
        updates: optax.Updates,
        state: SgdState,
        params: optax.Params | None = None,
        *,
        lr: ArrayLike | None = None,
        momentum: ArrayLike | None = None,
        **extra_args: Any,
    ) -> tuple[optax.Updates, SgdState]:
        del extra_args
        if momentum is not None and not has_momentum:
            raise ValueError("sgd was built without momentum, but update was given one")
        rate = resolve(declared_lr, state.count, lr)
        grads = _gradients(updates, params, weight_decay, maximize)
        buffer = state.momentum_buffer
        if has_momentum:
            mu = resolve(declared_momentum, state.count, momentum)
            grads, buffer = _momentum(
                grads, buffer, state.count, mu, dampening, nesterov
            )
        steps = jax.tree.map(lambda g, u: -as_dtype(rate, u) * g, grads, updates)
        return steps, SgdState(optax.safe_increment(state.count), buffer)

    declared_lr, declared_momentum = lr, momentum
    return optax.GradientTransformationExtraArgs(init, update)


def _check(
    lr: Hyperparameter,
    momentum: Hyperparameter,
    dampening: float,
    weight_decay: float,
    nesterov: bool,
) -> None:
    if below_zero(lr):
        raise ValueError(f"Invalid learning rate: {lr}")
    if below_zero(momentum):
        raise ValueError(f"Invalid momentum value: {momentum}")
    if weight_decay < 0:
        raise ValueError(f"Invalid weight_decay value: {weight_decay}")
    moving = callable(momentum) or momentum > 0
    if nesterov and (not moving or dampening != 0):
        raise ValueError(
            "Nesterov momentum requires a momentum and zero dampening, but got "
            f"momentum {momentum} and dampening {dampening}"
        )


def _gradients(
    updates: optax.Updates,
    params: optax.Params | None,
    weight_decay: float,
    maximize: bool,
) -> optax.Updates:
    grads = jax.tree.map(lambda g: -opmath(g) if maximize else opmath(g), updates)
    if not weight_decay:
        return grads
    if params is None:
        raise ValueError("weight_decay needs params: update(grads, state, params)")
    return jax.tree.map(
        lambda g, p: g + as_dtype(weight_decay, g) * opmath(p), grads, params
    )


def _momentum(
    grads: optax.Updates,
    buffer: optax.Updates,
    count: jax.Array,
    momentum: ArrayLike,
    dampening: float,
    nesterov: bool,
) -> tuple[optax.Updates, optax.Updates]:
    def accumulate(g: jax.Array, b: jax.Array) -> jax.Array:
        fed = g if not dampening else g * as_dtype(1 - dampening, g)
        moved = opmath(b) * as_dtype(momentum, g) + fed
        return jnp.where(count == 0, g, moved) if dampening else moved

    moved = jax.tree.map(accumulate, grads, buffer)
    steps = moved
    if nesterov:
        steps = jax.tree.map(lambda g, b: g + as_dtype(momentum, g) * b, grads, moved)
    return steps, jax.tree.map(lambda m, b: m.astype(b.dtype), moved, buffer)
