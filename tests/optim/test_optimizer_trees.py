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


@pytest.mark.parametrize("name", sorted({*optim.OPTIMIZERS} - {"muon"}))
def test_plain_numbers_are_parameters(name: str) -> None:
    """As they are to Optax. The state keeps its types: no scan would have others."""
    tx = getattr(optim, name)()
    closure = jax.value_and_grad(lambda p: (p["a"] - 3) ** 4 + p["b"] ** 2)

    def three_steps(params: Any) -> Any:
        state, given = tx.init(params), {}
        for _ in range(3):
            value, grads = closure(params)
            if name == "lbfgs":
                given = {"value": value, "value_and_grad_fn": closure}
            updates, new = tx.update(grads, state, params, **given)
            before, after = (jax.tree.map(jax.typeof, s) for s in (state, new))
            assert before == after
            state, params = new, optax.apply_updates(params, updates)
        return params

    numbers = three_steps({"a": 1.0, "b": 2.0})
    arrays = three_steps({"a": jnp.float32(1), "b": jnp.float32(2)})
    jax.tree.map(np.testing.assert_array_equal, numbers, arrays)
    assert numbers["a"] != 1
