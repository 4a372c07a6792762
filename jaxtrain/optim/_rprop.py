"""Rprop: the sign of the gradient, and a step size for each element."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from jaxtrain.optim._build import Tensors, build, check_numbers, check_pair, check_rate
from jaxtrain.optim._hyper import Hyper, Hyperparameter, at_first


class RpropState(NamedTuple):
    """State of `rprop`."""

    count: jax.Array  # type: ignore[assignment]
    """Updates so far."""
    prev: optax.Updates
    """The gradient before, zero where its sign had flipped."""
    step_size: optax.Updates
    """Length of each element's step."""


def rprop(
    lr: Hyperparameter = 1e-2,
    etas: tuple[float, float] = (0.5, 1.2),
    step_sizes: tuple[float, float] = (1e-6, 50.0),
    *,
    maximize: bool = False,
) -> optax.GradientTransformationExtraArgs:
    """Rprop: p ← p - sign(g)·s, with a step size s for each element.

    Where the gradient has the sign of the one before, s grows by η₊; where the sign has
    flipped, s shrinks by η₋, and the element rests: the gradient counts as zero, now
    and as the one before at the next update.

    Args:
        lr: what s starts from; a number, or a schedule, or `update(…, lr=value)`. Only
            the first update looks at it.
        etas: (η₋, η₊).
        step_sizes: least and greatest s.
        maximize: ascend.

    Raises:
        ValueError: `lr` is negative, or not 0 < η₋ < 1 < η₊.

    PyTorch: `torch.optim.Rprop`.
    Reference: Riedmiller and Braun 1993, https://doi.org/10.1109/ICNN.1993.298623

    Example:
        >>> tx = rprop(lr=0.1)
        >>> state = tx.init(jnp.ones(2))
        >>> for g in ([3.0, 3.0], [1.0, -1.0]):
        ...     updates, state = tx.update(jnp.array(g), state)
        >>> updates, state.step_size
        (Array([-0.12, -0.  ], dtype=float32), Array([0.12, 0.05], dtype=float32))
    """
    check_rate(lr)
    check_pair("etas", etas)
    check_pair("step_sizes", step_sizes)
    check_numbers(**{f"etas[{i}]": eta for i, eta in enumerate(etas)})
    check_numbers(**{f"step_sizes[{i}]": size for i, size in enumerate(step_sizes)})
    if not 0.0 < etas[0] < 1.0 < etas[1]:
        raise ValueError(f"Invalid eta values: {etas[0]}, {etas[1]}")

    def start(p: jax.Array) -> jax.Array:
        return jnp.full_like(p, at_first(lr))

    return build(
        RpropState,
        {"lr": lr},
        {"prev": jnp.zeros_like, "step_size": start},
        partial(_step, etas=etas, step_sizes=step_sizes),
        maximize=maximize,
    )


def _step(
    p: jax.Array | None,
    g: jax.Array,
    state: Tensors,
    hyper: Hyper,
    *,
    etas: tuple[float, float],
    step_sizes: tuple[float, float],
) -> tuple[jax.Array, Tensors]:
    # PyTorch makes its state in the first step, from the rate in force then.
    before = jnp.where(hyper.count == 0, hyper.number("lr"), state["step_size"])
    # XLA takes subnormal numbers for 0, and the product of two gradients of 1e-20
    # is one. So scale it, and find nil what rounds to 0 in PyTorch.
    agreement = g * 2.0**64 * state["prev"]
    nil = float(jnp.finfo(g.dtype).smallest_subnormal) * 2.0**63
    eta_minus, eta_plus = (jnp.asarray(eta, g.dtype) for eta in etas)
    factor = jnp.where(agreement < -nil, eta_minus, 1)
    factor = jnp.where(agreement > nil, eta_plus, factor)
    size = _clamp(before * factor, *step_sizes)
    g = jnp.where(agreement < -nil, 0, g)
    # By comparisons, a NaN has PyTorch's sign: 0.
    update = jnp.where(g > 0, -size, jnp.where(g < 0, size, -0.0))
    return update, {"prev": g, "step_size": size}


def _clamp(x: jax.Array, least: float, most: float) -> jax.Array:
    # `jnp.clip` has XLA's CPU code look for NaN twice: a fourth of the whole update.
    x = jnp.where(x < least, least, x)
    return jnp.where(x > most, most, x)
