"""Optax's optimisers of the same name, which compute something else than PyTorch's."""

from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from parity.doctor.evidence import Evidence
from parity.doctor.optimizer_steps import OptimizerSteps, Tensors, optimizer_steps
from parity.doctor.trial import Trial

KINDS = ("update",)

Make = Callable[[Any, dict[str, Any]], optax.GradientTransformation]
"""(schedule of the rate, PyTorch's hyper-parameters) -> Optax's optimiser."""

BLOCK = 256
"""Vectors are filled up to a multiple: operations are compiled once for each length."""


def _betas(h: dict[str, Any]) -> dict[str, Any]:
    b1, b2 = h.get("betas", (0.9, 0.999))
    return {"b1": b1, "b2": b2, "eps": h.get("eps", 1e-8)}


def _rmsprop(
    lr: Any, h: dict[str, Any], **changes: Any
) -> optax.GradientTransformation:
    momentum = h["momentum"] or None
    return optax.rmsprop(
        lr, h["alpha"], h["eps"], centered=h["centered"], momentum=momentum, **changes
    )


TABLE: list[tuple[str, str, str, str, Make]] = [
    (
        "RMSprop",
        "eps inside the root",
        "optax.rmsprop with eps inside the root; PyTorch has it outside",
        "rmsprop",
        _rmsprop,
    ),
    (
        "RMSprop",
        "eps inside the root",
        "optax.rmsprop with its defaults: eps inside the root, decay 0.9",
        "rmsprop",
        lambda lr, h: optax.rmsprop(lr),
    ),
    (
        "RMSprop",
        "learning rate before momentum",
        "optax.rmsprop, whose momentum holds the rate; PyTorch multiplies after it",
        "rmsprop",
        lambda lr, h: _rmsprop(lr, h, eps_in_sqrt=False),
    ),
    (
        "RMSprop",
        "accumulator's start",
        "optax.rmsprop with initial_scale=1; PyTorch's squares start from 0",
        "rmsprop",
        lambda lr, h: optax.rmsprop(
            lr, h["alpha"], h["eps"], initial_scale=1.0, eps_in_sqrt=False
        ),
    ),
    (
        "Adam AdamW",
        "AMSGrad's maximum",
        "optax.amsgrad, the maximum of corrected squares; PyTorch's is of raw ones",
        "adam",
        lambda lr, h: optax.amsgrad(lr, **_betas(h)),
    ),
    (
        "Adam AdamW NAdam RAdam",
        "no weight decay",
        "optax.adam, which has no weight decay",
        "adam",
        lambda lr, h: optax.adam(lr, **_betas(h)),
    ),
    (
        "Adam AdamW",
        "weight decay",
        "optax.adamw with its default decay of 1e-4",
        "adamw",
        lambda lr, h: optax.adamw(lr, **_betas(h)),
    ),
    (
        "Adam AdamW",
        "eps inside the root",
        "optax.adam with eps_root: eps inside the root; PyTorch has it outside",
        "adam",
        lambda lr, h: optax.adam(lr, **{**_betas(h), "eps": 0.0, "eps_root": h["eps"]}),
    ),
    (
        "Adam AdamW NAdam",
        "Nesterov momentum",
        "optax.nadam, which has no schedule of the momentum",
        "nadam",
        lambda lr, h: optax.nadam(lr, **_betas(h)),
    ),
    (
        "RAdam",
        "eps after the bias correction",
        "optax.radam, which adds eps after the bias correction; PyTorch before it",
        "radam",
        lambda lr, h: optax.radam(lr, **_betas(h)),
    ),
    (
        "Adagrad",
        "accumulator's start",
        "optax.adagrad with its defaults: squares from 0.1, eps 1e-7 inside the root",
        "adagrad",
        lambda lr, h: optax.adagrad(lr),
    ),
    (
        "Adagrad",
        "eps inside the root",
        "optax.adagrad from 0 with PyTorch's eps: it is inside the root",
        "adagrad",
        lambda lr, h: optax.adagrad(lr, 0.0, h["eps"]),
    ),
    (
        "Rprop",
        "Rprop lags one step",
        "optax.rprop, whose update is that of the step before",
        "rprop",
        # It takes no schedule.
        lambda lr, h: optax.rprop(h["lr"], *h["etas"], *h["step_sizes"]),
    ),
    (
        "SGD",
        "plain gradient descent",
        "optax.sgd with PyTorch's momentum and nothing else",
        "sgd",
        lambda lr, h: optax.sgd(lr, h["momentum"] or None, h["nesterov"]),
    ),
    (
        "Adadelta",
        "Optax's Adadelta",
        "optax.adadelta with its defaults",
        "adadelta",
        lambda lr, h: optax.adadelta(lr),
    ),
    (
        "Adam AdamW SGD RMSprop",
        "another optimiser",
        "optax.lion",
        "adam",
        lambda lr, h: optax.lion(lr),
    ),
]


def trials(evidence: Evidence) -> Iterator[Trial]:
    """Run each that has the name on PyTorch's recorded gradients."""
    steps = optimizer_steps(evidence)
    name = type(steps.optimizer).__name__
    for names, cause, text, remedy, make in TABLE:
        if name in names.split():
            with jax.enable_x64(True):
                error = steps.error(run(make, steps))
            yield Trial(
                cause,
                f"the port's updates are those of {text}",
                f"Use jaxtrain.optim.{remedy}.",
                error,
            )


def run(make: Make, steps: OptimizerSteps) -> list[Tensors]:
    """The updates of an Optax optimiser, all parameters as one vector."""
    rates = np.array([lr[0] for lr in steps.lrs])
    tx = make(lambda count: jnp.asarray(rates)[count], steps.hyper[0])
    state = tx.init(flat(steps.before[0], steps.before[0]))
    updates = []
    for before, grads in zip(steps.before, steps.gradients, strict=True):
        update, state = tx.update(flat(grads, before), state, flat(before, before))
        updates.append(unflat(np.asarray(update), before))
    return updates


def flat(tensors: Any, like: Tensors) -> Any:
    """One vector of all tensors, zero where there is none, filled up to a block."""
    parts = [
        np.zeros(x.size) if tensors.get(n) is None else np.ravel(tensors[n])
        for n, x in like.items()
    ]
    vector = np.concatenate(parts)
    return jnp.asarray(np.pad(vector, (0, -len(vector) % BLOCK)))


def unflat(vector: np.ndarray, like: Tensors) -> Tensors:
    """The tensors of a vector that `flat` made.

    Example:
        >>> like = {"a": np.ones((2, 2)), "b": np.zeros(3)}
        >>> unflat(np.asarray(flat(like, like)), like)["b"].shape
        (3,)
    """
    tensors, start = {}, 0
    for name, x in like.items():
        tensors[name] = vector[start : start + x.size].reshape(x.shape)
        start += x.size
    return tensors
