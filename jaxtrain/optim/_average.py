"""Averages of the weights along the way, as `torch.optim.swa_utils` keeps them."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from jaxtrain.optim._build import lerp
from jaxtrain.optim._hyper import Coefficient, coefficient_of


class AverageState(NamedTuple):
    """An average of weights."""

    n_averaged: jax.Array
    """How many have been taken in."""
    average: optax.Params


class WeightAverage(NamedTuple):
    """A pure pair: `init(params)` and `update(params, state)`, both giving a state."""

    init: Callable[[optax.Params], AverageState]
    update: Callable[[optax.Params, AverageState], AverageState]


def ema(decay: float = 0.999) -> WeightAverage:
    """Exponential moving average: a ← decay·a + (1 - decay)·p; the first a is p.

    Raises:
        ValueError: `decay` lies outside [0, 1].

    PyTorch: `AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(decay))`.

    Example:
        >>> average = ema(0.5)
        >>> state = average.update(jnp.array([1.0]), average.init(jnp.zeros(1)))
        >>> average.update(jnp.array([2.0]), state).average
        Array([1.5], dtype=float32)
    """
    if not 0.0 <= decay <= 1.0:
        raise ValueError(f"decay must be between 0 and 1, but got {decay}")

    def weight(count: jax.Array, like: jax.Array) -> Coefficient:
        del count
        # `_foreach_lerp_` is given 1 - decay, which the host subtracts in float64.
        return coefficient_of(decay, like.dtype)

    return _weight_average(weight)


def swa() -> WeightAverage:
    """Plain mean of all weights taken in: a ← a + (p - a)/(n + 1).

    PyTorch: `AveragedModel(model)`.
    Reference: Izmailov et al. 2018, https://arxiv.org/abs/1803.05407

    Example:
        >>> average = swa()
        >>> state = average.update(jnp.array([1.0]), average.init(jnp.zeros(1)))
        >>> average.update(jnp.array([4.0]), state).average
        Array([2.5], dtype=float32)
    """

    def weight(count: jax.Array, like: jax.Array) -> Coefficient:
        share = 1 / (count + 1).astype(like.dtype)
        return Coefficient(1 - share, share, None)

    return _weight_average(weight)


def _weight_average(
    weight: Callable[[jax.Array, jax.Array], Coefficient],
) -> WeightAverage:
    def init(params: optax.Params) -> AverageState:
        # No array twice: a step that donates parameters and average would refuse it.
        copies = jax.tree.map(jnp.copy, params)
        return AverageState(jnp.zeros([], jnp.int32), copies)

    def update(params: optax.Params, state: AverageState) -> AverageState:
        count = state.n_averaged

        def one(average: jax.Array, p: jax.Array) -> jax.Array:
            blend = lerp(average, p, weight(count, average))
            # PyTorch copies the first weights: nothing that was held stays, nor NaN.
            return jnp.where(count == 0, p, blend)

        return AverageState(count + 1, jax.tree.map(one, state.average, params))

    return WeightAverage(init, update)
