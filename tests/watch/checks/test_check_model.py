"""Faults planted in networks and configurations: each is named, and nothing else is."""

import math
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from findings_read import wrong
from flax import nnx

from jaxtrain import losses, nn, optim
from jaxtrain.commands import options
from jaxtrain.data import Dataset, Split
from jaxtrain.models import MLP
from jaxtrain.rng import Generator
from jaxtrain.run.config import Config
from jaxtrain.run.loop import run
from jaxtrain.store.events import Steps
from jaxtrain.watch.checks import Finding, Setup, check, check_model, configured, show
from jaxtrain.watch.checks.finding import by_name, recorder
from jaxtrain.watch.checks.learning_rate import rate_works, watch_ratio
from jaxtrain.watch.checks.model import bounds, gradients_reach, units_alive
from jaxtrain.watch.checks.setup import draw

NAMES = {
    "first loss",
    "gradients reach every layer",
    "units are alive",
    "one batch can be learned",
    "learning rate",
}


def config(line: str) -> Config:
    return options.parse(line.split(), "a test", "")


def prepared(images: Any) -> jax.Array:
    return jnp.asarray(images, jnp.float32)[:, None] / 255


def setup(model: nnx.Module, loss: Any = losses.cross_entropy) -> Setup:
    return Setup(model, optim.adam(lr=1e-3), loss, prepared, lr=1e-3)


def mlp(*hidden: int) -> MLP:
    return MLP(hidden=hidden, generator=Generator(0))


def with_dead_units() -> nnx.Module:
    model = mlp(32, 32)
    bias = model.linear_relu_stack[0].bias
    bias[...] = jnp.full_like(bias[...], -100)
    return model


def with_large_weights() -> nnx.Module:
    model = mlp(32)
    nnx.update(model, jax.tree.map(lambda p: 20 * p, nnx.state(model, nnx.Param)))
    return model


def deep_sigmoids() -> nnx.Module:
    generator, layers = Generator(0), []
    for inputs, outputs in [(784, 32), *[(32, 32)] * 8]:
        layers += [nn.Linear(inputs, outputs, generator=generator), nn.Sigmoid()]
    return nn.Sequential(nn.Flatten(), *layers, nn.Linear(32, 10, generator=generator))


def of_the_wrong_outputs(outputs: jax.Array, labels: jax.Array) -> jax.Array:
    return losses.cross_entropy(jnp.zeros_like(outputs), labels)


PLANTED: dict[str, tuple[Callable[[], Setup], set[str], str]] = {
    "dead units": (
        lambda: setup(with_dead_units()),
        {"gradients reach every layer", "units are alive", "one batch can be learned"},
        "all that enters linear_relu_stack.2 is zero: every unit before it is dead",
    ),
    "large weights": (
        lambda: setup(with_large_weights()),
        {"first loss"},
        "the network is sure of what it cannot know",
    ),
    "vanishing gradients": (
        lambda: setup(deep_sigmoids()),
        {"gradients reach every layer", "one batch can be learned"},
        "they vanish or explode on the way",
    ),
    "a loss without the outputs": (
        lambda: setup(mlp(32), of_the_wrong_outputs),
        {"gradients reach every layer", "units are alive", "one batch can be learned"},
        "none in linear_relu_stack.0, .*; are they part of what the loss depends on",
    ),
}


@pytest.mark.parametrize("fault", PLANTED)
def test_a_planted_fault_is_named_and_nothing_else(
    fault: str, garments: Dataset
) -> None:
    plant, names, text = PLANTED[fault]
    images, labels = garments.train.images, garments.train.labels
    findings = check_model(plant(), images, labels)
    assert {finding.name for finding in findings} == NAMES
    found = wrong(findings)
    assert set(found) == names
    assert any(re.search(text, line) for line in found.values())


def test_pixels_that_are_not_scaled(garments: Dataset) -> None:
    """The configuration's own way to have them: (x / 255 - 0) / (1 / 255)."""
    line = "--hidden 32 --normalize 0 0.00392156862745098"
    found = wrong(check(config(line), garments))
    assert set(found) == {"inputs are scaled", "first loss"}
    assert "the network sees 0 to 255" in found["inputs are scaled"]


def test_a_label_that_is_no_class_is_not_the_network_s_fault(tiny: Dataset) -> None:
    labels = tiny.train.labels.copy()
    labels[7] = 12
    spoiled = replace(tiny, train=Split(tiny.train.images, labels))
    found = wrong(check(config("--hidden 64 --lr 0.1"), spoiled))
    assert set(found) == {"labels are classes"}
    assert "the first is 12 at number 7" in found["labels are classes"]


def test_one_input_that_is_not_finite_is_not_the_network_s_fault(
    garments: Dataset,
) -> None:
    images = garments.train.images[:1000].astype(np.float32)
    images[::3] = np.nan
    assert (
        wrong(check_model(setup(mlp(32)), images, garments.train.labels[:1000])) == {}
    )


