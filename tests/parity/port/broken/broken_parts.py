"""Losses, schedules and batches that are wrong, and the cases they are tried in."""

import warnings
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import torch
import torch.nn.functional as F
from flax import nnx
from port_parts import (
    FlaxCNN,
    TorchCNN,
    mlp,
    pair,
    pixels,
    vectors,
)

from jaxtrain import nn, optim
from parity.port import Case


def sgd(ps: Any) -> Any:
    return torch.optim.SGD(ps, lr=0.1)


def with_losses(theirs: Any, ours: Any, batches: Any = None) -> Case:
    return mlp(
        sgd,
        optax.sgd(0.1),
        batches=batches,
        torch_options={"loss": theirs},
        jax_options={"loss": ours},
    )


WEIGHT = [0.2, 1.0, 3.0]


def weighted(y: Any, t: Any) -> Any:
    return F.cross_entropy(y, t, torch.tensor(WEIGHT, dtype=y.dtype))


def weighted_by_number(y: Any, t: Any) -> Any:
    each = optax.softmax_cross_entropy_with_integer_labels(y, t)
    return (each * jnp.asarray(WEIGHT)[t]).mean()


def some_ignored() -> list[Any]:
    return [(x, np.where(np.arange(6) < 2, -100, t)) for x, t in vectors()]


def divided_by_all(y: Any, t: Any) -> Any:
    kept = t != -100
    each = optax.softmax_cross_entropy_with_integer_labels(y, jnp.where(kept, t, 0))
    return (each * kept).mean()


def distributions() -> list[Any]:
    d = np.random.default_rng(0)
    return [(x, d.dirichlet(np.ones(3), 6)) for x, _ in vectors()]


def kl(y: Any, t: Any) -> Any:
    with warnings.catch_warnings():
        # PyTorch itself warns of its default.
        warnings.simplefilter("ignore", UserWarning)
        return F.kl_div(F.log_softmax(y, 1), t)


def kl_by_batch(y: Any, t: Any) -> Any:
    return optax.kl_divergence(jax.nn.log_softmax(y), t).mean()


def scheduled(
    scheduler: Any, lr: Any, steps: int = 6, tick: int = 1, momentum: float = 0.0
) -> Case:
    """A schedule that the port declares."""
    return mlp(
        lambda ps: torch.optim.SGD(ps, lr=0.1, momentum=momentum),
        optim.sgd(momentum=momentum),
        batches=(vectors() * 2)[:steps],
        scheduler=scheduler,
        torch_options={"tick": tick},
        jax_options={"lr": lr},
    )


def halved(o: Any) -> Any:
    return torch.optim.lr_scheduler.StepLR(o, 1, gamma=0.5)


def cosine(length: int, least: float = 0.0) -> Any:
    return lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, length, least)


def of_cosine(length: int, ratio: float = 0.0) -> Any:
    def lr(k: int) -> float:
        share = 0.5 * (1 + np.cos(np.pi * k / length))
        return float(0.1 * (ratio + (1 - ratio) * share))

    return lr


def batched(theirs: Any, ours: Any) -> Case:
    """A multilayer perceptron whose sides have batches of their own."""
    return mlp(
        sgd,
        optax.sgd(0.1),
        batches=[],
        torch_options={"batches": theirs},
        jax_options={"batches": ours},
    )


def short_last() -> list[Any]:
    *full, (x, t) = vectors()
    return [*full, (x[:4], t[:4])]


def reordered() -> list[Any]:
    whole = [np.concatenate(part) for part in zip(*vectors(), strict=True)]
    order = np.random.default_rng(0).permutation(len(whole[0]))
    return [tuple(part[rows] for part in whole) for rows in order.reshape(-1, 6)]


def photographs(ours: Any) -> Case:
    """Pixels that PyTorch's side scales and normalises."""

    def theirs(x: Any, t: Any) -> Any:
        x = x.permute(0, 3, 1, 2).to(torch.get_default_dtype()) / 255
        return (x - 0.3) / 0.2, t

    norm = nnx.GroupNorm(4, num_groups=2, epsilon=1e-5, rngs=nnx.Rngs(0))
    return pair(
        TorchCNN(torch.nn.GroupNorm(2, 4)),
        FlaxCNN(norm),
        pixels(),
        torch_options={"prepare": theirs},
        jax_options={"prepare": ours},
    )


def initial(port: nnx.Module) -> Case:
    torch.manual_seed(0)
    model = torch.nn.Sequential(
        torch.nn.Linear(5, 64), torch.nn.Tanh(), torch.nn.Linear(64, 3)
    )
    return pair(model, port, vectors(), weights="compare")


def flax_initial() -> nnx.Module:
    r = nnx.Rngs(0)
    return nnx.Sequential(
        nnx.Linear(5, 64, rngs=r), jnp.tanh, nnx.Linear(64, 3, rngs=r)
    )


def zero_biased() -> nnx.Module:
    from jaxtrain.rng import manual_seed

    manual_seed(0)
    port = nn.Sequential(nn.Linear(5, 64), nn.Tanh(), nn.Linear(64, 3))
    for name in ("0", "2"):
        bias = getattr(port, name).bias
        bias[...] = jnp.zeros_like(bias[...])
    return port
