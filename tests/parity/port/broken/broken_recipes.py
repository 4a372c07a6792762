"""Ports whose loss, schedule, batches or initial weights are wrong."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import torch
from broken_parts import (
    batched,
    cosine,
    distributions,
    divided_by_all,
    flax_initial,
    halved,
    initial,
    kl,
    kl_by_batch,
    of_cosine,
    photographs,
    reordered,
    scheduled,
    sgd,
    short_last,
    some_ignored,
    weighted,
    weighted_by_number,
    with_losses,
    zero_biased,
)
from broken_port import Broken
from port_parts import (
    cross_entropy,
    mlp,
    squared_error,
    targets,
    vectors,
)

RECIPES = (
    Broken(
        "label smoothing left out",
        lambda: with_losses(
            torch.nn.CrossEntropyLoss(label_smoothing=0.1), cross_entropy
        ),
        0,
        "loss",
        "label smoothing",
    ),
    Broken(
        "weighted losses over their number",
        lambda: with_losses(weighted, weighted_by_number),
        0,
        "loss",
        "mean of weighted losses",
    ),
    Broken(
        "ignored labels counted",
        lambda: with_losses(
            torch.nn.CrossEntropyLoss(), divided_by_all, some_ignored()
        ),
        0,
        "loss",
        "ignored labels",
    ),
    Broken(
        "softmax before cross entropy",
        lambda: with_losses(
            torch.nn.CrossEntropyLoss(),
            lambda y, t: cross_entropy(jax.nn.softmax(y), t),
        ),
        0,
        "loss",
        "softmax before cross entropy",
    ),
    Broken(
        "half a square",
        lambda: with_losses(
            torch.nn.MSELoss(), lambda y, t: optax.l2_loss(y, t).mean(), targets()
        ),
        0,
        "loss",
        "mean or sum of the loss",
    ),
    Broken(
        "sum for mean",
        lambda: with_losses(
            torch.nn.MSELoss(), lambda y, t: jnp.square(y - t).sum(), targets()
        ),
        0,
        "loss",
        "mean or sum of the loss",
    ),
    Broken(
        "KL divergence by batch",
        lambda: with_losses(kl, kl_by_batch, distributions()),
        0,
        "loss",
        "reduction of KL divergence",
    ),
    Broken(
        "Huber for smooth L1",
        lambda: with_losses(
            torch.nn.SmoothL1Loss(beta=0.5),
            lambda y, t: optax.huber_loss(y, t, delta=0.5).mean(),
            targets(),
        ),
        0,
        "loss",
        "smooth L1 or Huber",
    ),
    Broken(
        "penalty left out",
        lambda: mlp(
            sgd,
            optax.sgd(0.1),
            batches=targets(),
            torch_options={
                "loss": torch.nn.MSELoss(),
                "penalty": lambda m: 1e-3 * sum((p**2).sum() for p in m.parameters()),
            },
            jax_options={"loss": squared_error},
        ),
        0,
        "loss",
        "penalty in the loss",
    ),
    Broken(
        "schedule one step ahead",
        lambda: scheduled(halved, lambda k: 0.1 * 0.5 ** (k + 1)),
        0,
        "lr",
        "schedule off by one",
    ),
    Broken(
        "schedule ticks each step",
        lambda: scheduled(halved, lambda k: 0.1 * 0.5**k, tick=3),
        1,
        "lr",
        "per epoch or per step",
    ),
    Broken(
        "cosine over one step less",
        lambda: scheduled(cosine(8), of_cosine(7)),
        1,
        "lr",
        "argument of the schedule",
    ),
    Broken(
        "least rate as a ratio",
        lambda: scheduled(cosine(8, 0.01), of_cosine(8, 0.01)),
        1,
        "lr",
        "argument of the schedule",
    ),
    Broken(
        "warm-up from zero",
        lambda: scheduled(
            lambda o: torch.optim.lr_scheduler.LinearLR(o, 1 / 3, total_iters=4),
            lambda k: 0.1 * min(k, 4) / 4,
        ),
        0,
        "lr",
        "argument of the schedule",
    ),
    Broken(
        "schedule left out, unseen",
        lambda: mlp(sgd, optax.sgd(0.1), scheduler=halved),
        1,
        "update",
        "no schedule",
    ),
    Broken(
        "labels from one",
        lambda: batched(vectors(), [(x, t + 1) for x, t in vectors()]),
        0,
        "batch",
        "labels shifted",
        "target",
    ),
    Broken(
        "schedule in float32",
        lambda: scheduled(cosine(8), lambda k: np.float32(of_cosine(8)(k))),
        0,
        "lr",
        "float32 schedule",
    ),
    Broken(
        "Optax's one-cycle",
        lambda: scheduled(
            lambda o: torch.optim.lr_scheduler.OneCycleLR(
                o, 0.1, total_steps=8, cycle_momentum=False
            ),
            lambda k: float(optax.cosine_onecycle_schedule(8, 0.1)(k)),
        ),
        1,
        "lr",
        "Optax's schedule",
    ),
    Broken(
        "last batch dropped",
        lambda: batched(short_last(), short_last()[:-1]),
        3,
        "batch",
        "last batch dropped",
    ),
    Broken(
        "batches shuffled",
        lambda: batched(vectors(), reordered()),
        0,
        "batch",
        "shuffled",
        "input",
    ),
    Broken(
        "pixels not divided by 255",
        lambda: photographs(lambda x, t: ((x - 0.3) / 0.2, t)),
        0,
        "batch",
        "normalisation",
        "input",
    ),
    Broken(
        "pixels not normalised",
        lambda: photographs(lambda x, t: (x / 255.0, t)),
        0,
        "batch",
        "normalisation",
        "input",
    ),
    Broken(
        "Flax's initial weights",
        lambda: initial(flax_initial()),
        0,
        "weights",
        "initialisation scheme",
    ),
    Broken(
        "biases from zero",
        lambda: initial(zero_biased()),
        0,
        "weights",
        "zero biases",
        "0.bias",
    ),
)
