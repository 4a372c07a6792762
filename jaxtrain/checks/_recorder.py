"""Gradients as state: an optimiser that moves nothing and remembers."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

from jaxtrain.nn import state_dict


class Recorded(NamedTuple):
    """State of `recorder`."""

    size: optax.Updates
    """Sum over the steps of |gradient|, value by value."""


def recorder() -> optax.GradientTransformation:
    """An optimiser that leaves every parameter alone and sums up |gradient|.

    Example:
        >>> tx = recorder()
        >>> _, state = tx.update(jnp.array([-2.0, 0.0]), tx.init(jnp.zeros(2)))
        >>> state.size
        Array([2., 0.], dtype=float32)
    """

    def init(params: optax.Params) -> Recorded:
        return Recorded(jax.tree.map(jnp.zeros_like, params))

    def update(
        grads: optax.Updates, state: Recorded, params: optax.Params | None = None
    ) -> tuple[optax.Updates, Recorded]:
        size = jax.tree.map(lambda sum_, g: sum_ + jnp.abs(g), state.size, grads)
        return jax.tree.map(jnp.zeros_like, grads), Recorded(size)

    return optax.GradientTransformation(init, update)


def by_name(model: nnx.Module, tree: nnx.State) -> dict[str, np.ndarray]:
    """Arrays of a tree like the model's parameters, by name, in the model's order."""
    flat = {
        ".".join(map(str, path)): np.asarray(variable[...]).astype(np.float64)
        for path, variable in nnx.to_flat_state(tree)
    }
    order = [name for name in state_dict(model) if name in flat]
    return {name: flat[name] for name in dict.fromkeys([*order, *flat])}
