"""A port with three bugs, found one after the other.

    python examples/compare_your_port.py

compares a convolutional network in Flax with its PyTorch original, asks the doctor for
the cause of the first departure, mends it, and goes on until the two are equal.
`python -m parity doctor examples/compare_your_port.py` examines the port as it was at
first.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import torch
from flax import nnx

import parity
from jaxtrain import nn, optim
from parity.doctor import diagnose


class TorchCNN(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = torch.nn.Conv2d(1, 8, 3, padding=1)
        self.norm = torch.nn.BatchNorm2d(8)
        self.drop = torch.nn.Dropout(0.25)
        self.head = torch.nn.Linear(8 * 7 * 7, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.norm(self.conv(x)))
        x = torch.nn.functional.max_pool2d(x, 2)
        return self.head(self.drop(x.flatten(1)))


class FlaxCNN(nnx.Module):
    """The port; each of `mended` names a bug that it no longer has."""

    def __init__(self, mended: tuple[str, ...] = ()):
        rngs = nnx.Rngs(0)
        self.conv = nnx.Conv(1, 8, (3, 3), padding=1, rngs=rngs)
        ours = "normalisation" in mended
        self.norm = nn.BatchNorm2d(8) if ours else nnx.BatchNorm(8, rngs=rngs)
        self.drop = nnx.Dropout(0.25, rngs=rngs)
        self.head = nnx.Linear(8 * 7 * 7, 10, rngs=rngs)
        self.mended = mended

    def __call__(self, x: jax.Array) -> jax.Array:
        x = self.conv(x)
        if "normalisation" in self.mended:
            x = to_last(self.norm(to_first(x)))
        else:
            x = self.norm(x)
        x = nnx.max_pool(jax.nn.relu(x), (2, 2), (2, 2))
        if "flattening" in self.mended:
            x = to_first(x)
        return self.head(self.drop(x.reshape(x.shape[0], -1)))


def to_first(x: jax.Array) -> jax.Array:
    return x.transpose(0, 3, 1, 2)


def to_last(x: jax.Array) -> jax.Array:
    return x.transpose(0, 2, 3, 1)


def batches() -> list[tuple[np.ndarray, np.ndarray]]:
    """Six batches, three of which make an epoch here."""
    draw = np.random.default_rng(0)
    images = draw.normal(size=(6, 8, 1, 14, 14))
    return list(zip(images, draw.integers(0, 10, (6, 8)), strict=True))


def case(*mended: str) -> parity.Case:
    """Original and port, as `python -m parity doctor` wants them."""
    torch.manual_seed(0)
    model = TorchCNN()
    adamw = torch.optim.AdamW(model.parameters(), lr=1e-3)
    steps = torch.optim.lr_scheduler.StepLR(adamw, step_size=1, gamma=0.5)

    def lr(update: int) -> float:
        epoch = update // 3 if "schedule" in mended else update
        return 1e-3 * 0.5**epoch

    def loss(logits: Any, labels: Any) -> jax.Array:
        each = optax.softmax_cross_entropy_with_integer_labels(logits, labels)
        return jnp.mean(each)

    return parity.Case(
        parity.TorchSide(
            model, torch.nn.CrossEntropyLoss(), adamw, scheduler=steps, tick=3
        ),
        parity.JaxSide(
            FlaxCNN(mended),
            loss,
            optim.adamw(),
            lr=lr,
            prepare=lambda x, y: (to_last(x), y),
        ),
        batches(),
    )


if __name__ == "__main__":
    found: tuple[str, ...] = ()
    for bug in ("flattening", "normalisation", "schedule", None):
        print(f"--- mended: {', '.join(found) or 'nothing'}")
        print(diagnose(case(*found)), flush=True)
        found = (*found, bug) if bug else found
