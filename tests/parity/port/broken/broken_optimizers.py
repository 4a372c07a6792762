"""Ports whose optimiser is wrong."""

from typing import Any

import jax
import jax.numpy as jnp
import optax
import torch
from broken_port import Broken
from port_parts import cross_entropy, flax_mlp, mlp, torch_mlp, vectors

from jaxtrain import optim
from parity.port import Case, JaxSide, TorchSide


def adam(**options: Any) -> Any:
    return lambda ps: torch.optim.Adam(ps, **{"lr": 1e-2, **options})


def sgd(**options: Any) -> Any:
    return lambda ps: torch.optim.SGD(ps, **{"lr": 0.1, **options})


def rmsprop(**options: Any) -> Any:
    return lambda ps: torch.optim.RMSprop(ps, **{"lr": 1e-2, **options})


def clip(limit: float) -> dict[str, Any]:
    return {"clip": lambda ps: torch.nn.utils.clip_grad_norm_(ps, limit)}


def _halved(count: Any) -> Any:
    return 0.1 * 0.5 ** count.astype(float)


def _step_lr(optimizer: Any) -> Any:
    return torch.optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.5)


def _adam_of(direction: Any) -> optax.GradientTransformation:
    """Adam by hand, with one part of it replaced."""

    def init(params: Any) -> Any:
        zeros = jax.tree.map(jnp.zeros_like, params)
        return jnp.zeros([], jnp.int32), zeros, zeros

    def update(grads: Any, state: Any, params: Any = None) -> Any:
        t, m, v = state[0] + 1, state[1], state[2]
        m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, grads)
        v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, grads)
        step = jax.tree.map(lambda m, v: -1e-2 * direction(m, v, t), m, v)
        return step, (t, m, v)

    return optax.GradientTransformation(init, update)


def _uncorrected(m: Any, v: Any, t: Any) -> Any:
    return m / (jnp.sqrt(v) + 1e-8)


def _eps_hat(m: Any, v: Any, t: Any) -> Any:
    rate = jnp.sqrt(1 - 0.999**t) / (1 - 0.9**t)
    return rate * m / (jnp.sqrt(v) + 1e-8)


def _float32_correction(m: Any, v: Any, t: Any) -> Any:
    one, t = jnp.float32(1), t.astype(jnp.float32)
    c1, c2 = (one - jnp.float32(b) ** t for b in (0.9, 0.999))
    return (m / c1) / (jnp.sqrt(v / c2) + 1e-8)


def _average(mu: float, rate: float) -> optax.GradientTransformation:
    """Momentum whose buffer is an average of the gradients, from zero."""
    return optax.chain(optax.ema(mu, debias=False), optax.scale(-rate))


def _clip_each(limit: float) -> optax.GradientTransformation:
    """Every tensor by its own norm."""

    def one(g: Any) -> Any:
        return g * jnp.minimum(1.0, limit / jnp.linalg.norm(g.ravel()))

    return optax.stateless(lambda grads, params: jax.tree.map(one, grads))


def _everything_decays() -> Case:
    model = torch_mlp()
    groups = [
        {"params": [p for p in model.parameters() if p.ndim > 1]},
        {"params": [p for p in model.parameters() if p.ndim == 1], "weight_decay": 0.0},
    ]
    adamw = torch.optim.AdamW(groups, lr=1e-2, weight_decay=0.1)
    return Case(
        TorchSide(model, torch.nn.CrossEntropyLoss(), adamw),
        JaxSide(flax_mlp(), cross_entropy, optax.adamw(1e-2, weight_decay=0.1)),
        vectors(),
    )


def _frozen(optimizer: Any) -> Case:
    model = torch_mlp()
    model[0].requires_grad_(False)
    return mlp(adam(), optimizer, model=model)


