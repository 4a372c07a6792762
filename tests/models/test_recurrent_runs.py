"""An LSTM and a GRU that read images row by row, trained in both frameworks."""

from collections.abc import Iterator
from typing import Any

import jax
import numpy as np
import pytest
import torch
from flax import nnx

from jaxtrain import losses, nn, optim, rng
from jaxtrain.data import Dataset
from jaxtrain.run.history import History
from jaxtrain.store.events import Steps
from jaxtrain.training import Chunk, Engine, Numerics, to_tensor
from parity.difference import difference
from parity.proof.runs.fashion_cases import FLOAT64_BOUND
from parity.proof.runs.noise import departure_from_noise

STEPS, BATCH = 100, 16
ROWS = np.arange(STEPS * BATCH).reshape(STEPS, BATCH)
SIZES: dict[str, Any] = {"num_layers": 2, "batch_first": True, "bidirectional": True}
OPTIMIZERS = {
    "sgd": ("SGD", {"lr": 0.1, "momentum": 0.9}),
    "adamw": ("AdamW", {"lr": 3e-3}),
}


class OurReader(nnx.Module):
    def __init__(self, kind: str, generator: rng.Generator, dtype: str):
        new: dict[str, Any] = {"generator": generator, "dtype": dtype}
        self.reader = getattr(nn, kind)(28, 24, **SIZES, **new)
        self.head = nn.Linear(48, 10, **new)

    def __call__(self, input: jax.Array) -> jax.Array:
        return self.head(self.reader(input[:, 0])[0][:, -1])


class TorchReader(torch.nn.Module):
    def __init__(self, kind: str):
        super().__init__()
        self.reader = getattr(torch.nn, kind)(28, 24, **SIZES)
        self.head = torch.nn.Linear(48, 10)

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        return self.head(self.reader(input[:, 0])[0][:, -1])


@pytest.fixture
def float64_torch() -> Iterator[None]:
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


def torch_losses(
    kind: str, optimizer: str, dataset: Dataset, nudge: int | None = None
) -> list[float]:
    torch.manual_seed(0)
    model = TorchReader(kind)
    if nudge is not None:
        nudged(model, np.random.default_rng(nudge))
    name, arguments = OPTIMIZERS[optimizer]
    tx = getattr(torch.optim, name)(model.parameters(), **arguments)
    found = []
    for rows in ROWS:
        pixels = torch.tensor(dataset.train.images[rows][:, None])
        images = pixels.to(torch.get_default_dtype()).div(255)
        labels = torch.tensor(dataset.train.labels[rows].astype(np.int64))
        tx.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(images), labels)
        loss.backward()
        tx.step()
        found.append(loss.item())
    return found


@torch.no_grad()
def nudged(model: torch.nn.Module, generator: np.random.Generator) -> None:
    """Move each weight up or down by one rounding."""
    for p in model.parameters():
        signs = torch.as_tensor(generator.choice([-1.0, 1.0], p.shape)).to(p)
        p.mul_(1 + torch.finfo(p.dtype).eps * signs)


def our_losses(
    kind: str,
    optimizer: str,
    dataset: Dataset,
    dtype: str = "float64",
    tie: bool = False,
) -> list[float]:
    numerics = Numerics(dtype)
    with numerics.active():
        model = OurReader(kind, rng.Generator(0), dtype)
        tx = transformation(optimizer, tie)
    trainer = Engine(
        model, tx, losses.cross_entropy, to_tensor(dtype), numerics=numerics
    )
    data = trainer.place(dataset.train.images, dataset.train.labels)
    return np.asarray(trainer.train(data, Chunk(ROWS)), np.float64).tolist()


def transformation(optimizer: str, tie: bool) -> Any:
    function, arguments = getattr(optim, optimizer), OPTIMIZERS[optimizer][1]
    if not tie:
        return function(**arguments)
    # Only one of the two biases learns, as in Flax's cells, which have but one.
    second = [
        {"params": lambda name: "bias_hh" in name, "frozen": True},
        {"params": lambda name: "bias_hh" not in name},
    ]
    return optim.param_groups(function, second, **arguments)


@pytest.mark.usefixtures("float64_torch")
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_a_hundred_steps(kind: str, optimizer: str, fashion_mnist: Dataset) -> None:
    theirs = torch_losses(kind, optimizer, fashion_mnist)
    assert np.mean(theirs[-10:]) < 0.8 * theirs[0], "it learns nothing"
    ours = our_losses(kind, optimizer, fashion_mnist)
    assert difference(theirs, ours).max() <= FLOAT64_BOUND


@pytest.mark.usefixtures("float64_torch")
def test_a_single_bias_is_noticed(fashion_mnist: Dataset) -> None:
    theirs = torch_losses("LSTM", "sgd", fashion_mnist)
    ours = our_losses("LSTM", "sgd", fashion_mnist, tie=True)
    assert difference(theirs, ours).max() > FLOAT64_BOUND


def as_history(values: list[float]) -> History:
    history = History({"loop": {"dtype": "float32"}}, {})
    history.add(Steps(1, 0, values, [0.1] * len(values)))
    return history


@pytest.mark.parametrize("kind", ["GRU", pytest.param("LSTM", marks=pytest.mark.long)])
def test_float32_is_within_pytorchs_own_noise(
    kind: str, fashion_mnist: Dataset
) -> None:
    theirs = as_history(torch_losses(kind, "sgd", fashion_mnist))
    others = [
        as_history(torch_losses(kind, "sgd", fashion_mnist, seed)) for seed in range(8)
    ]
    ours = as_history(our_losses(kind, "sgd", fashion_mnist, "float32"))
    assert departure_from_noise(theirs, others, ours) is None
    for left_out in range(8):
        rest = others[:left_out] + others[left_out + 1 :]
        assert departure_from_noise(theirs, rest, others[left_out]) is None
    twin = as_history(our_losses(kind, "sgd", fashion_mnist, "float32", tie=True))
    assert departure_from_noise(theirs, others, twin) is not None
