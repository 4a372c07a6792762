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

LossFunction = Callable[[Any, Any], jax.Array]
Penalty = Callable[[nnx.State], jax.Array]
Augment = Callable[[Any, Any], Any]
Look = Callable[[Any, Any, Callable[[], Any]], tuple[Any, Any]]
"""(model, inputs, computation) -> what is computed, and what else is seen of it."""
Figures = Mapping[str, jax.Array]
"""Scalars beside the loss, by name."""
Objective = Callable[[Any, Any, Any, Look], tuple[jax.Array, Figures, Any]]
"""(model, batch, drawn, look) -> loss, figures, and what `look` saw."""


class TrainState(NamedTuple):
    """All that a training step changes."""

    params: nnx.State
    buffers: nnx.State
    opt_state: optax.OptState
    average: AverageState | None = None
    """Average of the parameters along the way, where one is kept."""


class Placed(NamedTuple):
    """A data set on the device, or a batch: a pair of trees of arrays."""

    inputs: Any
    targets: Any


class Chunk(NamedTuple):
    """Consecutive batches of one size; every array's first axis counts steps."""

    rows: ArrayLike | None
    """(steps, batch) row numbers into the data; None where the data is the batch of a
    single step, whose arrays then have no axis that counts steps."""
    hyperparameters: Mapping[str, ArrayLike] = MappingProxyType({})
    """(steps,) values that the optimiser's update is given, such as `lr`.

    With `last`, as `optim.accumulate` takes it, the average of the parameters goes on
    only where it is true.
    """
    masks: Sequence[ArrayLike] | jax.Array = ()
    """Dropout masks (steps, …) in drawing order, or (steps,) `jax.random` keys."""
    drawn: Any = ()
    """(steps, …) arrays that `Engine`'s `augment` is given, step by step."""


class Recipe(NamedTuple):
    """What is the same in every step of a training."""

    graph: nnx.GraphDef
    """Of the model in training mode."""
    tx: optax.GradientTransformationExtraArgs
    objective: Objective
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
    figures: Figures
    extra: Any
    """What `look` saw."""


def no_look(model: Any, inputs: Any, compute: Callable[[], Any]) -> tuple[Any, Any]:
    """The `Look` of a step that nobody looks into."""
    del model, inputs
    return compute(), ()


def apply_model(model: Any, inputs: Any) -> Any:
    """model(inputs); a tuple gives the arguments one by one, a dictionary by name."""
    if isinstance(inputs, Mapping):
        return model(**inputs)
    return model(*inputs) if type(inputs) in (tuple, list) else model(inputs)


def supervised(loss: LossFunction, augment: Augment) -> Objective:
    """What a loss of (outputs, targets) makes of a batch of (inputs, targets).

    Args:
        loss: maps outputs and targets to a scalar.
        augment: (raw inputs, drawn) -> the model's inputs.
    """

    def objective(
        model: Any, batch: Any, drawn: Any, look: Look
    ) -> tuple[jax.Array, Figures, Any]:
        raw, targets = pair_of(batch)
        inputs = augment(raw, drawn)
        outputs, extra = look(model, inputs, lambda: apply_model(model, inputs))
        return loss(outputs, targets), {}, extra

    return objective


def pair_of(batch: Any) -> tuple[Any, Any]:
    """The inputs and targets of a batch.

    Raises:
        ValueError: it is something else.
    """
    if not isinstance(batch, tuple | list) or len(batch) != 2:
        form = str(jax.tree.structure(batch)).removeprefix("PyTreeDef")
        raise ValueError(
            f"a batch must be (inputs, targets), but is {form}: a loss of (model, "
            "batch) takes batches of any form"
        )
    return batch[0], batch[1]


def gather(data: Any, rows: ArrayLike | None) -> Any:
    """The rows of every array of a tree; the tree itself where there are none."""
    return data if rows is None else jax.tree.map(lambda x: x[rows], data)


def take_step(
    recipe: Recipe,
    data: Any,
    state: TrainState,
    batch: Chunk,
    look: Look = no_look,
) -> Step:
    """Take one step; to be compiled.

    Args:
        recipe: of the training.
        data: where the batch's rows are gathered from.
        state: before the step.
        batch: one of a chunk's: its arrays without the axis that counts steps.
        look: looks into the model's call.
    """
    params, buffers, opt_state, average = state

    def loss(params: nnx.State) -> tuple[jax.Array, _Beside]:
        return batch_loss(recipe, data, params, buffers, batch, look)

    differentiate = jax.value_and_grad(loss, has_aux=True)
    (value, (params, buffers_after, figures, extra)), grads = differentiate(params)

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
    return Step(state, value, params, grads, updates, figures, extra)


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


_Beside = tuple[nnx.State, nnx.State, Figures, Any]


def batch_loss(
    recipe: Recipe,
    data: Any,
    params: nnx.State,
    buffers: nnx.State,
    batch: Chunk,
    look: Look = no_look,
) -> tuple[jax.Array, _Beside]:
    """The loss of a batch; parameters and buffers after it, figures, what was seen.

    Raises:
        ValueError: the loss, or a figure, is no scalar.
    """
    # Copied: a module may update its buffers only at the trace that made them.
    model = nnx.merge(recipe.graph, params, buffers, copy=True)
    source = _mask_source(batch.masks)
    with dropout_source(source):
        value, figures, extra = recipe.objective(
            model, gather(data, batch.rows), batch.drawn, look
        )
    if isinstance(source, GivenMasks):
        source.check_used_up()
    check_scalars({"the loss": value, **figures})
    # A forward pass moves buffers, and weights where `max_norm` shortens them.
    _, params, buffers = nnx.split(model, nnx.Param, ...)
    if recipe.penalty is not None:
        value = value + recipe.penalty(params)
    return value, (params, buffers, dict(figures), extra)


def check_scalars(values: Mapping[str, Any]) -> None:
    """Raise `ValueError` for a value that is not one number."""
    for name, value in values.items():
        if jnp.shape(value) != ():
            raise ValueError(
                f"{name} must be one number for a batch, but is of shape "
                f"{jnp.shape(value)}: take its mean, as reduction='mean' does"
            )


def _mask_source(masks: Sequence[Any] | jax.Array) -> GivenMasks | KeyMasks:
    return KeyMasks(masks) if isinstance(masks, jax.Array) else GivenMasks(masks)