OPTIMIZERS = (
    Broken(
        "RMSprop's eps inside the root",
        lambda: mlp(rmsprop(), optax.rmsprop(1e-2, decay=0.99, eps=1e-8)),
        0,
        "update",
        "eps inside the root",
    ),
    Broken(
        "RMSprop with Optax's defaults of decay",
        lambda: mlp(rmsprop(), optax.rmsprop(1e-2, 0.9, eps_in_sqrt=False)),
        0,
        "update",
        "decay of the squares",
    ),
    Broken(
        "RMSprop's rate before the momentum",
        lambda: mlp(
            rmsprop(lr=0.1, momentum=0.9),
            optax.rmsprop(_halved, 0.99, momentum=0.9, eps_in_sqrt=False),
            scheduler=_step_lr,
        ),
        1,
        "update",
        "learning rate before momentum",
    ),
    Broken(
        "Adam's eps 1e-7 for 1e-8",
        lambda: mlp(adam(), optax.adam(1e-2, eps=1e-7)),
        0,
        "update",
        "eps of the optimiser",
    ),
    Broken(
        "Adam's second beta 0.99",
        lambda: mlp(adam(), optax.adam(1e-2, b2=0.99)),
        1,
        "update",
        "betas",
    ),
    Broken(
        "AMSGrad of corrected squares",
        # The gradients shrink, so that the maximum is of the past.
        lambda: mlp(adam(amsgrad=True), optax.amsgrad(1e-2), batches=vectors()[::-1]),
        1,
        "update",
        "AMSGrad's maximum",
    ),
    Broken(
        "Adam without its penalty",
        lambda: mlp(adam(weight_decay=0.1), optax.adam(1e-2)),
        0,
        "update",
        "weight decay",
    ),
    Broken(
        "AdamW for Adam with a penalty",
        lambda: mlp(adam(weight_decay=0.1), optax.adamw(1e-2, weight_decay=0.1)),
        0,
        "update",
        "coupled or decoupled decay",
    ),
    Broken(
        "AdamW with Optax's default decay",
        lambda: mlp(lambda ps: torch.optim.AdamW(ps, lr=1e-2), optax.adamw(1e-2)),
        0,
        "update",
        "weight decay",
    ),
    Broken(
        "decay of biases that have none",
        _everything_decays,
        0,
        "update",
        "decay of every parameter",
    ),
    Broken(
        "frozen layer trained",
        lambda: _frozen(optax.adam(1e-2)),
        0,
        "update",
        "frozen parameters move",
        "0.weight",
    ),
    Broken(
        "Adam without bias correction",
        lambda: mlp(adam(), _adam_of(_uncorrected)),
        0,
        "update",
        "no bias correction",
    ),
    Broken(
        "Adam's eps before the bias correction",
        lambda: mlp(adam(), _adam_of(_eps_hat)),
        0,
        "update",
        "eps before the bias correction",
    ),
    Broken(
        "Adam's bias correction in float32",
        lambda: mlp(adam(), _adam_of(_float32_correction)),
        0,
        "update",
        "bias correction in float32",
    ),
    Broken(
        "NAdam without the schedule of momentum",
        lambda: mlp(lambda ps: torch.optim.NAdam(ps, lr=1e-2), optax.nadam(1e-2)),
        0,
        "update",
        "Nesterov momentum",
    ),
    Broken(
        "RAdam's eps after the correction",
        lambda: mlp(
            lambda ps: torch.optim.RAdam(ps, lr=1e-2, eps=1e-3),
            optax.radam(1e-2, eps=1e-3),
            batches=vectors() * 2,
        ),
        5,
        "update",
        "eps after the bias correction",
    ),
    Broken(
        "Adagrad's accumulator from 0.1",
        lambda: mlp(lambda ps: torch.optim.Adagrad(ps, lr=0.1), optax.adagrad(0.1)),
        0,
        "update",
        "accumulator's start",
    ),
    Broken(
        "Rprop one step late",
        lambda: mlp(lambda ps: torch.optim.Rprop(ps, lr=0.01), optax.rprop(0.01)),
        0,
        "update",
        "Rprop lags one step",
    ),
    Broken(
        "momentum buffer from zero, dampened",
        lambda: mlp(sgd(momentum=0.9, dampening=0.9), _average(0.9, 0.1)),
        0,
        "update",
        "momentum buffer's start",
    ),
    Broken(
        "momentum as an average",
        lambda: mlp(sgd(momentum=0.9), _average(0.9, 0.1)),
        0,
        "update",
        "momentum as an average",
    ),
    Broken(
        "dampening left out",
        lambda: mlp(sgd(momentum=0.9, dampening=0.5), optax.sgd(0.1, momentum=0.9)),
        1,
        "update",
        "dampening",
    ),
    Broken(
        "Nesterov left out",
        lambda: mlp(sgd(momentum=0.9, nesterov=True), optax.sgd(0.1, momentum=0.9)),
        0,
        "update",
        "Nesterov momentum",
    ),
    Broken(
        "SGD's rate before the momentum",
        lambda: mlp(
            sgd(momentum=0.9),
            optax.chain(optax.scale_by_learning_rate(_halved), optax.trace(0.9)),
            scheduler=_step_lr,
        ),
        1,
        "update",
        "learning rate before momentum",
    ),
    Broken(
        "SGD's decay outside the momentum",
        lambda: mlp(
            sgd(momentum=0.9, weight_decay=0.1),
            optax.chain(
                optax.trace(0.9), optax.add_decayed_weights(0.1), optax.scale(-0.1)
            ),
        ),
        1,
        "update",
        "coupled or decoupled decay",
    ),
    Broken(
        "ascent for descent",
        lambda: mlp(sgd(), optax.sgd(-0.1)),
        0,
        "update",
        "maximize",
    ),
    Broken(
        "a dead optimiser",
        lambda: mlp(sgd(), optax.sgd(0.0)),
        0,
        "update",
        "learning rate",
    ),
    Broken(
        "averaged gradients for summed ones",
        lambda: mlp(
            sgd(),
            optax.MultiSteps(optax.sgd(0.1), 2),
            torch_options={"accumulate": 2},
        ),
        1,
        "update",
        "mean or sum of accumulated gradients",
    ),
    Broken(
        "clipping without eps",
        lambda: mlp(
            sgd(),
            optax.chain(optax.clip_by_global_norm(0.5), optax.sgd(0.1)),
            torch_options=clip(0.5),
        ),
        0,
        "update",
        "eps of clipping",
    ),
    Broken(
        "clipping left out",
        lambda: mlp(adam(), optim.adam(1e-2), torch_options=clip(1.0)),
        3,
        "update",
        "no clipping",
    ),
    Broken(
        "clipped at another norm",
        lambda: mlp(
            sgd(),
            optax.sgd(0.1),
            torch_options=clip(0.5),
            jax_options={"clip": optim.clip_grad_norm(0.37)},
        ),
        0,
        "clipped",
        "limit of clipping",
    ),
    Broken(
        "every tensor clipped by itself",
        lambda: mlp(
            sgd(),
            optax.sgd(0.1),
            torch_options=clip(0.5),
            jax_options={"clip": _clip_each(0.5)},
        ),
        0,
        "clipped",
        "clipping of each tensor",
    ),
    Broken(
        "values clipped for the norm",
        lambda: mlp(
            sgd(),
            optax.sgd(0.1),
            torch_options=clip(0.1),
            jax_options={"clip": optax.clip(0.1)},
        ),
        0,
        "clipped",
        "clipping by value",
    ),
)
