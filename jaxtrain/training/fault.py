"""The first number of a step that is not finite: where it is, and the step kept."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from jaxtrain import nn
from jaxtrain.training.probe import seeing_or_blind
from jaxtrain.training.step import Chunk, Look, Recipe, TrainState, take_step

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
    state: Any
    """Before the step."""

    def __str__(self) -> str:
        are = "element that is" if self.elements == 1 else "elements that are"
        return f"{self.tensor} has {self.elements} {are} not finite"


Inspect = Callable[[Any, Any, Chunk], tuple[Any, jax.Array, Counts]]
"""(state, data, batch) -> state after the step, loss, and counts."""


def make_inspect(recipe: Recipe) -> Inspect:
    """A compiled step that also counts what is not finite in all that it makes."""
    inspect: Inspect = seeing_or_blind(
        lambda look: jax.jit(partial(_inspect, recipe, look)),
        _look_for_counts,
        _look_at_batch,
    )
    return inspect


def locate(inspect: Inspect, start: Any, data: Any, chunk: Chunk) -> Fault | None:
    """Take a chunk's steps one by one, up to the first that makes such a number.

    Args:
        inspect: made by `make_inspect`.
        start: state before the chunk; it stays.
        data: what is trained on.
        chunk: the steps.

    Returns:
        The fault; None where the steps, taken one by one, are all finite.
    """
    # Each by itself, since a scan would give nothing out before its end.
    steps = range(len(np.asarray(chunk.rows)))
    singles = (jax.tree.map(lambda x, step=step: x[step], chunk) for step in steps)
    return locate_among(inspect, start, ((data, single) for single in singles))


def locate_among(
    inspect: Inspect, start: Any, steps: Iterable[tuple[Any, Chunk]]
) -> Fault | None:
    """As `locate`, of steps that each have data of their own.

    Args:
        inspect: made by `make_inspect`.
        start: state before the first; it stays.
        steps: (data, batch) of each.
    """
    state = start
    for number, (data, batch) in enumerate(steps):
        after, loss, counts = inspect(state, data, batch)
        for tensor, count in counts.items():
            if int(count):
                return Fault(number, float(loss), tensor, int(count), state)
        state = after
    return None


def _inspect(
    recipe: Recipe, look: Look, state: TrainState, data: Any, batch: Chunk
) -> tuple[TrainState, jax.Array, Counts]:
    counts: dict[str, jax.Array] = OrderedDict()
    # In the order in which a step makes them: the
    # first that is not finite is the cause.
    counts |= _of_tree("weight {} before the step", state.params)
    counts |= _of_tree("buffer {} before the step", state.buffers)
    step = take_step(recipe, data, state, batch, look)
    counts |= step.extra
    counts["the loss"] = _count(step.loss)
    counts |= {f"the figure {name}": _count(x) for name, x in step.figures.items()}
    counts |= _of_tree("the gradient of {}", step.grads)
    counts |= _of_tree("the update of {}", step.updates)
    counts |= _of_tree("weight {} after the step", step.state.params)
    counts |= _of_tree("buffer {} after the step", step.state.buffers)
    counts["the optimiser's state"] = count_all(step.state.opt_state)
    return step.state, step.loss, counts


def _look_at_batch(
    model: Any, inputs: Any, compute: Callable[[], Any]
) -> tuple[Any, Counts]:
    del model
    return compute(), OrderedDict({"the batch": count_all(inputs)})


def _look_for_counts(
    model: Any, inputs: Any, compute: Callable[[], Any]
) -> tuple[Any, Counts]:
    counts = OrderedDict({"the batch": count_all(inputs)})
    with nn.layer_outputs(model) as outputs:
        result = compute()
    for name, arrays in outputs.items():
        layer = f"the output of layer {name}" if name else "the network's output"
        counts[layer] = count_all(arrays)
    return result, counts


def _of_tree(text: str, tree: nnx.State) -> Counts:
    flat = nnx.to_flat_state(tree)
    return OrderedDict(
        (text.format(".".join(map(str, path))), _count(variable[...]))
        for path, variable in flat
    )


def count_all(tree: Any) -> jax.Array:
    """How many elements of a tree's arrays are not finite."""
    return sum(map(_count, jax.tree.leaves(tree)), jnp.zeros((), int))


def _count(x: Any) -> jax.Array:
    x = x if hasattr(x, "dtype") else jnp.asarray(x)
    if not jnp.issubdtype(x.dtype, np.inexact):
        return jnp.zeros((), int)
    return (~jnp.isfinite(x)).sum()
