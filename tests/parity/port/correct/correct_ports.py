"""Correct ports, of which none may be called wrong."""

import copy
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
    OurCNN,
    TorchCNN,
    channels_last,
    flax_mlp,
    images,
    mlp,
    pair,
    pixels,
    sequences,
    squared_error,
    targets,
    tokens,
    torch_mlp,
    vectors,
)

from jaxtrain import losses, nn, optim
from parity.port import Case, JaxSide, TorchSide


def sgd() -> Case:
    return mlp(lambda ps: torch.optim.SGD(ps, lr=0.1), optax.sgd(0.1))


def nesterov() -> Case:
    return mlp(
        lambda ps: torch.optim.SGD(ps, lr=0.1, momentum=0.9, nesterov=True),
        optax.sgd(0.1, momentum=0.9, nesterov=True),
    )


def adam_with_cosine() -> Case:
    schedule = optax.cosine_decay_schedule(1e-2, 10)
    return mlp(
        lambda ps: torch.optim.Adam(ps, lr=1e-2),
        optax.adam(schedule),
        scheduler=lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, 10),
        jax_options={"lr": schedule},
    )


def adamw_clipped() -> Case:
    return mlp(
        lambda ps: torch.optim.AdamW(ps, lr=1e-2),
        optax.adamw(1e-2, weight_decay=1e-2),
        torch_options={"clip": lambda ps: torch.nn.utils.clip_grad_norm_(ps, 0.5)},
        jax_options={"clip": optim.clip_grad_norm(0.5)},
    )


def rmsprop_of_ours() -> Case:
    return mlp(
        lambda ps: torch.optim.RMSprop(ps, lr=1e-2, momentum=0.9, centered=True),
        optim.rmsprop(1e-2, momentum=0.9, centered=True),
    )


def adagrad_of_ours() -> Case:
    return mlp(
        lambda ps: torch.optim.Adagrad(ps, lr=1e-2, lr_decay=0.1),
        optim.adagrad(1e-2, lr_decay=0.1),
        jax_model=nn.Sequential(nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 3)),
    )


def clipped_in_a_chain() -> Case:
    return mlp(
        lambda ps: torch.optim.SGD(ps, lr=0.1, momentum=0.9),
        optax.chain(optim.clip_grad_norm(0.3), optax.sgd(0.1, momentum=0.9)),
        torch_options={"clip": lambda ps: torch.nn.utils.clip_grad_norm_(ps, 0.3)},
    )


def accumulated() -> Case:
    return mlp(
        lambda ps: torch.optim.Adam(ps, lr=1e-2),
        optim.accumulate(optim.adam(1e-2), 2),
        torch_options={"accumulate": 2},
    )


