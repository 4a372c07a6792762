"""`jaxtrain.optim.adafactor` on matrices so large that PyTorch's own norms drift."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxtrain import optim

torch = pytest.importorskip("torch")

SHAPE = (512, 784)


def torch_update(dtype: Any, eps: float) -> np.ndarray:
    generator = np.random.default_rng(0)
    p = torch.nn.Parameter(torch.tensor(generator.standard_normal(SHAPE)).to(dtype))
    before = p.detach().clone()
    optimizer = torch.optim.Adafactor([p], lr=0.01, eps=(eps, 1e-3), d=1.0)
    for _ in range(3):
        p.data.copy_(before)
        p.grad = torch.tensor(generator.standard_normal(SHAPE)).to(dtype)
        optimizer.step()
    return p.detach().double().numpy() - before.double().numpy()


def our_update() -> np.ndarray:
    generator = np.random.default_rng(0)
    p = jnp.asarray(generator.standard_normal(SHAPE), jnp.float32)
    tx = optim.adafactor(lr=0.01, d=1.0)
    state, update = tx.init(p), jax.jit(tx.update)
    for _ in range(3):
        grad = jnp.asarray(generator.standard_normal(SHAPE), jnp.float32)
        moved, state = update(grad, state, p)
    after = optax.apply_updates(p, moved)
    return np.asarray(after, np.float64) - np.asarray(p, np.float64)


def test_a_large_matrix_is_nearer_the_exact_step_than_pytorch_s() -> None:
    """Root mean square, relative. Nothing else is as sensitive to a norm."""
    eps = float(np.finfo(np.float32).eps)
    exact = torch_update(torch.float64, eps)
    size = np.sqrt(np.square(exact).mean())
    ours = np.sqrt(np.square(our_update() - exact).mean()) / size
    theirs = np.sqrt(np.square(torch_update(torch.float32, eps) - exact).mean()) / size
    assert ours <= theirs
    # The parameter itself rounds a hundredth of its size to 2^-24 of it.
    assert ours < 1e-5


def test_the_weight_of_the_newest_beyond_the_table() -> None:
    """3 units of float32 past update 16,384; the table before it is exact."""
    tx, p = optim.adafactor(), jnp.ones(1)
    for count, units in ((100, 1), (16_383, 1), (16_384, 4), (10**6, 4)):
        state = tx.init(p)._replace(count=jnp.int32(count))
        _, after = tx.update(jnp.ones(1), state, p)
        expected = np.float64(count + 1) ** -0.8
        np.testing.assert_allclose(after.variance, expected, rtol=units * 2**-23)
