"""The range test: its smoothing, its rates, when it ends, and what it suggests."""

from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

from jaxtrain import optim
from jaxtrain.commands import options
from jaxtrain.data import Dataset
from jaxtrain.errors import ConfigError
from jaxtrain.run.config import Config
from jaxtrain.run.loop import run
from jaxtrain.store.events import Epoch
from jaxtrain.watch.checks import Setup
from jaxtrain.watch.lr_range import (
    BLOW_UP,
    CHUNK,
    range_test,
    range_test_model,
    rates,
    smooth,
    steepest,
)


def config(line: str) -> Config:
    return options.parse(line.split(), "a test", "")


def by_definition(values: np.ndarray, beta: float) -> np.ndarray:
    """The weighted mean with weights β^age, written out."""
    ages = np.arange(len(values))[:, None] - np.arange(len(values))
    weights = np.where(ages >= 0, beta ** np.maximum(ages, 0), 0.0)
    return (weights @ values) / weights.sum(axis=1)


@pytest.mark.parametrize("beta", [0.0, 0.5, 0.9, 0.99])
def test_smoothing_is_the_weighted_mean_of_its_definition(beta: float) -> None:
    values = np.random.default_rng(0).exponential(size=300)
    # 300 sums in another order, in float64.
    np.testing.assert_allclose(
        smooth(values, beta), by_definition(values, beta), rtol=300 * 2**-53
    )


def test_smoothing_without_its_correction_would_be_seen() -> None:
    values = np.random.default_rng(0).exponential(size=300)
    average, uncorrected = 0.0, []
    for value in values:
        average = 0.9 * average + 0.1 * value
        uncorrected.append(average)
    apart = abs(np.array(uncorrected) - by_definition(values, 0.9)) / values.mean()
    assert apart[:10].min() > 0.1
    assert abs(smooth(values, 0.9) - by_definition(values, 0.89)).max() > 1e-3


@pytest.mark.parametrize("beta", [-0.1, 1.0, float("nan")])
def test_smoothing_without_a_share_is_refused(beta: float) -> None:
    with pytest.raises(ValueError, match="beta must be at least 0 and less than 1"):
        smooth([1.0], beta)


def test_steepest_is_where_the_slope_says() -> None:
    """A sigmoid over log(lr) falls fastest at its middle, and then rises."""
    lrs = np.geomspace(1e-6, 1e2, 401)
    curve = 2 - 1 / (1 + np.exp(-3 * np.log(lrs / 0.02))) + np.exp(5 * np.log(lrs / 20))
    found = steepest(lrs, curve)
    # The grid's spacing is a factor of 1.047; the rise moves the middle by less.
    assert found == pytest.approx(0.02, rel=0.05)
    # Over the rate itself, and not over its logarithm, it would lie elsewhere.
    falling = slice(0, int(curve.argmin()))
    naive = lrs[np.argmin(np.gradient(curve[falling], lrs[falling]))]
    assert naive != pytest.approx(0.02, rel=0.05)


@pytest.mark.parametrize("values", [[], [1.0], [1.0, 1.0, 1.0], [1.0, 2.0, 3.0]])
def test_where_nothing_falls_nothing_is_suggested(values: list[float]) -> None:
    assert steepest(np.geomspace(1, 2, len(values)), np.array(values)) is None


def test_what_comes_after_the_least_loss_is_not_suggested() -> None:
    lrs = np.geomspace(1e-3, 10, 5)
    assert steepest(lrs, np.array([2.0, 1.9, 1.8, 50.0, 3.0])) < 1


class Weight(nnx.Module):
    """A weight times the input."""

    def __init__(self) -> None:
        self.weight = nnx.Param(jnp.ones(1))

    def __call__(self, inputs: jax.Array) -> jax.Array:
        return self.weight[...] * inputs


def quadratic(optimizer: optax.GradientTransformation | None = None) -> Setup:
    """f(w) = w²/2, whose plain gradient descent is w (1 - lr)."""
    return Setup(
        Weight(),
        optim.sgd(lr=1.0) if optimizer is None else optimizer,
        lambda outputs, targets: 0.5 * (outputs**2).mean(),
        batch_size=4,
    )