RATES = [
    ("", 1e-3, 1e3, "too large"),
    ("", 1e-3, 1e-3, "too small"),
    ("--optimizer adam", 1e-3, 1e3, "too large"),
    ("--optimizer adam", 1e-3, 1e-3, "too small"),
]
MORE_RATES = [
    ("", 0.1, 1e3, "too large"),
    ("", 0.1, 1e-3, "too small"),
    ("--optimizer-args momentum=0.9", 1e-2, 1e3, "too large"),
    ("--optimizer-args momentum=0.9", 1e-2, 1e-3, "too small"),
]


@pytest.mark.parametrize(
    ("line", "lr", "factor", "verdict"),
    [*RATES, *(pytest.param(*x, marks=pytest.mark.long) for x in MORE_RATES)],
)
def test_a_rate_that_is_a_thousand_times_off(
    line: str, lr: float, factor: float, verdict: str, garments: Dataset
) -> None:
    finding = rate(config(f"{line} --lr {lr * factor}"), garments)
    assert not finding.passed
    assert f": {verdict}; " in finding.text


SILENT = [("", 1e-3), ("--optimizer-args momentum=0.9", 1e-2)]
MORE_SILENT = [
    ("", 0.1),
    ("--optimizer-args momentum=0.9", 1e-3),
    ("--optimizer adam", 1e-3),
    ("--optimizer adam", 1e-4),
]


@pytest.mark.parametrize(
    ("line", "lr"),
    [*SILENT, *(pytest.param(*x, marks=pytest.mark.long) for x in MORE_SILENT)],
)
def test_a_rate_that_works(line: str, lr: float, garments: Dataset) -> None:
    assert rate(config(f"{line} --lr {lr}"), garments).passed


def rate(chosen: Config, dataset: Dataset) -> Any:
    sample = draw(dataset.train.images, dataset.train.labels, 8 * 64)
    return rate_works(configured(chosen, dataset), sample)


def test_a_rate_of_zero(garments: Dataset) -> None:
    assert rate(config("--lr 0"), garments).text == "0: nothing will be learned"


def test_what_has_no_rate_to_try_is_skipped(garments: Dataset) -> None:
    assert rate(config("--optimizer lbfgs --lr 1"), garments).skipped
    images, labels = garments.train.images[:64], garments.train.labels[:64]
    fixed = Setup(mlp(8), optax.sgd(1e-6), losses.cross_entropy, prepared, lr=1e-6)
    finding = rate_works(fixed, draw(images, labels, 64))
    assert finding.skipped
    assert "does not take one" in finding.text


def test_a_warm_up_is_judged_by_its_greatest_rate(garments: Dataset) -> None:
    line = "--scheduler one_cycle_lr --scheduler-args max_lr=0.1 total_steps=800"
    chosen = configured(config(f"{line} --scheduler-every step"), garments)
    # Over whole steps, the peak falls between two of them.
    assert chosen.lr == pytest.approx(0.1, rel=1e-3)
    every = "--lr 0.5 --scheduler linear_lr --scheduler-args start_factor=0.001"
    assert configured(config(every), garments).lr == 0.5


HEALTHY = [
    "--hidden 64 --lr 1e-3",
    "--hidden 64 --optimizer adam --dropout 0.5 --loss-args label_smoothing=0.1",
]
MORE_HEALTHY = [
    "--hidden 64 --optimizer muon --lr 2e-2 --loss multi_margin_loss --batch-size 16",
    "--lr 0.1 --batch-size 512 --seed 3",
    "--lr 1e-2 --optimizer-args momentum=0.9 --normalize",
    "--optimizer adamw --lr 1e-3 --batch-size 16 --seed 4",
    "--optimizer rmsprop --lr 1e-3 --batch-size 512",
    "--optimizer adagrad --lr 1e-2 --seed 5",
    "--optimizer adam --loss mse_loss",
    "--optimizer adam --loss l1_loss --seed 6",
    "--optimizer adam --loss binary_cross_entropy_with_logits",
    "--optimizer nadam --lr 2e-3 --hidden 128 64 --l2 1e-4",
    "--optimizer adam --hidden",
    "--optimizer adam --dtype bfloat16",
    "--optimizer adam --dtype float64",
    "--optimizer adam --model cnn",
    "--lr 1e-3 --model cnn",
    "--optimizer adam --model resnet_small",
    "--optimizer adam --model transformer",
]


@pytest.mark.parametrize(
    "line", HEALTHY + [pytest.param(x, marks=pytest.mark.long) for x in MORE_HEALTHY]
)
def test_a_healthy_configuration_raises_no_alarm(line: str, garments: Dataset) -> None:
    findings = check(config(line), garments)
    assert wrong(findings) == {}
    assert not any(finding.skipped for finding in findings)
    assert {finding.name for finding in findings} >= NAMES


def test_the_run_that_follows_is_the_same(tiny: Dataset) -> None:
    chosen = config("--hidden 16 --epochs 1 --lr 0.1 --dropout 0.2")
    before = trained(chosen, tiny)
    model = mlp(16)
    weights = nn.state_dict(model)
    assert check_model(setup(model), tiny.train.images, tiny.train.labels)
    assert trained(chosen, tiny) == before
    for name, value in nn.state_dict(model).items():
        np.testing.assert_array_equal(value, weights[name])


