"""Checks of the network: outputs, first loss, gradients, one batch learned."""

import math
from collections.abc import Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

from jaxtrain import optim
from jaxtrain.watch.checks.finding import Finding
from jaxtrain.watch.checks.setup import Sample, Setup

STEPS, RATE = 300, 0.5
"""Of Adam on outputs: of cross-entropy, a hundred-thousandth of the way is left."""


class Bounds(NamedTuple):
    """Losses of batches, (batches,) each."""

    guess: np.ndarray
    """Of outputs that are all zero: ln K for cross-entropy of K classes."""
    best: np.ndarray
    """Of the best outputs that there are."""


def bounds(setup: Setup, sample: Sample, rows: np.ndarray) -> Bounds:
    """The losses of knowing nothing, and of knowing all, for rows (batches, batch).

    Found by moving the outputs themselves, so that label smoothing, class weights and
    margins need no formula of their own.
    """
    outputs = _outputs(setup, sample.inputs[rows[0]])

    def descend(targets: jax.Array) -> tuple[jax.Array, jax.Array]:
        tx = optax.adam(RATE)
        differentiate = jax.value_and_grad(lambda x: setup.loss(x, targets))

        def step(
            carry: tuple[jax.Array, optax.OptState], _: None
        ) -> tuple[tuple[jax.Array, optax.OptState], jax.Array]:
            at, state = carry
            value, grads = differentiate(at)
            updates, state = tx.update(grads, state)
            return (at + updates, state), value

        zeros = jnp.zeros(outputs.shape, outputs.dtype)
        _, losses = jax.lax.scan(step, (zeros, tx.init(zeros)), length=STEPS)
        return losses[0], jnp.nanmin(losses)

    with setup.numerics.active():
        guess, best = jax.jit(jax.vmap(descend))(jnp.asarray(sample.targets[rows]))
    return Bounds(*(np.asarray(x).astype(np.float64) for x in (guess, best)))


def _outputs(setup: Setup, inputs: np.ndarray) -> jax.ShapeDtypeStruct:
    """Shape and type of what the network gives for a batch."""

    def forward(state: nnx.State, inputs: jax.Array) -> jax.Array:
        return nnx.merge(graph, state)(setup.prepare(inputs))

    with setup.numerics.active():
        model = nnx.clone(setup.model)
        model.eval()
        graph, state = nnx.split(model)
        return jax.eval_shape(forward, state, jnp.asarray(inputs))


GREATEST_RATIO, LEAST_RATIO = 2.0, 0.5
"""Of the first loss to that of guessing. PyTorch's default initial weights give 0.99 to
1.01, and 1.4 with the absolute error; pixels from 0 to 255 give 6 to 8."""


def first_loss(first: float, guess: float) -> Finding:
    """Whether the loss before training is near that of outputs that are all zero.

    Args:
        first: mean over some batches, with the initial weights.
        guess: that of outputs of zero, ln K for cross-entropy of K classes.

    Example:
        >>> first_loss(2.31, 2.3026).text
        '2.3100 before training; a guess, all outputs zero, gives 2.3026'
        >>> first_loss(43.0, 2.3026).passed
        False
    """
    name = "first loss"
    what = f"{first:.4f} before training; a guess, all outputs zero, gives {guess:.4f}"
    if not math.isfinite(first):
        return Finding(name, False, f"{what}: the network or the loss overflows")
    if first > GREATEST_RATIO * guess:
        return Finding(
            name,
            False,
            f"{what}: the network is sure of what it cannot know; are inputs scaled, "
            "are initial weights too large, does the loss fit what the network gives?",
        )
    if first < LEAST_RATIO * guess:
        return Finding(
            name,
            False,
            f"{what}: the network knows the answers already; do inputs hold them?",
        )
    return Finding(name, True, what)


GREATEST_SPREAD = 1e4
"""Of mean |gradient| between layers."""
GREATEST_DEAD = 0.5
"""Share of a layer's units that no input makes active."""


def gradients_reach(sizes: Mapping[str, np.ndarray]) -> Finding:
    """Whether every layer has gradients, finite and of a like size.

    A layer is judged by its largest parameter: a bias in front of a normalisation has
    no gradient, and that is right.

    Args:
        sizes: parameter's name -> |gradient|, value by value, in the model's order.
    """
    name = "gradients reach every layer"
    bad = [key for key, size in sizes.items() if not np.isfinite(size).all()]
    if bad:
        return Finding(name, False, f"not finite in {_list(bad)}")
    layers = _layers(sizes)
    dead = [layer for layer, size in layers.items() if size == 0]
    if dead:
        return Finding(name, False, f"none in {_list(dead)}{_cause(sizes)}")
    least, most = (
        min(layers, key=layers.__getitem__),
        max(layers, key=layers.__getitem__),
    )
    spread = layers[most] / layers[least]
    what = (
        f"mean |gradient| from {layers[least]:.1e} ({least}) to {layers[most]:.1e} "
        f"({most})"
    )
    if spread <= GREATEST_SPREAD:
        return Finding(name, True, what)
    return Finding(
        name,
        False,
        f"{what}, {spread:.0e} times as much: they vanish or explode on the way; use "
        "other initial weights, a normalisation, shortcuts, or fewer layers",
    )