def test_every_step_has_the_next_rate() -> None:
    lrs = np.geomspace(1e-3, 1e-1, 50)
    found = range_test_model(
        quadratic(), np.ones((9, 1), np.float32), np.zeros(9), 1e-3, 1e-1, 50
    )
    weights = np.cumprod(np.append(1.0, 1 - lrs[:-1]))
    np.testing.assert_array_equal(found.lrs, lrs)
    # A loss is twice the error of w, and each step rounds w two times.
    np.testing.assert_allclose(found.losses, weights**2 / 2, rtol=2 * 100 * 2**-24)
    np.testing.assert_array_equal(found.smoothed, smooth(found.losses))
    assert not found.ended
    # The broken twin: a rate that comes one step late.
    late = np.cumprod(np.append(1.0, 1 - np.append(0.0, lrs[:-2])))
    assert abs(late**2 / 2 / found.losses - 1).max() > 1e-3


def test_it_ends_where_the_smoothed_loss_blows_up() -> None:
    inputs, targets = np.ones((9, 1), np.float32), np.zeros(9)
    found = range_test_model(quadratic(), inputs, targets, 1e-2, 100.0, 200)
    assert found.ended
    assert len(found.lrs) == len(found.losses) == len(found.smoothed) < 200
    least = np.minimum.accumulate(found.smoothed)
    assert (found.smoothed[:-1] <= BLOW_UP * least[:-1]).all()
    following = found.losses[-1] * (1 - found.lrs[-1]) ** 2
    assert smooth([*found.losses, following])[-1] > BLOW_UP * least[-1]
    # w (1 - lr) grows from a rate of 2 on; from where it has come, that takes a while.
    assert 2 < found.lrs[-1] < 20
    assert found.suggestion is not None
    assert found.suggestion < 2


def test_it_ends_where_a_loss_is_not_finite() -> None:
    inputs = np.ones((9, 1), np.float32)

    def breaks(outputs: jax.Array, targets: jax.Array) -> jax.Array:
        return jnp.where(outputs.mean() < 0.9, jnp.nan, outputs.mean())

    broken = replace(quadratic(), loss=breaks)
    found = range_test_model(broken, inputs, np.zeros(9), 1e-3, 1.0, 50)
    assert found.ended
    assert np.isfinite(found.losses).all()


def test_one_function_is_compiled_whatever_the_steps(garments: Dataset) -> None:
    names: list[str] = []

    def listen(event: str, duration: float, **details: Any) -> None:
        if event == "/jax/core/compile/backend_compile_duration":
            names.append(str(details.get("fun_name", event)))

    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        found = range_test(config("--hidden 8"), garments, 1e-5, 1e-3, CHUNK * 2 + 3)
    finally:
        jax.monitoring.unregister_event_duration_listener(listen)
    assert len(found.losses) == CHUNK * 2 + 3
    assert sum("train" in name for name in names) == 1


def test_the_network_and_the_next_test_are_the_same(garments: Dataset) -> None:
    chosen = config("--hidden 8 --optimizer adam --dropout 0.2")
    one, other = (range_test(chosen, garments, 1e-5, 1e-2, 20) for _ in range(2))
    np.testing.assert_array_equal(one.losses, other.losses)
    seeded = config("--hidden 8 --optimizer adam --dropout 0.2 --seed 1")
    assert (range_test(seeded, garments, 1e-5, 1e-2, 20).losses != one.losses).all()


@pytest.mark.parametrize(
    ("least", "greatest", "steps", "message"),
    [
        (0.0, 1.0, 100, "from above 0 to at most 1e.38, but got 0.0 to 1.0"),
        (1.0, 1.0, 100, "but got 1.0 to 1.0"),
        (1.0, float("inf"), 100, "but got 1.0 to inf"),
        (float("nan"), 1.0, 100, "but got nan to 1.0"),
        (0.1, 1.0, 9, "steps must be from 10 to 100000, but got 9"),
    ],
)
def test_what_is_not_possible_is_refused(
    least: float, greatest: float, steps: int, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        rates(least, greatest, steps)


@pytest.mark.long
@pytest.mark.parametrize(
    "line",
    ["--optimizer sgd", "--optimizer-args momentum=0.9", "--optimizer adam"],
)
def test_the_suggestion_trains_better_than_its_tenth(
    line: str, fashion_mnist: Dataset
) -> None:
    """One epoch of the tutorial's network on all images."""
    suggested = range_test(config(line), fashion_mnist).suggestion
    assert suggested is not None

    def epoch(lr: float) -> Epoch:
        chosen = config(f"{line} --lr {lr} --epochs 1 --shuffle")
        (found,) = (e for e in run(chosen, fashion_mnist) if isinstance(e, Epoch))
        return found

    own, tenth = epoch(suggested), epoch(suggested / 10)
    print(f"{line}: {suggested:.3g}: {own}; a tenth: {tenth}")
    assert own.accuracy > 80
    assert own.avg_loss < tenth.avg_loss
