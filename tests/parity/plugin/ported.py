"""A port and broken versions of it, whose original is made where PyTorch is.

It is imported here and, copied, by the test file of a run of pytest's own.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

import parity
from jaxtrain import nn, optim

# Defect -> (step, kind) at which it first shows.
DEFECTS = {
    "none": None,
    "lr": (0, "update"),
    "eps": (0, "update"),
    "momentum": (0, "update"),
    "layout": (0, "output"),
    "sum": (0, "loss"),
    "norm": (0, "buffer"),
    "schedule": (2, "lr"),
}


def batches() -> list[Any]:
    draw = np.random.default_rng(0)
    return [(draw.normal(size=(6, 4)), draw.integers(0, 3, 6)) for _ in range(3)]


def original(defect: str = "none", seed: int = 0, **options: Any) -> parity.TorchSide:
    """PyTorch's side; the defect only says which optimiser the port has."""
    import torch

    torch.manual_seed(seed)
    model = torch.nn.Sequential(
        torch.nn.Linear(4, 4),
        torch.nn.BatchNorm1d(4),
        torch.nn.Tanh(),
        torch.nn.Dropout(0.25),
        torch.nn.Linear(4, 3),
    )
    if defect == "momentum":
        kind: Any = torch.optim.SGD
        given = {"lr": 0.1, "momentum": 0.9}
    else:
        kind, given = torch.optim.Adam, {"lr": 0.1}
    optimizer = kind(model.parameters(), **{**given, **options})
    steps = torch.optim.lr_scheduler.StepLR(optimizer, 2)
    return parity.TorchSide(
        model, torch.nn.CrossEntropyLoss(), optimizer, scheduler=steps
    )


class Untransposed(nnx.Module):
    """PyTorch's square weight, taken for a kernel."""

    def __init__(self) -> None:
        self.weight = nnx.Param(jnp.zeros((4, 4)))
        self.bias = nnx.Param(jnp.zeros(4))

    def __call__(self, x: jax.Array) -> jax.Array:
        return x @ self.weight + self.bias


def port(defect: str = "none") -> parity.JaxSide:
    """The port, with one defect or none."""
    first: Any = Untransposed() if defect == "layout" else nn.Linear(4, 4)
    norm = nn.BatchNorm1d(4, momentum=0.9 if defect == "norm" else 0.1)
    drop = nnx.Dropout(0.25, rngs=nnx.Rngs(0))
    model = nnx.Sequential(first, norm, jnp.tanh, drop, nn.Linear(4, 3))
    total = jnp.sum if defect == "sum" else jnp.mean
    epoch = 3 if defect == "schedule" else 2

    def loss(logits: jax.Array, labels: jax.Array) -> jax.Array:
        each = optax.softmax_cross_entropy_with_integer_labels(logits, labels)
        return total(each)

    def lr(update: Any) -> Any:
        return 0.1 * 0.1 ** (update // epoch)

    shown = None if defect == "lr" else lr
    return parity.JaxSide(model, loss, _optimizer(defect, lr), lr=shown)


def case(defect: str = "none") -> parity.Case:
    return parity.Case(lambda: original(defect), port(defect), batches())


def _optimizer(defect: str, lr: Any) -> optax.GradientTransformation:
    if defect == "lr":
        return optim.adam(lambda count: 1.01 * lr(count))
    if defect == "momentum":  # An average, whose first buffer is not the gradient.
        ema = optax.ema(0.9, debias=False)
        return optax.chain(ema, optax.scale_by_learning_rate(lr))
    # Optax's is not PyTorch's in float32.
    return optim.adam(lr, eps=1e-6 if defect == "eps" else 1e-8)
