"""`jaxtrain.optim.sparse_adam` against `torch.optim.SparseAdam` on embeddings."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxtrain import optim

torch = pytest.importorskip("torch")

WORDS, WIDTH, CLASSES, STEPS = 30, 6, 4, 200
BOUND = 1e-10


def sentences() -> tuple[np.ndarray, np.ndarray]:
    """(steps, batch, length) words, many of them rare, and (steps, batch) labels."""
    generator = np.random.default_rng(0)
    words = np.minimum(generator.geometric(0.2, (STEPS, 4, 5)) - 1, WORDS - 1)
    return words, generator.integers(0, CLASSES, (STEPS, 4))


def start() -> dict[str, np.ndarray]:
    generator = np.random.default_rng(1)
    shapes = {"embedding": (WORDS, WIDTH), "linear": (CLASSES, WIDTH)}
    return {name: generator.standard_normal(shape) for name, shape in shapes.items()}


def torch_losses(args: dict[str, Any]) -> np.ndarray:
    first = {name: torch.nn.Parameter(torch.tensor(x)) for name, x in start().items()}
    lazy = torch.optim.SparseAdam([first["embedding"]], **args)
    plain = torch.optim.SGD([first["linear"]], lr=0.1)
    losses = []
    for words, labels in zip(*sentences(), strict=True):
        looked_up = torch.nn.functional.embedding(
            torch.tensor(words), first["embedding"], sparse=True
        )
        logits = looked_up.mean(1) @ first["linear"].T
        loss = torch.nn.functional.cross_entropy(logits, torch.tensor(labels))
        lazy.zero_grad()
        plain.zero_grad()
        loss.backward()
        lazy.step()
        plain.step()
        losses.append(loss.item())
    return np.array(losses)


def our_losses(lazy: optax.GradientTransformationExtraArgs) -> np.ndarray:
    labels_of = {"embedding": "lazy", "linear": "plain"}
    tx = optax.partition({"lazy": lazy, "plain": optim.sgd(lr=0.1)}, labels_of)

    def loss(params: Any, words: jax.Array, labels: jax.Array) -> jax.Array:
        logits = params["embedding"][words].mean(1) @ params["linear"].T
        log_p = jax.nn.log_softmax(logits)
        return -jnp.take_along_axis(log_p, labels[:, None], 1).mean()

    def step(carry: Any, batch: Any) -> Any:
        params, state = carry
        value, grads = jax.value_and_grad(loss)(params, *batch)
        updates, state = tx.update(grads, state, params)
        return (optax.apply_updates(params, updates), state), value

    with jax.enable_x64(True):
        params = jax.tree.map(jnp.asarray, start())
        run = jax.jit(
            lambda batches: jax.lax.scan(step, (params, tx.init(params)), batches)
        )
        return np.asarray(run(tuple(map(jnp.asarray, sentences())))[1])


@pytest.mark.parametrize(
    "args",
    [{"lr": 0.05}, {"lr": 0.01, "betas": (0.5, 0.9), "eps": 1e-4}],
    ids=str,
)
def test_an_embedding_model_learns_along_pytorch_s_curve(args: dict[str, Any]) -> None:
    theirs = torch_losses(args)
    assert theirs[-20:].mean() < theirs[:20].mean()
    assert np.abs(our_losses(optim.sparse_adam(**args)) - theirs).max() <= BOUND


def test_moments_that_decay_in_every_row_are_noticed() -> None:
    apart = np.abs(our_losses(optim.adam(lr=0.05)) - torch_losses({"lr": 0.05}))
    assert apart.max() > 1e-3


def steps(touched: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Two steps of both, the second of which looks up row 1 with a gradient of zero."""
    grads = np.zeros((2, 3, 2))
    grads[0, :2] = [[1.0, -2.0], [3.0, 4.0]]
    grads[1, 0] = [1.0, 1.0]
    p = torch.nn.Parameter(torch.ones(3, 2, dtype=torch.float64))
    optimizer = torch.optim.SparseAdam([p], lr=0.1)
    tx, ours = optim.sparse_adam(lr=0.1), jnp.ones((3, 2))
    state = tx.init(ours)
    for grad in grads:
        rows = torch.tensor([[0, 1]])
        p.grad = torch.sparse_coo_tensor(
            rows, torch.tensor(grad[:2]), (3, 2), check_invariants=True
        )
        optimizer.step()
        given = {} if touched is None else {"touched": jnp.asarray(touched)}
        updates, state = tx.update(jnp.asarray(grad), state, ours, **given)
        ours = optax.apply_updates(ours, updates)
    return np.asarray(ours), p.detach().numpy()


def test_a_row_that_is_looked_up_moves_by_its_momentum() -> None:
    ours, theirs = steps(np.array([True, True, False]))
    # Some roundings of float32.
    np.testing.assert_allclose(ours, theirs, rtol=1e-6)
    assert (theirs[2] == 1).all()


def test_without_being_told_it_rests() -> None:
    ours, theirs = steps(None)
    np.testing.assert_allclose(ours[0], theirs[0], rtol=1e-6)
    assert np.abs(ours[1] - theirs[1]).min() > 0.01


def test_groups_are_told_apart() -> None:
    tx = optim.param_groups(
        optim.sparse_adam,
        [
            {"params": lambda name: name == "a", "lr": 0.1},
            {"params": lambda name: name == "b", "lr": 0.2},
        ],
    )
    params = {"a": jnp.ones((2, 2)), "b": jnp.ones((2, 2))}
    touched = {"a": jnp.array([True, False]), "b": jnp.array([False, True])}
    updates, _ = tx.update(params, tx.init(params), params, touched=touched)
    np.testing.assert_allclose(updates["a"][:, 0], [-0.1, 0], rtol=1e-6)
    np.testing.assert_allclose(updates["b"][:, 0], [0, -0.2], rtol=1e-6)
