"""`jaxtrain.optim` with the rest of Optax and Flax."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

from jaxtrain import optim

TREE = {"a": jnp.ones((2, 3)), "b": [jnp.zeros(4), jnp.float32(2.0)]}


MATRICES = {"a": jnp.ones((2, 3)), "b": [jnp.zeros((1, 4)), jnp.full((1, 1), 2.0)]}

EACH_BY_ITSELF = sorted({*optim.OPTIMIZERS} - {"lbfgs"})
"""L-BFGS takes all parameters as one."""


@pytest.mark.parametrize("name", EACH_BY_ITSELF)
def test_a_tree_under_chain_masked_partition_and_vmap(name: str) -> None:
    tx = getattr(optim, name)()
    tree = MATRICES if name == "muon" else TREE
    grads = jax.tree.map(lambda x: jnp.cos(x) + 0.5, tree)

    def two_steps(tx: Any, grads: Any = grads, params: Any = tree) -> Any:
        state = tx.init(params)
        for _ in range(2):
            updates, state = tx.update(grads, state, params)
            params = optax.apply_updates(params, updates)
        return params

    alone = jax.tree.map(lambda g, p: two_steps(tx, g, p), grads, tree)
    labels = {"a": "moves", "b": ["moves", "rests"]}
    frozen = {"moves": tx, "rests": optax.set_to_zero()}
    for form in (
        tx,
        optax.chain(optax.identity(), tx),
        optax.masked(tx, jax.tree.map(lambda _: True, tree)),
        optax.partition(frozen, labels),
    ):
        together = two_steps(form)
        if form is not tx and isinstance(form.init(tree), optax.PartitionState):
            assert together["b"].pop() == 2
            alone = {**alone, "b": alone["b"][:1]}
        jax.tree.map(np.testing.assert_array_equal, together, alone)
    pair = jnp.stack([tree["a"], 2 * tree["a"]])
    mapped = jax.vmap(lambda g, p: two_steps(tx, g, p))(pair, pair)
    for i in range(2):
        one = two_steps(tx, pair[i], pair[i])
        np.testing.assert_allclose(mapped[i], one, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("name", EACH_BY_ITSELF)
def test_flax_s_optimizer(name: str) -> None:
    model = nnx.Linear(2, 3, use_bias=False, rngs=nnx.Rngs(0))
    before = np.asarray(model.kernel[...])
    tx = getattr(optim, name)(lr=0.1)
    optimizer = nnx.Optimizer(model, tx, wrt=nnx.Param)
    grads = nnx.grad(lambda m: (m(jnp.ones((4, 2))) ** 2).mean())(model)
    optimizer.update(model, grads)
    g = jnp.asarray(grads["kernel"][...])
    updates, _ = tx.update(g, tx.init(jnp.asarray(before)), jnp.asarray(before))
    np.testing.assert_allclose(model.kernel[...], before + updates, rtol=1e-6)
