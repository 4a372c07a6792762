"""Small models, data and losses that the ports of the tests are put together from."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

torch = pytest.importorskip("torch")

from jaxtrain import nn
from parity.port import Case, JaxSide, TorchSide

SIZES = (5, 4, 3)


def draw(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def vectors(steps: int = 4, size: int = 6, features: int = 5) -> list[Any]:
    """(features, classes) batches of growing scale: clipping comes and goes."""
    d = draw()
    return [
        (d.normal(size=(size, features)) * 2.0**step, d.integers(0, 3, size))
        for step in range(steps)
    ]


def targets(steps: int = 4, size: int = 6, outputs: int = 3) -> list[Any]:
    """(features, numbers) batches."""
    d = draw(1)
    return [
        (d.normal(size=(size, 5)), 3 * d.normal(size=(size, outputs)))
        for _ in range(steps)
    ]


def images(steps: int = 3, size: int = 4, channels: int = 2) -> list[Any]:
    """(NCHW images, classes) batches."""
    d = draw(2)
    return [
        (d.normal(size=(size, channels, 6, 6)), d.integers(0, 3, size))
        for _ in range(steps)
    ]


def pixels(steps: int = 3) -> list[Any]:
    """The same in whole numbers from 0 to 255, channels last."""
    d = draw(3)
    return [
        (d.integers(0, 256, (4, 6, 6, 2), dtype=np.uint8), d.integers(0, 3, 4))
        for _ in range(steps)
    ]


def tokens(steps: int = 3) -> list[Any]:
    """(words, classes) batches; word 0 is padding."""
    d = draw(4)
    return [(d.integers(0, 7, (4, 5)), d.integers(0, 3, 4)) for _ in range(steps)]


def sequences(steps: int = 3) -> list[Any]:
    """((batch, time, features), classes) batches."""
    d = draw(5)
    return [(d.normal(size=(4, 5, 6)), d.integers(0, 3, 4)) for _ in range(steps)]


# Losses.


def cross_entropy(logits: jax.Array, labels: jax.Array) -> jax.Array:
    return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()


def squared_error(output: jax.Array, target: jax.Array) -> jax.Array:
    return jnp.square(output - target).mean()


# Models: PyTorch's, and the port in plain Flax.


def torch_mlp(activation: Any = None) -> Any:
    torch.manual_seed(0)
    layers = [
        torch.nn.Linear(5, 4),
        activation or torch.nn.Tanh(),
        torch.nn.Linear(4, 3),
    ]
    return torch.nn.Sequential(*layers)


def flax_mlp(activation: Callable[..., Any] = jnp.tanh, **options: Any) -> nnx.Module:
    r = nnx.Rngs(0)
    first, last = nnx.Linear(5, 4, rngs=r), nnx.Linear(4, 3, rngs=r, **options)
    return nnx.Sequential(first, activation, last)


class TorchCNN(torch.nn.Module):
    """Convolution, normalisation, pooling, dropout, linear."""

    def __init__(self, norm: Any = None, p: float = 0.25):
        super().__init__()
        torch.manual_seed(0)
        self.conv = torch.nn.Conv2d(2, 4, 3, padding=1)
        self.norm = norm or torch.nn.BatchNorm2d(4)
        self.drop = torch.nn.Dropout(p)
        self.fc = torch.nn.Linear(36, 3)

    def forward(self, x: Any) -> Any:
        x = torch.relu(self.norm(self.conv(x)))
        x = torch.nn.functional.max_pool2d(x, 2)
        return self.fc(self.drop(x.flatten(1)))


class FlaxCNN(nnx.Module):
    """The same with channels last."""

    def __init__(
        self,
        norm: Any = None,
        p: float = 0.25,
        padding: Any = 1,
        chw: bool = True,
        window: int = 2,
    ):
        r = nnx.Rngs(0)
        self.conv = nnx.Conv(2, 4, (3, 3), padding=padding, rngs=r)
        self.norm = norm
        self.drop = nnx.Dropout(p, rngs=r)
        self.fc = nnx.Linear(36, 3, rngs=r)
        self.chw = chw

    def __call__(self, x: Any) -> Any:
        x = jax.nn.relu(self.norm(self.conv(x)))
        x = nnx.max_pool(x, (2, 2), (2, 2))
        # PyTorch flattens (C, H, W).
        x = x.transpose(0, 3, 1, 2) if self.chw else x
        return self.fc(self.drop(x.reshape(x.shape[0], -1)))


class OurCNN(nnx.Module):
    """The same of `jaxtrain.nn`'s layers."""

    def __init__(self, norm: Any = None, p: float = 0.25):
        self.conv = nn.Conv2d(2, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4) if norm is None else norm
        self.pool = nn.MaxPool2d(2)
        self.drop = nn.Dropout(p)
        self.fc = nn.Linear(36, 3)

    def __call__(self, x: Any) -> Any:
        x = self.pool(jax.nn.relu(self.norm(self.conv(x))))
        return self.fc(self.drop(x.reshape(x.shape[0], -1)))


def channels_last(x: Any, y: Any) -> Any:
    return x.transpose(0, 2, 3, 1), y


# Cases.


def mlp(
    torch_optimizer: Callable[..., Any],
    optimizer: Any,
    *,
    batches: Sequence[Any] | None = None,
    scheduler: Callable[[Any], Any] | None = None,
    torch_options: dict[str, Any] | None = None,
    jax_options: dict[str, Any] | None = None,
    model: Any = None,
    jax_model: Any = None,
    **options: Any,
) -> Case:
    """A multilayer perceptron, trained by two optimisers."""
    model = model or torch_mlp()
    opt = torch_optimizer([p for p in model.parameters() if p.requires_grad])
    theirs = {"loss": torch.nn.CrossEntropyLoss(), **(torch_options or {})}
    if scheduler:
        theirs["scheduler"] = scheduler(opt)
    ours = {"loss": cross_entropy, **(jax_options or {})}
    return Case(
        TorchSide(model, optimizer=opt, **theirs),
        JaxSide(jax_model or flax_mlp(), optimizer=optimizer, **ours),
        vectors() if batches is None else batches,
        **options,
    )


def pair(
    model: Any,
    jax_model: nnx.Module,
    batches: Sequence[Any],
    torch_options: dict[str, Any] | None = None,
    jax_options: dict[str, Any] | None = None,
    **options: Any,
) -> Case:
    """Two models, trained by plain gradient descent."""
    theirs = {"loss": torch.nn.CrossEntropyLoss(), **(torch_options or {})}
    ours = {"loss": cross_entropy, **(jax_options or {})}
    sgd = torch.optim.SGD(model.parameters(), lr=0.1)
    return Case(
        TorchSide(model, optimizer=sgd, **theirs),
        JaxSide(jax_model, optimizer=optax.sgd(0.1), **ours),
        batches,
        **options,
    )
