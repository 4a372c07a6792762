"""Rows that the forward pass shortens stay short: `max_norm` under the trainer."""

import jax
import numpy as np
import pytest
import torch
from flax import nnx

from jaxtrain import losses, nn, optim, rng
from jaxtrain.training import Chunk, Engine, Numerics

STEPS, BATCH = 30, 4
GENERATOR = np.random.default_rng(0)
INPUTS = GENERATOR.integers(0, 12, (STEPS * BATCH, 5))
TARGETS = GENERATOR.integers(0, 3, STEPS * BATCH)
ROWS = np.arange(STEPS * BATCH).reshape(STEPS, BATCH)


class Words(nnx.Module):
    def __init__(self, max_norm: float | None):
        generator = rng.Generator(0)
        self.embedding = nn.Embedding(
            12, 4, max_norm=max_norm, generator=generator, dtype="float64"
        )
        self.head = nn.Linear(20, 3, generator=generator, dtype="float64")

    def __call__(self, input: jax.Array) -> jax.Array:
        return self.head(self.embedding(input).reshape(len(input), -1))


def our_run(max_norm: float | None) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    numerics = Numerics("float64")
    with numerics.active():
        model = Words(max_norm)
    tx = optim.sgd(lr=0.5, momentum=0.9)
    trainer = Engine(model, tx, losses.cross_entropy, numerics=numerics)
    data = trainer.place(INPUTS, TARGETS)
    found = np.asarray(trainer.train(data, Chunk(ROWS)))
    return found, nn.state_dict(trainer.model)


def torch_run() -> tuple[list[float], dict[str, np.ndarray]]:
    state = nn.state_dict(our_start())
    embedding = torch.nn.Embedding(12, 4, max_norm=1.0, dtype=torch.float64)
    head = torch.nn.Linear(20, 3, dtype=torch.float64)
    model = torch.nn.ModuleDict({"embedding": embedding, "head": head})
    model.load_state_dict({name: torch.tensor(x) for name, x in state.items()})
    tx = torch.optim.SGD(model.parameters(), lr=0.5, momentum=0.9)
    found = []
    for rows in ROWS:
        tx.zero_grad()
        outputs = head(embedding(torch.tensor(INPUTS[rows])).flatten(1))
        loss = torch.nn.functional.cross_entropy(outputs, torch.tensor(TARGETS[rows]))
        loss.backward()
        tx.step()
        found.append(loss.item())
    return found, {name: x.numpy() for name, x in model.state_dict().items()}


def our_start() -> nnx.Module:
    with Numerics("float64").active():
        return Words(None)


def test_losses_and_weights_are_pytorchs() -> None:
    theirs, their_state = torch_run()
    ours, our_state = our_run(1.0)
    # Thirty steps of sums of twenty terms: some roundings each.
    np.testing.assert_allclose(ours, theirs, rtol=1e-13)
    for name, value in their_state.items():
        np.testing.assert_allclose(our_state[name], value, rtol=1e-12, err_msg=name)


def test_rows_that_are_never_shortened_are_noticed() -> None:
    theirs, _ = torch_run()
    ours, _ = our_run(None)
    assert ours[0] != pytest.approx(theirs[0], rel=1e-6)
