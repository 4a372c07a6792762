"""One training step: what it needs, and what comes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import nnx
from jax.typing import ArrayLike

from jaxtrain.nn import GivenMasks, KeyMasks, dropout_source
from jaxtrain.optim._average import AverageState, WeightAverage

LossFunction = Callable[[jax.Array, jax.Array], jax.Array]
Penalty = Callable[[nnx.State], jax.Array]
Augment = Callable[[jax.Array, Any], jax.Array]
ModelCall = Callable[[Any, jax.Array], tuple[jax.Array, Any]]
"""Calls a model on inputs; gives its outputs, and what else is to be known of them."""


class TrainState(NamedTuple):
    """All that a training step changes."""

    params: nnx.State
    buffers: nnx.State
    opt_state: optax.OptState
    average: AverageState | None = None
    """Average of the parameters along the way, where one is kept."""


class Placed(NamedTuple):
    """A data set on the device."""

    inputs: jax.Array
    targets: jax.Array


class Chunk(NamedTuple):
    """Consecutive batches of one size; every array's first axis counts steps."""

    rows: ArrayLike
    """(steps, batch) row numbers into the data."""
    hyperparameters: Mapping[str, ArrayLike] = MappingProxyType({})
    """(steps,) values that the optimiser's update is given, such as `lr`.

    As everywhere in Optax, a name that the optimiser does not know goes unnoticed.
    With `last`, as `optim.accumulate` takes it, the average of the parameters goes on
    only where it is true.
    """
    masks: Sequence[ArrayLike] | jax.Array = ()
    """Dropout masks (steps, …) in drawing order, or (steps,) `jax.random` keys."""
    drawn: Any = ()
    """(steps, …) arrays that `Trainer`'s `augment` is given, step by step."""


class Recipe(NamedTuple):
    """What is the same in every step of a training."""

    graph: nnx.GraphDef
    """Of the model in training mode."""
    tx: optax.GradientTransformationExtraArgs
    loss: LossFunction
    augment: Augment
    """(raw inputs, drawn) -> the model's inputs."""
    penalty: Penalty | None = None
    average: WeightAverage | None = None
    """Takes the parameters in after every step, if it is there."""


class Step(NamedTuple):
    """What comes of one step."""

    state: TrainState
    """After it."""
    loss: jax.Array
    """Before the update."""
    params: nnx.State
    """What the update is added to: a forward pass moves weights where `max_norm`
    shortens them."""
    grads: nnx.State
    updates: nnx.State
    extra: Any
    """What `call` gave besides the outputs."""


def _call(model: Any, inputs: jax.Array) -> tuple[jax.Array, tuple[()]]:
    return model(inputs), ()


def take_step(
    recipe: Recipe,
    data: Placed,
    state: TrainState,
    batch: Chunk,
    call: ModelCall = _call,
) -> Step:
    """Take one step; to be compiled.

    Args:
        recipe: of the training.
        data: where the batch's rows are gathered from.
        state: before the step.
        batch: one of a chunk's: its arrays without the axis that counts steps.
        call: how the model is called.
    """
    params, buffers, opt_state, average = state

    def loss(params: nnx.State) -> tuple[jax.Array, tuple[nnx.State, nnx.State, Any]]:
        return batch_loss(recipe, data, params, buffers, batch, call)

    differentiate = jax.value_and_grad(loss, has_aux=True)
    (value, (params, buffers_after, extra)), grads = differentiate(params)

    def value_and_grad(params: nnx.State) -> tuple[jax.Array, nnx.State]:
        # L-BFGS looks several times at one batch; what
        # these passes do to buffers is dropped.
        (value, _), grads = differentiate(params)
        return value, grads

    updates, opt_state = recipe.tx.update(
        grads,
        opt_state,
        params,
        value=value,
        value_and_grad_fn=value_and_grad,
        **batch.hyperparameters,
    )
    after = optax.apply_updates(params, updates)
    average = _average_after(recipe, batch, after, average)
    state = TrainState(after, buffers_after, opt_state, average)
    return Step(state, value, params, grads, updates, extra)


def _average_after(
    recipe: Recipe, batch: Chunk, params: nnx.State, average: AverageState | None
) -> AverageState | None:
    if recipe.average is None:
        return average
    assert average is not None
    fresh = recipe.average.update(params, average)
    # Under accumulation the parameters move, and are averaged, at the last batch alone.
    due = batch.hyperparameters.get("last", True)
    return jax.tree.map(partial(jnp.where, due), fresh, average)


def batch_loss(
    recipe: Recipe,
    data: Placed,
    params: nnx.State,
    buffers: nnx.State,
    batch: Chunk,
    call: ModelCall = _call,
) -> tuple[jax.Array, tuple[nnx.State, nnx.State, Any]]:
    """The loss of a batch; parameters and buffers after the pass; what `call` saw."""
    # Copied: a module may update its buffers only at the trace that made them.
    model = nnx.merge(recipe.graph, params, buffers, copy=True)
    source = _mask_source(batch.masks)
    with dropout_source(source):
        outputs, extra = call(
            model, recipe.augment(data.inputs[batch.rows], batch.drawn)
        )
    if isinstance(source, GivenMasks):
        source.check_used_up()
    # A forward pass moves buffers, and weights where `max_norm` shortens them.
    _, params, buffers = nnx.split(model, nnx.Param, ...)
    value = recipe.loss(outputs, data.targets[batch.rows])
    if recipe.penalty is not None:
        value = value + recipe.penalty(params)
    return value, (params, buffers, extra)


def _mask_source(masks: Sequence[Any] | jax.Array) -> GivenMasks | KeyMasks:
    return KeyMasks(masks) if isinstance(masks, jax.Array) else GivenMasks(masks)
