"""What one step looks like from inside: gradients, updates, dead units."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax.typing import ArrayLike

from jaxtrain import nn
from jaxtrain.nn.module import named_variables
from jaxtrain.training.step import (
    Chunk,
    Look,
    Recipe,
    TrainState,
    take_step,
)

CLIPPERS = (
    nn.ReLU,
    nn.ReLU6,
    nn.Threshold,
    nn.Hardsigmoid,
    nn.Hardswish,
    nn.Hardshrink,
    nn.Softshrink,
)
"""Activations that give exact zeros, where their slope is 0 too: such a unit learns
nothing from a batch for which it is 0 throughout."""


class Readings(NamedTuple):
    """What one step looks like from inside, still on the device."""

    gradient_norms: Mapping[str, jax.Array]
    update_ratios: Mapping[str, jax.Array]
    dead: Mapping[str, jax.Array]


Probe = Callable[[TrainState, Any, Chunk], Readings]


def make_probe(recipe: Recipe) -> Probe:
    """A compiled function that looks at the first step of a chunk, without taking it.

    For each parameter p, by its name in `nn.state_dict`: the Euclidean norms |g| of
    the gradient of what is minimised, any penalty with it, and |u| / |p| of the update
    that the optimiser would add, with that step's masks and hyper-parameters. A
    parameter of zeros has the ratio infinity, or NaN where its update is 0 as well.

    For each module of `CLIPPERS`, by its name in `nn.named_modules`: the share of units
    that are 0 for the whole batch; of several calls the largest. A unit is a channel
    (N, C, H, W), at all its places together; of other shapes each place after N.
    Activations that are plain functions go unseen.

    The rows must lie within the data, as those that `Engine.train` takes do.

    Args:
        recipe: of the training.
    """
    look = seeing_or_blind(
        lambda look: jax.jit(partial(_look, recipe, look)), _look_for_dead, _no_dead
    )

    def probe(state: TrainState, data: Any, chunk: Chunk) -> Readings:
        # On the host: the length of a chunk then does not mean a new compilation, nor
        # are the masks of all its steps moved to the device.
        chunk = chunk._replace(hyperparameters=dict(chunk.hyperparameters))
        if chunk.rows is None:
            return look(state, data, chunk)
        first = jax.tree.map(_first, chunk)
        return look(state, data, first._replace(rows=np.asarray(first.rows, np.int32)))

    return probe


def seeing_or_blind(
    compile_with: Callable[[Look], Any], seeing: Look, blind: Look
) -> Any:
    """A compiled function that looks into the model's call, where that can be.

    A loss may call its model inside a transformation of its own, such as `jax.vmap` or
    `jax.grad`: what the layers give there cannot be had outside.

    Args:
        compile_with: makes the function, given what looks.
        seeing: looks at layers.
        blind: looks instead, and not at layers.
    """
    functions = [compile_with(blind), compile_with(seeing)]

    def call(*arguments: Any) -> Any:
        try:
            return functions[-1](*arguments)
        except jax.errors.UnexpectedTracerError:
            if len(functions) == 1:
                raise
            functions.pop()
            return functions[-1](*arguments)

    return call


def _first(values: ArrayLike) -> Any:
    return values[0] if isinstance(values, jax.Array) else np.asarray(values)[0]


def _look(
    recipe: Recipe, look: Look, state: TrainState, data: Any, batch: Chunk
) -> Readings:
    step = take_step(recipe, data, state, batch, look)
    names = _parameter_names(recipe, state)
    params, grads, updates = (
        _norms(part) for part in (step.params, step.grads, step.updates)
    )
    # In the order of the state dictionary, which a plain dictionary loses under jit.
    return Readings(
        OrderedDict((name, grads[name]) for name in names),
        OrderedDict((name, updates[name] / params[name]) for name in names),
        step.extra,
    )


def _parameter_names(recipe: Recipe, state: TrainState) -> list[str]:
    model = nnx.merge(recipe.graph, state.params, state.buffers)
    variables = named_variables(model)
    return [name for name, each in variables.items() if isinstance(each, nnx.Param)]


def _norms(tree: nnx.State) -> dict[str, jax.Array]:
    return {
        ".".join(map(str, path)): _norm(variable[...])
        for path, variable in nnx.to_flat_state(tree)
    }


def _norm(x: jax.Array) -> jax.Array:
    # Squares of 16-bit numbers would leave their range or their precision.
    return jnp.linalg.norm(x.astype(jnp.promote_types(x.dtype, jnp.float32)).ravel())


def _look_for_dead(
    model: Any, inputs: Any, compute: Callable[[], Any]
) -> tuple[Any, Mapping[str, jax.Array]]:
    del inputs
    with nn.layer_outputs(model) as outputs:
        result = compute()
    shares = OrderedDict(
        (name, jnp.stack([dead_share(x) for x in outputs[name]]).max())
        for name, module in nn.named_modules(model).items()
        if isinstance(module, CLIPPERS) and name in outputs
    )
    return result, shares


def _no_dead(
    model: Any, inputs: Any, compute: Callable[[], Any]
) -> tuple[Any, Mapping[str, jax.Array]]:
    del model, inputs
    return compute(), OrderedDict()


def dead_share(output: jax.Array) -> jax.Array:
    """Share of an activation's units that are 0 for the whole batch.

    Example:
        >>> print(dead_share(jnp.array([[0.0, 1.0], [0.0, 0.0]])))
        0.5
    """
    channels = output.ndim >= 4
    axes = [axis for axis in range(output.ndim) if axis == 0 or (channels and axis > 1)]
    return (output == 0).all(axis=tuple(axes)).mean()