def trained(chosen: Config, dataset: Dataset) -> list[float]:
    steps = (event for event in run(chosen, dataset) if isinstance(event, Steps))
    return [loss for event in steps for loss in event.losses]


def test_lines_to_print() -> None:
    findings = [
        Finding("first loss", False, "43.1, a guess gives 2.3"),
        Finding("gradients", True, "in all 3 layers"),
        Finding("learning rate", True, "there is none", skipped=True),
    ]
    assert list(show(findings)) == [
        "FAULT    first loss: 43.1, a guess gives 2.3",
        "ok       gradients: in all 3 layers",
        "skipped  learning rate: there is none",
        "3 checks: wrong: first loss",
    ]


def limits(loss: Any, classes: int = 10) -> tuple[float, float]:
    """Of the losses of one batch, in which every class is there."""
    labels = np.arange(40) % classes
    sample = draw(np.zeros((40, 28, 28), np.uint8), labels, 40)
    found = bounds(setup(mlp(), loss), sample, sample.batches(1, 40))
    return float(found.guess[0]), float(found.best[0])


def test_the_bounds_of_cross_entropy_are_its_formulas() -> None:
    guess, best = limits(losses.cross_entropy)
    # float32 in 40 logarithms and their mean.
    assert guess == pytest.approx(math.log(10), rel=1e-6)
    # There is no least value, only a limit of 0: a ten-thousandth of the way is left.
    assert 0 <= best < 1e-4 * guess


def test_label_smoothing_leaves_its_entropy() -> None:
    def smoothed(outputs: jax.Array, labels: jax.Array) -> jax.Array:
        return losses.cross_entropy(outputs, labels, label_smoothing=0.1)

    guess, best = limits(smoothed)
    right, other = 0.9 + 0.01, 0.01
    entropy = -right * math.log(right) - 9 * other * math.log(other)
    assert guess == pytest.approx(math.log(10), rel=1e-6)
    # Adam ends close to the minimum, where the loss is flat.
    assert best == pytest.approx(entropy, rel=1e-4)
    # The broken twin: without smoothing there is no such rest.
    assert limits(losses.cross_entropy)[1] < 0.1 * entropy


def test_recorded_gradients_are_those_of_jax() -> None:
    model = mlp(4)
    grads = jax.tree.map(lambda p: p - 0.01, nnx.state(model, nnx.Param))
    tx = recorder()
    params = nnx.state(model, nnx.Param)
    state = tx.init(params)
    for factor in (1.0, -2.0):
        given = jax.tree.map(lambda g, k=factor: k * g, grads)
        updates, state = tx.update(given, state, params)
        assert not any(np.asarray(x).any() for x in jax.tree.leaves(updates))
    named = by_name(model, state.size)
    assert list(named) == list(nn.state_dict(model))
    for name, value in by_name(model, grads).items():
        # One product and one sum, each rounded to float32.
        np.testing.assert_allclose(named[name], 3 * abs(value), rtol=2**-22)


def test_a_watched_optimiser_moves_as_before() -> None:
    plain, tx = optim.adam(lr=0.1), watch_ratio(optim.adam(lr=0.1))
    params = {"a": jnp.array([1.0, -2.0]), "b": jnp.array([0.5])}
    one, other = plain.init(params), tx.init(params)
    ratio = 0.0
    for k in (1.0, -3.0):
        grads = jax.tree.map(lambda p, k=k: k * p, params)
        updates, one = plain.update(grads, one, params)
        watching, other = tx.update(grads, other, params)
        assert jax.tree.all(
            jax.tree.map(lambda x, y: bool((x == y).all()), updates, watching)
        )
        flat, weights = (
            np.concatenate(list(map(np.ravel, t.values()))) for t in (updates, params)
        )
        ratio += np.linalg.norm(flat) / np.linalg.norm(weights)
    # Two norms and their quotient, rounded to float32.
    assert float(other.ratio) == pytest.approx(ratio, rel=1e-6)


LAYERS = {
    "a.weight": np.full((3, 2), 1e-3),
    "a.bias": np.array([1e-3, 1e-3, 0.0]),
    "b.weight": np.full((2, 3), 1e-1),
    "b.bias": np.full(2, 1e-1),
}


@pytest.mark.parametrize(
    ("changed", "reaches", "alive"),
    [
        ({}, True, True),
        ({"a.bias": np.zeros(3)}, True, False),
        ({"a.weight": np.zeros((3, 2)), "a.bias": np.zeros(3)}, False, False),
        ({"a.weight": np.full((3, 2), np.nan)}, False, True),
        ({"b.weight": np.full((2, 3), 1e3)}, False, True),
        ({"a.bias": np.array([1e-3, 0.0, 0.0])}, True, False),
    ],
)
def test_gradients_are_judged_layer_by_layer(
    changed: dict[str, np.ndarray], reaches: bool, alive: bool
) -> None:
    sizes = LAYERS | changed
    assert gradients_reach(sizes).passed == reaches
    assert units_alive(sizes).passed == alive