def stepped_each_epoch() -> Case:
    return mlp(
        lambda ps: torch.optim.SGD(ps, lr=0.1),
        optim.sgd(),
        scheduler=lambda o: torch.optim.lr_scheduler.StepLR(o, 1, gamma=0.5),
        torch_options={"tick": 2},
        jax_options={"lr": lambda k: 0.1 * 0.5 ** (k // 2)},
    )


def warmed_up_and_injected() -> Case:
    def schedule(count: jax.Array) -> jax.Array:
        # Optax's own is evaluated in float32, whatever type is the widest.
        return 1e-2 * jnp.minimum(0.1 + 0.3 * count.astype(float), 1.0)

    return mlp(
        lambda ps: torch.optim.Adam(ps, lr=1e-2),
        optax.inject_hyperparams(optax.adam)(learning_rate=schedule),
        scheduler=lambda o: torch.optim.lr_scheduler.LinearLR(o, 0.1, 1.0, 3),
    )


def frozen() -> Case:
    model = torch_mlp()
    model[0].requires_grad_(False)
    port = flax_mlp()

    def labels(params: Any) -> Any:
        return jax.tree.map_with_path(
            lambda path, _: "frozen" if "key=0" in repr(path) else "trained", params
        )

    chosen = {"frozen": optax.set_to_zero(), "trained": optax.adamw(1e-2)}
    return mlp(
        lambda ps: torch.optim.AdamW(ps, lr=1e-2, weight_decay=1e-4),
        optax.multi_transform(chosen, labels),
        model=model,
        jax_model=port,
    )


def no_decay_of_biases() -> Case:
    model = torch_mlp()
    weights = [p for p in model.parameters() if p.ndim > 1]
    biases = [p for p in model.parameters() if p.ndim == 1]
    groups = [{"params": weights}, {"params": biases, "weight_decay": 0.0}]
    return Case(
        TorchSide(
            model,
            torch.nn.CrossEntropyLoss(),
            torch.optim.AdamW(groups, lr=1e-2, weight_decay=0.1),
        ),
        JaxSide(
            flax_mlp(),
            lambda y, t: losses.cross_entropy(y, t),
            optax.adamw(
                1e-2,
                weight_decay=0.1,
                mask=lambda ps: jax.tree.map(lambda p: p.ndim > 1, ps),
            ),
        ),
        vectors(),
    )


def weighted_and_ignored() -> Case:
    weight = [0.2, 1.0, 3.0]
    batches = [(x, np.where(np.arange(6) == 1, -100, y)) for x, y in vectors()]
    return mlp(
        lambda ps: torch.optim.SGD(ps, lr=0.1),
        optax.sgd(0.1),
        batches=batches,
        torch_options={
            "loss": lambda y, t: F.cross_entropy(
                y, t, torch.tensor(weight, dtype=y.dtype), label_smoothing=0.1
            )
        },
        jax_options={
            "loss": lambda y, t: losses.cross_entropy(
                y, t, jnp.asarray(weight), label_smoothing=0.1
            )
        },
    )


def regression_with_a_penalty() -> Case:
    return mlp(
        lambda ps: torch.optim.SGD(ps, lr=0.1),
        optax.sgd(0.1),
        batches=targets(),
        torch_options={
            "loss": torch.nn.SmoothL1Loss(beta=0.5),
            "penalty": lambda m: 0.01 * sum((p**2).sum() for p in m.parameters()),
        },
        jax_options={
            "loss": lambda y, t: optax.huber_loss(y, t, delta=0.5).mean() / 0.5,
            "penalty": lambda m: (
                0.01
                * sum(jnp.sum(p**2) for p in jax.tree.leaves(nnx.state(m, nnx.Param)))
            ),
        },
    )


def cnn_of_ours() -> Case:
    return pair(TorchCNN(), OurCNN(), images())


def cnn_evaluated() -> Case:
    """Fine-tuning with the normalisation's statistics frozen."""
    port = FlaxCNN(nnx.BatchNorm(4, epsilon=1e-5, rngs=nnx.Rngs(0)))
    port.eval()
    ours = {"prepare": channels_last}
    return pair(TorchCNN().eval(), port, images(), jax_options=ours)


def cnn_with_group_norm() -> Case:
    return pair(
        TorchCNN(torch.nn.GroupNorm(2, 4)),
        FlaxCNN(nnx.GroupNorm(4, num_groups=2, epsilon=1e-5, rngs=nnx.Rngs(0))),
        images(),
        jax_options={"prepare": channels_last},
    )


MEAN, STD = [0.3, 0.5], [0.2, 0.25]


def pixels_normalised() -> Case:
    def theirs(x: Any, y: Any) -> Any:
        mean, std = (torch.tensor(v).view(2, 1, 1) for v in (MEAN, STD))
        return (x.permute(0, 3, 1, 2).to(mean.dtype) / 255 - mean) / std, y

    def ours(x: Any, y: Any) -> Any:
        return (x / 255.0 - jnp.asarray(MEAN)) / jnp.asarray(STD), y

    return pair(
        TorchCNN(torch.nn.GroupNorm(2, 4)),
        FlaxCNN(nnx.GroupNorm(4, num_groups=2, epsilon=1e-5, rngs=nnx.Rngs(0))),
        pixels(),
        torch_options={"prepare": theirs},
        jax_options={"prepare": ours},
    )


class _Decoder(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.down = torch.nn.Conv1d(2, 3, 3, stride=2, bias=False)
        self.norm = torch.nn.LayerNorm(3)
        self.up = torch.nn.ConvTranspose1d(3, 2, 4, stride=2)

    def forward(self, x: Any) -> Any:
        x = self.norm(self.down(x).transpose(1, 2)).transpose(1, 2)
        return self.up(F.gelu(x))


class _FlaxDecoder(nnx.Module):
    def __init__(self) -> None:
        r = nnx.Rngs(0)
        self.down = nnx.Conv(
            2, 3, (3,), strides=2, padding="VALID", use_bias=False, rngs=r
        )
        self.norm = nnx.LayerNorm(3, epsilon=1e-5, rngs=r)
        self.up = nnx.ConvTranspose(3, 2, (4,), strides=2, padding="VALID", rngs=r)

    def __call__(self, x: Any) -> Any:
        return self.up(jax.nn.gelu(self.norm(self.down(x)), approximate=False))


def autoencoder() -> Case:
    d = np.random.default_rng(0)
    batches = [(x, x) for x in d.normal(size=(3, 4, 2, 10))]
    return pair(
        _Decoder(),
        _FlaxDecoder(),
        batches,
        torch_options={"loss": torch.nn.MSELoss()},
        jax_options={
            "loss": squared_error,
            "prepare": lambda x, y: (x.swapaxes(1, 2), y.swapaxes(1, 2)),
        },
    )


class _Text(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.words = torch.nn.Embedding(7, 8)
        self.place = torch.nn.Parameter(torch.randn(5, 8))
        self.attention = torch.nn.MultiheadAttention(
            8, 2, dropout=0.0, batch_first=True
        )
        self.head = torch.nn.Linear(8, 3)

    def forward(self, x: Any) -> Any:
        x = self.words(x) + self.place
        x = x + self.attention(x, x, x, need_weights=False)[0]
        return self.head(x.mean(1))


def _attend(query: Any, key: Any, value: Any, **_: Any) -> Any:
    # Flax's own takes the softmax in float32, whatever its inputs are.
    scores = jnp.einsum("bqhd,bkhd->bhqk", query, key) / query.shape[-1] ** 0.5
    return jnp.einsum("bhqk,bkhd->bqhd", jax.nn.softmax(scores), value)


class _FlaxText(nnx.Module):
    def __init__(self) -> None:
        r = nnx.Rngs(0)
        self.embed = nnx.Embed(7, 8, rngs=r)
        self.positions = nnx.Param(jnp.zeros((5, 8)))
        self.attention = nnx.MultiHeadAttention(
            2, 8, decode=False, attention_fn=_attend, rngs=r
        )
        self.out = nnx.Linear(8, 3, rngs=r)

    def __call__(self, x: Any) -> Any:
        x = self.embed(x) + self.positions[...]
        return self.out((x + self.attention(x)).mean(1))


def attention() -> Case:
    return pair(_Text(), _FlaxText(), tokens(), map={"place": "positions"})


class _Last(torch.nn.Module):
    def __init__(self, rnn: Any):
        super().__init__()
        self.rnn, self.head = rnn, torch.nn.Linear(8, 3)

    def forward(self, x: Any) -> Any:
        return self.head(self.rnn(x)[0][:, -1])


class _OurLast(nnx.Module):
    def __init__(self, rnn: Any):
        self.rnn, self.head = rnn, nn.Linear(8, 3)

    def __call__(self, x: Any) -> Any:
        return self.head(self.rnn(x)[0][:, -1])


def gru() -> Case:
    torch.manual_seed(0)
    options = {"batch_first": True, "bidirectional": True}
    return pair(
        _Last(torch.nn.GRU(6, 4, **options)),
        _OurLast(nn.GRU(6, 4, **options)),
        sequences(),
    )


def transformer() -> Case:
    torch.manual_seed(0)
    args = {"d_model": 6, "nhead": 2, "dim_feedforward": 8, "batch_first": True}
    theirs = torch.nn.Sequential(
        torch.nn.TransformerEncoderLayer(**args),
        torch.nn.Flatten(),
        torch.nn.Linear(30, 3),
    )
    ours = nn.Sequential(
        nn.TransformerEncoderLayer(**args), nn.Flatten(), nn.Linear(30, 3)
    )
    return pair(theirs, ours, sequences())


def same_weights_by_seed() -> Case:
    """The port draws PyTorch's initial weights from PyTorch's generator."""
    from jaxtrain.rng import manual_seed

    manual_seed(0)
    port = nn.Sequential(nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 3))
    return pair(copy.deepcopy(torch_mlp()), port, vectors(), weights="compare")


CORRECT = (
    sgd,
    nesterov,
    adam_with_cosine,
    adamw_clipped,
    rmsprop_of_ours,
    adagrad_of_ours,
    clipped_in_a_chain,
    accumulated,
    stepped_each_epoch,
    warmed_up_and_injected,
    frozen,
    no_decay_of_biases,
    weighted_and_ignored,
    regression_with_a_penalty,
    cnn_of_ours,
    cnn_evaluated,
    cnn_with_group_norm,
    pixels_normalised,
    autoencoder,
    attention,
    gru,
    transformer,
    same_weights_by_seed,
)
