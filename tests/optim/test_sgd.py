"""What is `jaxtrain.optim.sgd`'s own: its momentum, the dtypes, what it needs."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxtrain import optim

torch = pytest.importorskip("torch")


def two_steps(tx: optax.GradientTransformation, momentum: float | None) -> jax.Array:
    """The second update, whose momentum is given if there is one."""
    p, update = jnp.ones(3), jax.jit(tx.update)
    given = {} if momentum is None else {"momentum": jnp.float32(momentum)}
    _, state = update(jnp.array([1.0, -2.0, 3.0]), tx.init(p), p)
    return update(jnp.ones(3), state, p, **given)[0]


@pytest.mark.parametrize("nesterov", [False, True])
def test_the_momentum_enters_as_data(nesterov: bool) -> None:
    tx = optim.sgd(0.1, 0.9, nesterov=nesterov)
    moved, fixed = (
        two_steps(tx, 0.5),
        two_steps(optim.sgd(0.1, 0.5, 0, 0, nesterov), None),
    )
    np.testing.assert_array_equal(moved, fixed)
    assert np.abs(moved - two_steps(tx, None)).min() > 0.01


def test_a_moving_momentum_does_not_recompile() -> None:
    tx, p, traces = optim.sgd(momentum=0.9), jnp.ones(3), 0
    state = tx.init(p)

    @jax.jit
    def update(momentum: jax.Array) -> jax.Array:
        nonlocal traces
        traces += 1
        return tx.update(p, state, p, momentum=momentum)[0]

    for momentum in (0.5, 0.6, 0.7):
        update(momentum)
    assert traces == 1


def test_schedules_are_called_with_the_updates_so_far() -> None:
    tx = optim.sgd(lr=lambda count: 0.1 * (count + 1))
    state = tx.init(jnp.zeros(1))
    for step in range(3):
        updates, state = tx.update(jnp.ones(1), state)
        np.testing.assert_allclose(updates, -0.1 * (step + 1), rtol=2**-23)


def test_bfloat16_parameters_round_once() -> None:
    """Over whole vectors of 32: PyTorch rounds lr·g too in the elements left over."""
    # float32 first: NumPy's float64 values would round twice on JAX's side.
    grads = np.random.default_rng(0).standard_normal((20, 128), np.float32)
    p = torch.nn.Parameter(torch.ones(128, dtype=torch.bfloat16))
    optimizer = torch.optim.SGD([p], lr=0.1)
    tx, ours = optim.sgd(lr=0.1), jnp.ones(128, jnp.bfloat16)
    state = tx.init(ours)
    for grad in grads:
        p.grad = torch.tensor(grad, dtype=torch.bfloat16)
        optimizer.step()
        updates, state = tx.update(jnp.asarray(grad, jnp.bfloat16), state, ours)
        ours = optax.apply_updates(ours, updates)
        assert ours.dtype == jnp.bfloat16
        theirs = p.detach().float().numpy()
        np.testing.assert_array_equal(ours.astype(jnp.float32), theirs)


def test_a_momentum_that_has_no_buffer_is_refused() -> None:
    tx = optim.sgd()
    with pytest.raises(ValueError, match="built without it"):
        tx.update(jnp.ones(1), tx.init(jnp.ones(1)), momentum=0.9)
    decayed = optim.sgd(weight_decay=0.1)
    state = decayed.init(jnp.ones(1))
    with pytest.raises(ValueError, match="params"):
        decayed.update(jnp.ones(1), state)
