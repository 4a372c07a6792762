"""The same training twice, by a plain PyTorch loop and by `Trainer`: losses by step."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
import torch
from flax import nnx
from torch.nn import functional as F

from jaxtrain import Trainer, data, losses, nn, optim, rng
from jaxtrain.training import Numerics

FLOAT64 = Numerics("float64")
EPOCHS, BATCH = 3, 8
RANDOM = np.random.default_rng(1)
INPUTS = RANDOM.normal(size=(50, 6))
CLASSES = INPUTS[:, :3].argmax(1)
VALUES = INPUTS @ RANDOM.normal(size=(6, 2))
NOISE = RANDOM.normal(size=(50, 4))
LENGTHS = RANDOM.integers(1, 6, 50)
TOKENS = np.where(np.arange(6) < LENGTHS[:, None], RANDOM.integers(1, 9, (50, 6)), 0)


@contextmanager
def float64() -> Iterator[None]:
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        with FLOAT64.active():
            yield
    finally:
        torch.set_default_dtype(before)


class Broken(NamedTuple):
    """What is changed on our side to see whether the comparison sees it."""

    lr: float = 1.0
    """Times the rate."""
    p: float = 0.0
    """Added to the dropout."""
    shuffle: bool = True
    mask: bool = True
    """Whether padding is left out."""


RIGHT = Broken()


def torch_loader(*arrays: np.ndarray) -> Any:
    tensors = torch.utils.data.TensorDataset(*map(torch.tensor, arrays))
    return torch.utils.data.DataLoader(tensors, BATCH, shuffle=True)


def loader(*arrays: Any, shuffle: bool = True) -> data.DataLoader:
    return data.DataLoader(data.TensorDataset(*arrays), BATCH, shuffle=shuffle)


def theirs(model: Any, opt: Any, loss: Callable[..., Any], *arrays: Any) -> list[float]:
    values = []
    batches = torch_loader(*arrays)
    for _ in range(EPOCHS):
        for batch in batches:
            opt.zero_grad()
            value = loss(model, *batch)
            value.backward()
            opt.step()
            values.append(value.item())
    return values


def classification_torch() -> list[float]:
    torch.manual_seed(3)
    t = torch.nn
    model = t.Sequential(t.Linear(6, 9), t.ReLU(), t.Dropout(0.3), t.Linear(9, 3))
    opt = torch.optim.AdamW(model.parameters(), lr=0.01)
    return theirs(model, opt, lambda m, x, y: F.cross_entropy(m(x), y), INPUTS, CLASSES)


def classification(broken: Broken = RIGHT) -> list[float]:
    rng.manual_seed(3)
    model = nn.Sequential(
        nn.Linear(6, 9, dtype="float64"),
        nn.ReLU(),
        nn.Dropout(0.3 + broken.p),
        nn.Linear(9, 3, dtype="float64"),
    )
    trainer = Trainer(model, optim.adamw(lr=0.01 * broken.lr), losses.cross_entropy)
    batches = loader(INPUTS, CLASSES, shuffle=broken.shuffle)
    return trainer.fit(batches, epochs=EPOCHS).losses


def regression_torch() -> list[float]:
    torch.manual_seed(3)
    t = torch.nn
    model = t.Sequential(t.Linear(6, 9), t.Tanh(), t.Linear(9, 2))
    opt = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    return theirs(model, opt, lambda m, x, y: F.mse_loss(m(x), y), INPUTS, VALUES)


def regression(broken: Broken = RIGHT, door: str = "outputs") -> list[float]:
    rng.manual_seed(3)
    model = nn.Sequential(
        nn.Linear(6, 9, dtype="float64"), nn.Tanh(), nn.Linear(9, 2, dtype="float64")
    )

    def loss(model: Any, batch: Any) -> Any:
        inputs, targets = batch
        return losses.mse_loss(model(inputs), targets), {"size": jnp.abs(targets).max()}

    tx = optim.sgd(lr=0.05 * broken.lr, momentum=0.9)
    trainer = Trainer(model, tx, losses.mse_loss if door == "outputs" else loss)
    batches = loader(INPUTS, VALUES, shuffle=broken.shuffle)
    return trainer.fit(batches, epochs=EPOCHS).losses


def by_model(broken: Broken = RIGHT) -> list[float]:
    return regression(broken, "model")


def tokens_torch() -> list[float]:
    torch.manual_seed(3)
    t = torch.nn
    model = t.Sequential(t.Embedding(9, 5), t.Dropout(0.2), t.Linear(5, 9))

    def loss(model: Any, tokens: Any, mask: Any) -> Any:
        scores = model(tokens[:, :-1]).transpose(1, 2)
        each = F.cross_entropy(scores, tokens[:, 1:], reduction="none")
        return (each * mask[:, 1:]).sum() / mask[:, 1:].sum().clamp(min=1)

    opt = torch.optim.Adam(model.parameters(), lr=0.02)
    return theirs(model, opt, loss, TOKENS, (TOKENS > 0) * 1.0)


def tokens(broken: Broken = RIGHT) -> list[float]:
    """Sequences of different length, padded, in batches that are dictionaries."""
    rng.manual_seed(3)
    model = nn.Sequential(
        nn.Embedding(9, 5, dtype="float64"),
        nn.Dropout(0.2 + broken.p),
        nn.Linear(5, 9, dtype="float64"),
    )

    def loss(model: Any, batch: Any) -> Any:
        tokens, mask = batch["tokens"], batch["mask"][:, 1:]
        scores = model(tokens[:, :-1]).swapaxes(1, 2)
        each = losses.cross_entropy(scores, tokens[:, 1:], reduction="none")
        if not broken.mask:
            return each.mean()
        return (each * mask).sum() / jnp.maximum(mask.sum(), 1)

    trainer = Trainer(model, optim.adam(lr=0.02 * broken.lr), loss)
    batches = {"tokens": TOKENS, "mask": (TOKENS > 0) * 1.0}
    return trainer.fit(
        batches, epochs=EPOCHS, batch_size=BATCH, shuffle=broken.shuffle
    ).losses


def gan_torch() -> list[float]:
    torch.manual_seed(3)
    t = torch.nn
    g = t.Sequential(t.Linear(4, 7), t.Tanh(), t.Linear(7, 2))
    d = t.Sequential(t.Linear(2, 7), t.Tanh(), t.Linear(7, 1))
    opt_g = torch.optim.Adam(g.parameters(), lr=0.01)
    opt_d = torch.optim.SGD(d.parameters(), lr=0.05)
    bce = F.binary_cross_entropy_with_logits
    values = []
    batches = torch_loader(VALUES, NOISE)
    for _ in range(EPOCHS):
        for real, noise in batches:
            ones = torch.ones(len(real), 1)
            loss = bce(d(real), ones) + bce(d(g(noise).detach()), 0 * ones)
            opt_d.zero_grad()
            loss.backward()
            opt_d.step()
            fooled = bce(d(g(noise)), ones)
            opt_g.zero_grad()
            fooled.backward()
            opt_g.step()
            values.append(loss.item() + fooled.item())
    return values


def gan(broken: Broken = RIGHT) -> list[float]:
    """Two networks and two optimisers."""
    trainer = gan_trainer(broken)
    batches = loader(VALUES, NOISE, shuffle=broken.shuffle)
    return trainer.fit(batches, epochs=EPOCHS).losses


def gan_trainer(broken: Broken = RIGHT, dtype: str = "float64") -> Trainer:
    rng.manual_seed(3)
    linear = nn.Linear
    g = nn.Sequential(linear(4, 7, dtype=dtype), nn.Tanh(), linear(7, 2, dtype=dtype))
    d = nn.Sequential(linear(2, 7, dtype=dtype), nn.Tanh(), linear(7, 1, dtype=dtype))
    graph_g, g_params = nnx.split(g)
    graph_d, d_params = nnx.split(d)
    tx_g, tx_d = optim.adam(lr=0.01 * broken.lr), optim.sgd(lr=0.05)
    bce = losses.binary_cross_entropy_with_logits

    def step(state: Any, batch: Any) -> Any:
        real, noise = batch
        ones = jnp.ones((len(real), 1), real.dtype)

        def loss_d(params: Any) -> Any:
            d, g = nnx.merge(graph_d, params), nnx.merge(graph_g, state["g"])
            return bce(d(real), ones) + bce(d(g(noise)), 0 * ones)

        value_d, grads = jax.value_and_grad(loss_d)(state["d"])
        updates, opt_d = tx_d.update(grads, state["opt_d"], state["d"])
        d_params = optax.apply_updates(state["d"], updates)

        def loss_g(params: Any) -> Any:
            d, g = nnx.merge(graph_d, d_params), nnx.merge(graph_g, params)
            return bce(d(g(noise)), ones)

        value_g, grads = jax.value_and_grad(loss_g)(state["g"])
        updates, opt_g = tx_g.update(grads, state["opt_g"], state["g"])
        g_params = optax.apply_updates(state["g"], updates)
        state = {"g": g_params, "d": d_params, "opt_g": opt_g, "opt_d": opt_d}
        return state, {"loss": value_d + value_g, "fooled": value_g}

    state = {
        "g": g_params,
        "d": d_params,
        "opt_g": tx_g.init(g_params),
        "opt_d": tx_d.init(d_params),
    }
    return Trainer.from_step(jax.jit(step), state)


class Case(NamedTuple):
    """A training, its original, and what must not pass for it."""

    ours: Callable[..., list[float]]
    theirs: Callable[[], list[float]]
    twins: tuple[Broken, ...]


SLOW = Broken(lr=1.001)
ORDER = Broken(shuffle=False)
CASES = {
    "dropout": Case(classification, classification_torch, (ORDER, Broken(p=0.01))),
    "regression": Case(regression, regression_torch, (SLOW,)),
    "by model": Case(by_model, regression_torch, ()),
    "padded": Case(tokens, tokens_torch, (Broken(mask=False),)),
    "gan": Case(gan, gan_torch, (SLOW,)),
}
