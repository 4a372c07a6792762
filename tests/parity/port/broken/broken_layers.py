"""Layers and models of which a part is wrong, and what they are compared with."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import torch
from flax import nnx
from port_parts import (
    FlaxCNN,
    TorchCNN,
    channels_last,
    images,
    pair,
    vectors,
)

from parity.port import Case

LAST = {"prepare": channels_last}


def group_norm(**options: Any) -> nnx.Module:
    given = {"num_groups": 2, "epsilon": 1e-5, **options}
    return nnx.GroupNorm(4, rngs=nnx.Rngs(0), **given)


def grouped(port: nnx.Module) -> Case:
    """A convolutional network with group normalisation."""
    return pair(TorchCNN(torch.nn.GroupNorm(2, 4)), port, images(), jax_options=LAST)


def evaluated(port: FlaxCNN) -> FlaxCNN:
    port.drop.deterministic = True
    return port


class Unscaled(nnx.Module):
    """Dropout that does not divide by what it keeps."""

    def __init__(self, p: float):
        self.p = p

    def __call__(self, x: Any) -> Any:
        return x * jax.random.bernoulli(jax.random.key(0), 1 - self.p, x.shape)


def unscaled() -> FlaxCNN:
    port = FlaxCNN(group_norm())
    port.drop = Unscaled(0.25)
    return port


class Stopped(nnx.Module):
    """A layer whose bias gets no gradient."""

    def __init__(self) -> None:
        r = nnx.Rngs(0)
        self.first, self.last = nnx.Linear(5, 4, rngs=r), nnx.Linear(4, 3, rngs=r)

    def __call__(self, x: Any) -> Any:
        y = x @ self.first.kernel[...] + jax.lax.stop_gradient(self.first.bias[...])
        return self.last(jnp.tanh(y))


def rounded(kind: Any) -> nnx.Module:
    r = nnx.Rngs(0)
    return nnx.Sequential(
        nnx.Linear(5, 4, rngs=r, dtype=kind),
        jnp.tanh,
        nnx.Linear(4, 3, rngs=r, dtype=kind),
    )


class TF32(nnx.Module):
    """Products as a tensor core takes them."""

    def __init__(self) -> None:
        r = nnx.Rngs(0)
        self.first, self.last = nnx.Linear(5, 4, rngs=r), nnx.Linear(4, 3, rngs=r)

    def __call__(self, x: Any) -> Any:
        return tf32_linear(self.last, jnp.tanh(tf32_linear(self.first, x)))


def tf32_linear(layer: nnx.Linear, x: Any) -> Any:
    x, kernel = (jax.lax.reduce_precision(v, 8, 10) for v in (x, layer.kernel[...]))
    return x @ kernel + layer.bias[...]


def two_layer_norms() -> Case:
    """Only the second has another eps."""
    torch.manual_seed(0)
    sizes = ((5, 4), (4, 4))
    layers: list[Any] = []
    for size in sizes:
        layers += [torch.nn.Linear(*size), torch.nn.LayerNorm(size[1])]
    r = nnx.Rngs(0)
    port: list[Any] = []
    for size, eps in zip(sizes, (1e-5, 1e-6), strict=True):
        port += [nnx.Linear(*size, rngs=r), nnx.LayerNorm(4, epsilon=eps, rngs=r)]
    return pair(
        torch.nn.Sequential(*layers, torch.nn.Linear(4, 3)),
        nnx.Sequential(*port, nnx.Linear(4, 3, rngs=r)),
        vectors(),
    )


class TorchStrided(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv = torch.nn.Conv2d(2, 4, 3, stride=2, padding=1)
        self.fc = torch.nn.Linear(36, 3)

    def forward(self, x: Any) -> Any:
        return self.fc(torch.tanh(self.conv(x)).flatten(1))


class FlaxStrided(nnx.Module):
    def __init__(self, padding: Any):
        r = nnx.Rngs(0)
        self.conv = nnx.Conv(2, 4, (3, 3), strides=2, padding=padding, rngs=r)
        self.fc = nnx.Linear(36, 3, rngs=r)

    def __call__(self, x: Any) -> Any:
        x = jnp.tanh(self.conv(x)).transpose(0, 3, 1, 2)
        return self.fc(x.reshape(x.shape[0], -1))


class TorchWords(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.words = torch.nn.Embedding(7, 4, padding_idx=0)
        self.head = torch.nn.Linear(4, 3)

    def forward(self, x: Any) -> Any:
        return self.head(self.words(x).mean(1))


class FlaxWords(nnx.Module):
    def __init__(self) -> None:
        r = nnx.Rngs(0)
        self.words, self.head = nnx.Embed(7, 4, rngs=r), nnx.Linear(4, 3, rngs=r)

    def __call__(self, x: Any) -> Any:
        return self.head(self.words(x).mean(1))


class TorchRNN(torch.nn.Module):
    def __init__(self, kind: Any):
        super().__init__()
        torch.manual_seed(0)
        self.rnn, self.head = kind(6, 4, batch_first=True), torch.nn.Linear(4, 3)

    def forward(self, x: Any) -> Any:
        return self.head(self.rnn(x)[0][:, -1])


class FlaxRNN(nnx.Module):
    def __init__(self, kind: Any):
        r = nnx.Rngs(0)
        self.rnn, self.head = nnx.RNN(kind(6, 4, rngs=r)), nnx.Linear(4, 3, rngs=r)

    def __call__(self, x: Any) -> Any:
        return self.head(self.rnn(x)[:, -1])


def zeros_on_the_kink() -> list[Any]:
    """Inputs of which a whole row is zero, with no bias to move them."""
    return [(np.where(np.arange(6)[:, None] < 2, 0.0, x), y) for x, y in vectors()]


def kinked(activation: Any) -> Case:
    torch.manual_seed(0)
    model = torch.nn.Sequential(
        torch.nn.ReLU(), torch.nn.Linear(5, 4), torch.nn.ReLU(), torch.nn.Linear(4, 3)
    )
    with torch.no_grad():
        model[1].bias.zero_()
    r = nnx.Rngs(0)
    port = nnx.Sequential(
        jax.nn.relu, nnx.Linear(5, 4, rngs=r), activation, nnx.Linear(4, 3, rngs=r)
    )
    return pair(model, port, zeros_on_the_kink())


def layer_norms(**options: Any) -> Case:
    torch.manual_seed(0)
    model = torch.nn.Sequential(
        torch.nn.Linear(5, 4), torch.nn.LayerNorm(4), torch.nn.Linear(4, 3)
    )
    r = nnx.Rngs(0)
    port = nnx.Sequential(
        nnx.Linear(5, 4, rngs=r),
        nnx.LayerNorm(4, rngs=r, **options),
        nnx.Linear(4, 3, rngs=r),
    )
    return pair(model, port, vectors())


def batch_norm(**options: Any) -> nnx.Module:
    return nnx.BatchNorm(4, rngs=nnx.Rngs(0), **options)
