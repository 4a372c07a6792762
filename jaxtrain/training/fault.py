"""The first number of a step that is not finite: where it is, and the step kept."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from jaxtrain import nn
from jaxtrain.training.step import Chunk, Placed, Recipe, TrainState, take_step

Counts = Mapping[str, jax.Array]
"""Name of a tensor -> how many of its elements are not finite; in order of making."""


class Fault(NamedTuple):
    """A step that makes a number that is not finite."""

    step: int
    """Of the chunk, from 0."""
    loss: float
    tensor: str
    """The first such tensor, in words."""
    elements: int
    """Elements of it that are not finite."""
    state: TrainState
    """Before the step."""

    def __str__(self) -> str:
        are = "element that is" if self.elements == 1 else "elements that are"
        return f"{self.tensor} has {self.elements} {are} not finite"


Inspect = Callable[[TrainState, Placed, Chunk], tuple[TrainState, jax.Array, Counts]]


def make_inspect(recipe: Recipe) -> Inspect:
    """A compiled step that also counts what is not finite in all that it makes."""
    return jax.jit(partial(_inspect, recipe))


def locate(
    inspect: Inspect, start: TrainState, data: Placed, chunk: Chunk
) -> Fault | None:
    """Take a chunk's steps one by one, up to the first that makes such a number.

    Args:
        inspect: made by `make_inspect`.
        start: state before the chunk; it stays.
        data: what is trained on.
        chunk: the steps.

    Returns:
        The fault; None where the steps, taken one by one, are all finite.
    """
    state = start
    # Each by itself, since a scan would give nothing out before its end.
    for step in range(len(np.asarray(chunk.rows))):
        batch = jax.tree.map(lambda x, step=step: x[step], chunk)
        after, loss, counts = inspect(state, data, batch)
        for tensor, count in counts.items():
            if int(count):
                return Fault(step, float(loss), tensor, int(count), state)
        state = after
    return None


def _inspect(
    recipe: Recipe, state: TrainState, data: Placed, batch: Chunk
) -> tuple[TrainState, jax.Array, Counts]:
    counts: dict[str, jax.Array] = OrderedDict()
    # In the order in which a step makes them: the
    # first that is not finite is the cause.
    counts |= _of_tree("weight {} before the step", state.params)
    counts |= _of_tree("buffer {} before the step", state.buffers)
    step = take_step(recipe, data, state, batch, _call_with_counts)
    counts |= step.extra
    counts["the loss"] = _count(step.loss)
    counts |= _of_tree("the gradient of {}", step.grads)
    counts |= _of_tree("the update of {}", step.updates)
    counts |= _of_tree("weight {} after the step", step.state.params)
    counts |= _of_tree("buffer {} after the step", step.state.buffers)
    leaves = jax.tree.leaves(step.state.opt_state)
    counts["the optimiser's state"] = sum(map(_count, leaves), jnp.zeros((), int))
    return step.state, step.loss, counts


def _call_with_counts(model: Any, inputs: jax.Array) -> tuple[jax.Array, Counts]:
    counts = OrderedDict({"the batch": _count(inputs)})
    with nn.layer_outputs(model) as outputs:
        result = model(inputs)
    for name, arrays in outputs.items():
        layer = f"the output of layer {name}" if name else "the network's output"
        counts[layer] = sum(map(_count, arrays), jnp.zeros((), int))
    return result, counts


def _of_tree(text: str, tree: nnx.State) -> Counts:
    flat = nnx.to_flat_state(tree)
    return OrderedDict(
        (text.format(".".join(map(str, path))), _count(variable[...]))
        for path, variable in flat
    )


def _count(x: jax.Array) -> jax.Array:
    if not jnp.issubdtype(x.dtype, np.inexact):
        return jnp.zeros((), int)
    return (~jnp.isfinite(x)).sum()