def units_alive(sizes: Mapping[str, np.ndarray]) -> Finding:
    """Whether most units of every layer are active for some input.

    A unit with no gradient in its bias is one that no input of the sample makes active,
    as a ReLU whose input is negative for all of them.
    """
    name = "units are alive"
    shares = {
        key.rpartition(".")[0]: float((size == 0).mean())
        for key, size in sizes.items()
        if key.rpartition(".")[2] == "bias" and size.ndim == 1
    }
    if not shares:
        return Finding(name, True, "no layer has a bias to tell by", skipped=True)
    worst = max(shares, key=shares.__getitem__)
    what = f"at most {shares[worst]:.0%} of a layer's units without gradient"
    if shares[worst] <= GREATEST_DEAD:
        return Finding(name, True, what)
    dead = [f"{layer} ({x:.0%})" for layer, x in shares.items() if x > GREATEST_DEAD]
    return Finding(
        name,
        False,
        f"units without gradient: {_list(dead)}; no input makes them active, as "
        "where biases are far below zero or inputs far too large: use other initial "
        "weights",
    )


def _layers(sizes: Mapping[str, np.ndarray]) -> dict[str, float]:
    layers: dict[str, float] = {}
    for key, size in sizes.items():
        layer = key.rpartition(".")[0] or key
        layers[layer] = max(layers.get(layer, 0.0), float(size.mean()))
    return layers


def _cause(sizes: Mapping[str, np.ndarray]) -> str:
    """Where the signal ends, if a layer gives itself away.

    A weight's gradient is that of the layer's output times the layer's input: where the
    bias has one and the weight has none, the input is zero.
    """
    for key, size in sizes.items():
        layer, _, kind = key.rpartition(".")
        bias = sizes.get(f"{layer}.bias")
        if kind == "weight" and bias is not None and bias.any() and not size.any():
            return (
                f"; all that enters {layer} is zero: every unit before it is dead, as "
                "where biases are far below zero, or dropped; use other initial weights"
            )
    return "; are they part of what the loss depends on?"


def _list(names: list[str]) -> str:
    text = ", ".join(names[:4])
    return text if len(names) <= 4 else f"{text} and {len(names) - 4} more"


STEPS = 150
RATES = (1e-3, 1e-2)
"""Of Adam; the second only where the first was not enough."""
BATCH = 64
GREATEST_REST = 0.3
"""Share that may be left of the way from a guess to the best possible loss: 0 to 0.07
is, and 0.23 with the absolute error, whose gradient does not shrink."""


def learn_one_batch(setup: Setup, sample: Sample, guess: float, best: float) -> Finding:
    """Whether a copy of the network can learn one batch by heart, with Adam.

    Args:
        setup: what is trained.
        sample: the batch is its first `BATCH` rows.
        guess: loss of that batch where all outputs are zero.
        best: the least that any outputs give.
    """
    name = "one batch can be learned"
    rows = sample.batches(1, BATCH)
    enough = best + GREATEST_REST * (guess - best)
    last = guess
    for lr in RATES:
        if last > enough:
            last = min(last, _learn(setup, sample, rows, lr, enough))
    what = (
        f"Adam takes {rows.size} inputs from {guess:.4f}, a guess, to {last:.4f} in "
        f"{STEPS} steps; the best possible is {best:.4f}"
    )
    if last <= enough and guess > best:
        return Finding(name, True, what)
    return Finding(
        name,
        False,
        f"{what}: a network that cannot learn one batch by heart has a fault; see to "
        "the other findings first, then to dropout, the loss and the last layer",
    )


def _learn(
    setup: Setup, sample: Sample, rows: np.ndarray, lr: float, enough: float
) -> float:
    trainer = setup.trainer(optim.adam(lr=lr))
    data = sample.placed(trainer)
    losses = trainer.train(data, setup.chunk(np.repeat(rows, STEPS, axis=0), lr))
    last = float(losses[-1])
    if last <= enough:
        return last
    # Dropout holds back what is trained; without it the network may know the batch.
    return float(np.fmin(last, trainer.evaluate(data, rows)[0][0]))
