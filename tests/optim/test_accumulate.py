"""Accumulation against PyTorch's loop that calls `step()` every N batches."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxtrain import optim
from jaxtrain.optim import accumulate

torch = pytest.importorskip("torch")

BATCHES = 23
BOUND = 1e-13
"""Some hundred float64 roundings on the way, relative to a displacement of about 1."""


def gradients() -> np.ndarray:
    return np.random.default_rng(0).standard_normal((BATCHES, 5))


def torch_run(every: int, flush: bool, mean: bool = False) -> np.ndarray:
    p = torch.nn.Parameter(torch.zeros(5, dtype=torch.float64))
    optimizer = torch.optim.SGD([p], lr=0.1, momentum=0.9, weight_decay=0.1)
    seen, waiting = [], 0
    for number, grad in enumerate(gradients(), 1):
        (p * torch.tensor(grad)).sum().backward()
        waiting += 1
        if waiting == every or (flush and number == BATCHES):
            if mean:
                p.grad /= waiting
            optimizer.step()
            optimizer.zero_grad()
            waiting = 0
        seen.append(p.detach().numpy().copy())
    return np.array(seen)


def our_run(tx: optax.GradientTransformationExtraArgs, flush: bool) -> np.ndarray:
    def step(carry, batch):
        p, state = carry
        grad, last = batch
        updates, state = tx.update(grad, state, p, last=last)
        p = optax.apply_updates(p, updates)
        return (p, state), p

    with jax.enable_x64(True):
        p = jnp.zeros(5)
        last = np.arange(1, BATCHES + 1) == (BATCHES if flush else -1)
        batches = jnp.asarray(gradients()), jnp.asarray(last)
        return np.asarray(jax.lax.scan(step, (p, tx.init(p)), batches)[1])


def sgd() -> optax.GradientTransformationExtraArgs:
    return optim.sgd(lr=0.1, momentum=0.9, weight_decay=0.1)


@pytest.mark.parametrize("every", [1, 2, 5, 23, 40])
@pytest.mark.parametrize("flush", [False, True])
@pytest.mark.parametrize("mean", [False, True])
def test_every_step_and_every_pause(every: int, flush: bool, mean: bool) -> None:
    ours = our_run(accumulate(sgd(), every, mean=mean), flush)
    theirs = torch_run(every, flush, mean)
    assert np.abs(ours - theirs).max() <= BOUND * max(np.abs(theirs).max(), 1e-9)


def test_the_mean_by_mistake_and_a_lost_last_group_are_noticed() -> None:
    theirs = torch_run(5, flush=True)
    assert np.abs(our_run(accumulate(sgd(), 5, mean=True), True) - theirs).max() > 0.01
    assert np.abs(our_run(accumulate(sgd(), 5), False) - theirs)[-1].max() > 0.01


def test_schedules_count_steps_and_not_batches() -> None:
    tx = accumulate(optim.sgd(lr=lambda count: 0.1 * (count + 1)), 2)
    state, moves = tx.init(jnp.zeros(1)), []
    for _ in range(6):
        updates, state = tx.update(jnp.ones(1), state)
        moves.append(float(updates[0]))
    # The rate and its product with the sum round once each in float32.
    np.testing.assert_allclose(moves, [0, -0.2, 0, -0.4, 0, -0.6], rtol=2**-22)


def test_a_count_that_makes_no_step_is_refused() -> None:
    with pytest.raises(ValueError, match="got 0"):
        accumulate(sgd(), 0)
