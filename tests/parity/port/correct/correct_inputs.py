"""Correct ports whose inputs, outputs or trained parameters are out of the ordinary."""

from typing import Any

import jax.numpy as jnp
import numpy as np
import optax
import torch
from flax import nnx
from port_parts import cross_entropy, flax_mlp, images, mlp, pair, torch_mlp, vectors

from jaxtrain import nn
from parity.port import Case


def sgd(parameters: Any) -> torch.optim.Optimizer:
    return torch.optim.SGD(parameters, lr=0.1)


def shuffled_loader() -> Case:
    """Another order each time that it is iterated."""
    data = torch.utils.data.TensorDataset(
        *(torch.as_tensor(np.concatenate(x)) for x in zip(*vectors(), strict=True))
    )
    loader = torch.utils.data.DataLoader(data, batch_size=6, shuffle=True)
    return mlp(sgd, optax.sgd(0.1), batches=loader)  # type: ignore[arg-type]


def generated_batches() -> Case:
    return mlp(sgd, optax.sgd(0.1), batches=iter(vectors()))  # type: ignore[arg-type]


def weighted_loss_module() -> Case:
    """Weights in float32, as users write them."""
    weights = np.float32([0.2, 1.0, 3.0])

    def weighted(logits: Any, labels: Any) -> Any:
        each = optax.softmax_cross_entropy_with_integer_labels(logits, labels)
        w = jnp.asarray(weights, logits.dtype)[labels]
        return (each * w).sum() / w.sum()

    return mlp(
        sgd,
        optax.sgd(0.1),
        torch_options={"loss": torch.nn.CrossEntropyLoss(torch.tensor(weights))},
        jax_options={"loss": weighted},
    )


LAST_LAYER = nnx.All(nnx.Param, lambda path, value: 2 in path)


def left_out_of_the_optimizer() -> Case:
    """PyTorch still has gradients of them."""
    model = torch_mlp()
    return mlp(
        lambda ps: sgd(model[2].parameters()),
        optax.sgd(0.1),
        model=model,
        jax_options={"wrt": LAST_LAYER},
    )


def optimizer_with_wrt() -> Case:
    model, port = torch_mlp(), flax_mlp()
    return mlp(
        lambda ps: sgd(model[2].parameters()),
        nnx.Optimizer(port, optax.sgd(0.1), wrt=LAST_LAYER),
        model=model,
        jax_model=port,
    )


class TorchSkipping(torch.nn.Module):
    """A layer that some batches do not go through: then it has no gradient."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.a, self.b = torch.nn.Linear(5, 5), torch.nn.Linear(5, 3)

    def forward(self, x: Any) -> Any:
        return self.b(self.a(x) if x[0, 0] > 0 else x)


class FlaxSkipping(nnx.Module):
    def __init__(self) -> None:
        r = nnx.Rngs(0)
        self.a, self.b = nnx.Linear(5, 5, rngs=r), nnx.Linear(5, 3, rngs=r)

    def __call__(self, x: Any) -> Any:
        return self.b(jnp.where(x[0, 0] > 0, self.a(x), x))


def sometimes_without_a_gradient() -> Case:
    batches = [(np.abs(x) * (-1) ** step, y) for step, (x, y) in enumerate(vectors())]
    return pair(TorchSkipping(), FlaxSkipping(), batches)


class TorchHeads(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.a, self.b = torch.nn.Linear(5, 3), torch.nn.Linear(5, 3)

    def forward(self, x: Any) -> Any:
        return {"prediction": self.a(x), "auxiliary": self.b(x)}


class FlaxHeads(nnx.Module):
    def __init__(self) -> None:
        r = nnx.Rngs(0)
        self.a, self.b = nnx.Linear(5, 3, rngs=r), nnx.Linear(5, 3, rngs=r)

    def __call__(self, x: Any) -> Any:
        return {"prediction": self.a(x), "auxiliary": self.b(x)}


def dictionary_of_outputs() -> Case:
    """JAX sorts a dictionary by its keys, PyTorch does not."""

    def both(loss: Any) -> Any:
        return lambda out, y: loss(out["prediction"], y) + loss(out["auxiliary"], y) / 3

    return pair(
        TorchHeads(),
        FlaxHeads(),
        vectors(),
        torch_options={"loss": both(torch.nn.CrossEntropyLoss())},
        jax_options={"loss": both(cross_entropy)},
    )


def dictionary_of_inputs() -> Case:
    """As loaders of text give them."""
    forward = lambda model, batch: model(batch["x"])  # noqa: E731
    return pair(
        torch_mlp(),
        flax_mlp(),
        [({"x": x, "length": np.full(len(x), 5)}, y) for x, y in vectors()],
        torch_options={"forward": forward},
        jax_options={"forward": forward},
    )


def linear_bottleneck() -> Case:
    """A normalisation of what was normalised: its means are zero but for rounding."""
    torch.manual_seed(0)
    theirs = torch.nn.Sequential(
        torch.nn.Conv2d(2, 3, 3, bias=False),
        torch.nn.BatchNorm2d(3),
        torch.nn.Conv2d(3, 4, 1, bias=False),
        torch.nn.BatchNorm2d(4),
        torch.nn.Flatten(),
        torch.nn.Linear(64, 3),
    )
    ours = nn.Sequential(
        nn.Conv2d(2, 3, 3, bias=False),
        nn.BatchNorm2d(3),
        nn.Conv2d(3, 4, 1, bias=False),
        nn.BatchNorm2d(4),
        nn.Flatten(),
        nn.Linear(64, 3),
    )
    return pair(theirs, ours, images())


def dropout_of_changing_sizes() -> Case:
    """Masks of a size that was traced before, after another."""
    torch.manual_seed(0)
    theirs = torch.nn.Sequential(
        torch.nn.Linear(5, 4), torch.nn.Dropout(0.3), torch.nn.Linear(4, 3)
    )
    r = nnx.Rngs(0)
    ours = nnx.Sequential(
        nnx.Linear(5, 4, rngs=r), nnx.Dropout(0.3, rngs=r), nnx.Linear(4, 3, rngs=r)
    )
    sizes = (6, 4, 6, 4)
    batches = [(x[:n], y[:n]) for n, (x, y) in zip(sizes, vectors(), strict=True)]
    return pair(theirs, ours, batches)


INPUTS = (
    shuffled_loader,
    generated_batches,
    weighted_loss_module,
    left_out_of_the_optimizer,
    optimizer_with_wrt,
    sometimes_without_a_gradient,
    dictionary_of_outputs,
    dictionary_of_inputs,
    linear_bottleneck,
    dropout_of_changing_sizes,
)
