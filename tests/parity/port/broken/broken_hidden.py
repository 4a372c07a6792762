"""Defects that sharing masks, casting weights or leaving out tensors could hide."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax
import torch
from broken_port import Broken
from flax import nnx
from port_parts import images, mlp, pair, torch_mlp, vectors

from jaxtrain import nn
from parity.port import Case


class Dropping(nnx.Module):
    """Two layers, with something of its own between them."""

    def __init__(self, between: Callable[[Any], Any]):
        r = nnx.Rngs(0)
        self.first, self.last = nnx.Linear(5, 4, rngs=r), nnx.Linear(4, 3, rngs=r)
        self.between = between

    def __call__(self, x: Any) -> Any:
        return self.last(self.between(self.first(x)))


def masked(keep: float, scale: float) -> Callable[[Any], Any]:
    def drop(x: Any) -> Any:
        return jnp.where(jax.random.bernoulli(jax.random.key(0), keep, x.shape), x, 0)

    return lambda x: drop(x) / scale


def one_mask_for_all(x: Any) -> Any:
    kept = jax.random.bernoulli(jax.random.key(0), 1 - RARE, (1, x.shape[1]))
    return x * kept / (1 - RARE)


RARE = 1e-6
"""A rate at which nothing is dropped: the outputs tell nothing."""


def dropping(p: float, between: Callable[[Any], Any]) -> Case:
    torch.manual_seed(0)
    layers = torch.nn.Linear(5, 4), torch.nn.Dropout(p), torch.nn.Linear(4, 3)
    return pair(torch.nn.Sequential(*layers), Dropping(between), vectors())


class TorchScaled(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.fc = torch.nn.Linear(5, 3)
        self.scale = torch.nn.Parameter(torch.ones(3))

    def forward(self, x: Any) -> Any:
        return self.fc(x) * self.scale


class FlaxScaled(nnx.Module):
    """Its scale is no `nnx.Param`, so nothing trains it."""

    def __init__(self) -> None:
        self.fc = nnx.Linear(5, 3, rngs=nnx.Rngs(0))
        self.scale = nnx.Variable(jnp.ones(3))

    def __call__(self, x: Any) -> Any:
        return self.fc(x) * self.scale[...]


class Dense(nnx.Module):
    """A layer that the map does not know, with a weight (in, out)."""

    def __init__(self, inputs: int, outputs: int):
        self.w = nnx.Param(jnp.ones((inputs, outputs)))
        self.b = nnx.Param(jnp.ones(outputs))

    def __call__(self, x: Any) -> Any:
        return x @ self.w[...] + self.b[...]


def narrow() -> nnx.Module:
    r = nnx.Rngs(0)
    return nnx.Sequential(
        nnx.Linear(5, 4, rngs=r, param_dtype=jnp.bfloat16),
        jnp.tanh,
        nnx.Linear(4, 3, rngs=r),
    )


def wide() -> nnx.Module:
    r = nnx.Rngs(0)
    return nnx.Sequential(nnx.Linear(5, 6, rngs=r), jnp.tanh, nnx.Linear(6, 3, rngs=r))


def normalised() -> Case:
    """PyTorch's momentum is not its default."""
    torch.manual_seed(0)
    model = torch.nn.Sequential(
        torch.nn.Conv2d(2, 3, 3),
        torch.nn.BatchNorm2d(3, momentum=0.3),
        torch.nn.Flatten(),
        torch.nn.Linear(48, 3),
    )
    port = nn.Sequential(
        nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(48, 3)
    )
    return pair(model, port, images())


def clip(limit: float) -> Callable[[Any], Any]:
    return lambda ps: torch.nn.utils.clip_grad_norm_(ps, limit)


def sgd(momentum: float = 0.0) -> Callable[[Any], Any]:
    return lambda ps: torch.optim.SGD(ps, lr=0.1, momentum=momentum)


HIDDEN = (
    Broken(
        "dropout that PyTorch does not have",
        lambda: pair(
            torch.nn.Sequential(torch.nn.Linear(5, 4), torch.nn.Linear(4, 3)),
            Dropping(masked(0.7, 1.0)),
            vectors(),
        ),
        0,
        "dropout",
        "additional dropout",
    ),
    Broken(
        "mask of another rate than it divides by",
        lambda: dropping(0.3, masked(0.55, 0.7)),
        0,
        "dropout",
        "dropout rate",
    ),
    Broken(
        "dropout of a rate that drops nothing, left out",
        lambda: dropping(RARE, lambda x: x / (1 - RARE)),
        0,
        "dropout",
        "missing dropout",
    ),
    Broken(
        "one mask for the whole batch",
        lambda: dropping(RARE, one_mask_for_all),
        0,
        "dropout",
        "dropout of other elements",
    ),
    Broken(
        "parameters in bfloat16",
        lambda: pair(torch_mlp(), narrow(), vectors()),
        0,
        "weights",
        "narrow parameters",
        "0.weight",
    ),
    Broken(
        "a parameter that nothing trains",
        lambda: pair(TorchScaled(), FlaxScaled(), vectors()),
        0,
        "update",
        "untrained parameter",
        "scale",
    ),
    Broken(
        "half the limit of clipping, in the chain",
        lambda: mlp(
            sgd(),
            optax.chain(optax.clip_by_global_norm(0.05), optax.sgd(0.1)),
            torch_options={"clip": clip(0.1)},
        ),
        0,
        "update",
        "limit of clipping",
    ),
    Broken(
        "clipping that PyTorch does not do",
        lambda: mlp(
            sgd(), optax.chain(optax.clip_by_global_norm(0.07), optax.sgd(0.1))
        ),
        0,
        "update",
        "additional clipping",
    ),
    Broken(
        "clipping before momentum that PyTorch does not do",
        lambda: mlp(
            sgd(0.9),
            optax.chain(optax.clip_by_global_norm(0.07), optax.sgd(0.1, momentum=0.9)),
        ),
        0,
        "update",
        "additional clipping",
    ),
    Broken(
        "gradients halved where the learning rate is shown",
        lambda: mlp(
            sgd(),
            optax.chain(optax.scale(0.5), optax.sgd(0.1)),
            jax_options={"lr": 0.1},
        ),
        0,
        "update",
        "scaled updates",
    ),
    Broken(
        "momentum of statistics that is not PyTorch's 0.3",
        normalised,
        0,
        "buffer",
        "momentum of normalisation",
    ),
    Broken(
        "a wider hidden layer",
        lambda: pair(torch_mlp(), wide(), vectors()),
        0,
        "map",
        "other shapes",
    ),
    Broken(
        "hand-written layers",
        lambda: pair(
            torch_mlp(), nnx.Sequential(Dense(5, 4), jnp.tanh, Dense(4, 3)), vectors()
        ),
        0,
        "map",
        "parameters of a layer of its own",
    ),
)
