"""What losses can be, whatever the network: found from outputs alone."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

from jaxtrain.checks._setup import Sample, Setup

STEPS, RATE = 300, 0.5
"""Of Adam on outputs: of cross-entropy, a hundred-thousandth of the way is left."""


class Bounds(NamedTuple):
    """Losses of batches, (batches,) each."""

    guess: np.ndarray
    """Of outputs that are all zero: ln K for cross-entropy of K classes."""
    best: np.ndarray
    """Of the best outputs that there are."""


def bounds(setup: Setup, sample: Sample, rows: np.ndarray) -> Bounds:
    """The losses of knowing nothing, and of knowing all, for rows (batches, batch).

    Found by moving the outputs themselves, so that label smoothing, class weights and
    margins need no formula of their own.
    """
    outputs = _outputs(setup, sample.inputs[rows[0]])

    def descend(targets: jax.Array) -> tuple[jax.Array, jax.Array]:
        tx = optax.adam(RATE)
        differentiate = jax.value_and_grad(lambda x: setup.loss(x, targets))

        def step(
            carry: tuple[jax.Array, optax.OptState], _: None
        ) -> tuple[tuple[jax.Array, optax.OptState], jax.Array]:
            at, state = carry
            value, grads = differentiate(at)
            updates, state = tx.update(grads, state)
            return (at + updates, state), value

        zeros = jnp.zeros(outputs.shape, outputs.dtype)
        _, losses = jax.lax.scan(step, (zeros, tx.init(zeros)), length=STEPS)
        return losses[0], jnp.nanmin(losses)

    with setup.numerics.active():
        guess, best = jax.jit(jax.vmap(descend))(jnp.asarray(sample.targets[rows]))
    return Bounds(*(np.asarray(x).astype(np.float64) for x in (guess, best)))


def _outputs(setup: Setup, inputs: np.ndarray) -> jax.ShapeDtypeStruct:
    """Shape and type of what the network gives for a batch."""

    def forward(state: nnx.State, inputs: jax.Array) -> jax.Array:
        return nnx.merge(graph, state)(setup.prepare(inputs))

    with setup.numerics.active():
        model = nnx.clone(setup.model)
        model.eval()
        graph, state = nnx.split(model)
        return jax.eval_shape(forward, state, jnp.asarray(inputs))
