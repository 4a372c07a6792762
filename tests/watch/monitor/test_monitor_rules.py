"""Each rule by itself, on events made for it: what it names, and what it does not."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxtrain.losses._classification import CLASSIFICATION, classification
from jaxtrain.run.config import Config, LossConfig
from jaxtrain.store.events import (
    Earlier,
    Epoch,
    Event,
    Resumed,
    Sampled,
    Started,
    Steps,
    Warned,
)
from jaxtrain.watch.monitor import KINDS, watching
from jaxtrain.watch.monitor.beginning import chance_level
from jaxtrain.watch.monitor.watching import EXPLAINS, rules

LN10 = math.log(10)
STARTED = Started("jax", "cpu", "MLP", 1, {})
LAYERS = ("0", "2", "4")


def found(events: Iterable[Event], config: Config | None = None) -> list[Warned]:
    given = watching(iter(list(events)), config or Config())
    return [event for event in given if isinstance(event, Warned)]


def kinds(events: Iterable[Event], config: Config | None = None) -> list[str]:
    return [warned.kind for warned in found(events, config)]


def steps(losses: Sequence[float], first: int = 0, lr: float = 0.1) -> Steps:
    values = [float(loss) for loss in losses]
    return Steps(1, first, values, [lr] * len(values))


def sampled(
    step: int = 0,
    norms: Sequence[float] = (0.5, 0.5, 0.5),
    ratios: Sequence[float] = (1e-3, 1e-3, 1e-3),
    dead: Sequence[float] = (0.1, 0.1),
) -> Sampled:
    return Sampled(
        1,
        step,
        {f"{layer}.weight": v for layer, v in zip(LAYERS, norms, strict=True)},
        {f"{layer}.weight": v for layer, v in zip(LAYERS, ratios, strict=True)},
        dict(zip("13", dead, strict=True)),
    )


def curve(
    losses: Sequence[float], lr: float = 0.1, **of_samples: Any
) -> Iterator[Event]:
    """The events of an epoch with these losses, sampled every 100 steps."""
    yield STARTED
    for first in range(0, len(losses), 100):
        if of_samples:
            yield sampled(first, **of_samples)
        yield steps(losses[first : first + 100], first, lr)


def noisy(level: Any, count: int, deviation: float) -> np.ndarray:
    return level + deviation * np.random.default_rng(0).normal(size=count)


def falling(count: int, end: float = 0.4) -> np.ndarray:
    return end + (LN10 - end) * np.exp(-np.arange(count) / 100)


@pytest.mark.parametrize("deviation", [0.02, 0.15])
def test_a_loss_that_falls_is_left_alone(deviation: float) -> None:
    """In batches of 64 losses stray by some 0.15 around 0.4, in batches of 4 by 0.5."""
    assert kinds(curve(noisy(falling(3000), 3000, deviation), ratios=[1e-3] * 3)) == []


def test_a_loss_that_falls_as_slowly_as_the_tutorial_s_is_left_alone() -> None:
    losses = np.linspace(2.307, 2.25, 500)
    assert kinds(curve(noisy(losses, 500, 0.02), ratios=[1.4e-4] * 3)) == []


def test_stuck() -> None:
    (warned,) = found(curve(noisy(LN10, 600, 0.02), ratios=[1e-3] * 3))
    assert (warned.kind, warned.epoch, warned.step) == ("loss_stuck", 1, 499)
    assert "2.30" in warned.text.splitlines()[0]
    # Without a look inside nothing tells whether the rate is at fault.
    assert kinds(curve(noisy(LN10, 600, 0.02))) == ["loss_stuck"]
    # Too early to say.
    assert kinds(curve(noisy(LN10, 499, 0.02))) == []


def test_stuck_where_no_level_of_chance_is_known() -> None:
    config = Config(loss=LossConfig("hinge_loss"))
    assert kinds(curve([7.0] * 600), config) == ["loss_stuck"]
    assert kinds(curve(7 * falling(600) / LN10), config) == []


def test_a_rate_that_still_rises_may_be_slow() -> None:
    warming = [
        steps([LN10] * 100, first, lr=1e-6 * (first + 1))
        for first in range(0, 900, 100)
    ]
    assert kinds([STARTED, *warming]) == []
    held = [steps([LN10] * 100, first) for first in range(900, 1500, 100)]
    assert kinds([STARTED, *warming, *held]) == ["loss_stuck"]


def test_a_resumed_run_has_no_beginning() -> None:
    resumed = replace(STARTED, resumed=Resumed("folder", 900, 1))
    _, *events = curve([LN10] * 600)
    later = [replace(event, epoch=2) for event in events]
    assert kinds([resumed, *later]) == []
    # Where the earlier part is told again, it has one.
    again = [Earlier(event) for event in events[:3]]
    assert kinds([resumed, *again, *events[3:]]) == ["loss_stuck"]
    assert kinds([STARTED, *events]) == ["loss_stuck"]


def test_too_small_a_rate() -> None:
    slow = np.linspace(2.307, 2.25, 600)
    (warned,) = found(curve(slow, lr=1e-6, ratios=[3e-5] * 3))
    assert warned.kind == "lr_too_small"
    assert "3e-05" in warned.text
    assert "1e-06" in warned.text
    assert kinds(curve(slow, ratios=[1.4e-4] * 3)) == []
    # Small steps that get somewhere are small enough.
    assert kinds(curve(falling(600), ratios=[3e-5] * 3)) == []


def test_steps_that_only_accumulate_are_not_small() -> None:
    slow = np.linspace(2.307, 2.25, 600)
    assert kinds(curve(slow, ratios=[0.0] * 3)) == []


def test_too_large_a_rate() -> None:
    (warned,) = found([STARTED, sampled(ratios=[1e-3, 4.6, 1e-3])])
    assert warned.kind == "lr_too_large"
    assert "2.weight" in warned.text
    assert "4.6" in warned.text
    assert kinds([STARTED, sampled(ratios=[1e-3, 0.46, 1e-3])]) == []
    # A weight that begins at 0 has no ratio.
    assert kinds([STARTED, sampled(ratios=[1e-3, math.inf, math.nan])]) == []


def test_worse_than_knowing_nothing() -> None:
    assert kinds(curve([2.9] * 600)) == ["lr_too_large"]
    assert kinds(curve([2.6] * 600)) == ["loss_stuck"]
    # A first step may be so large that what it leaves gives one answer to all.
    spoilt = [LN10, *[2.7] * 9, *[LN10] * 600]
    assert kinds(curve(spoilt)) == ["lr_too_large"]
    assert kinds(curve([LN10, *[2.4] * 9, *falling(600)])) == []
    # What begins above it, as with large weights, may come down.
    assert kinds(curve([7.0, *[5.0] * 9, *falling(600)])) == []


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_loss_that_is_not_finite(value: float) -> None:
    losses = [2.3] * 130
    losses[117] = value
    (warned,) = found(curve(losses))
    assert (warned.kind, warned.step) == ("loss_diverging", 117)
    assert str(value) in warned.text


def test_diverging() -> None:
    back = np.concatenate([falling(600), np.linspace(0.4, 2.3, 300), [2.3] * 100])
    assert kinds(curve(back)) == ["loss_diverging"]
    # A tenth of the way back, as cyclic rates may go.
    some = np.concatenate([falling(600), np.full(300, 0.4 + 0.1 * (LN10 - 0.4))])
    assert kinds(curve(some)) == []


def test_spiking() -> None:
    losses = noisy(falling(1000), 1000, 0.15)
    losses[700:710] += 3.0
    (warned,) = found(curve(losses))
    assert (warned.kind, warned.step) == ("loss_spiking", 799)
    # One bad batch of 64 among ten, half as high as knowing nothing.
    losses = noisy(falling(1000), 1000, 0.15)
    losses[700] += 1.0
    assert kinds(curve(losses)) == []


def test_a_jump_near_zero_is_of_no_harm() -> None:
    losses = noisy(falling(2000, 0.001), 2000, 1e-4)
    losses[1700:1710] += 0.1
    assert kinds(curve(losses)) == []


def test_a_dead_layer() -> None:
    (warned,) = found([STARTED, sampled(dead=[0.1, 1.0])])
    assert warned.kind == "dead_layer"
    assert "units of 3 are 0" in warned.text
    assert kinds([STARTED, sampled(dead=[0.1, 0.98])]) == []


def test_a_dead_layer_whose_weights_are_zero() -> None:
    events = [STARTED, sampled(ratios=[math.nan] * 3, dead=[1.0, 1.0])]
    (warned,) = found(events)
    assert "weights that are all 0: 0.weight" in warned.text


def test_vanishing_gradients() -> None:
    small = [sampled(step, norms=[1e-8, 1e-3, 1.0]) for step in (0, 100, 200)]
    (warned,) = found(small)
    assert (warned.kind, warned.step) == ("vanishing_gradients", 200)
    assert "0.weight" in warned.text
    # Not in a row, and not so small.
    assert kinds([small[0], small[1], sampled(200), small[2]]) == []
    assert kinds(sampled(step, norms=[0.07, 1, 1]) for step in (0, 100, 200)) == []
    assert kinds(sampled(step, norms=[0, 0, 0]) for step in (0, 100, 200)) == [
        "vanishing_gradients"
    ]


def test_exploding_gradients() -> None:
    (warned,) = found([STARTED, sampled(norms=[540, 1, 1])])
    assert warned.kind == "exploding_gradients"
    assert "0.weight" in warned.text
    assert kinds([STARTED, sampled(norms=[12, 1, 1])]) == []


def test_exploding_where_no_level_of_chance_is_known() -> None:
    config = Config(loss=LossConfig("hinge_loss"))
    usual = [sampled(step, norms=[500, 500, 500]) for step in range(5)]
    grown = [sampled(9, norms=[5e5, 1, 1])]
    assert kinds([*usual, *grown], config) == ["exploding_gradients"]
    assert kinds([*usual, sampled(9, norms=[5e3, 1, 1])], config) == []
    assert kinds([sampled(0, norms=[math.nan, 1, 1])], config) == [
        "exploding_gradients"
    ]


def epochs(train: Sequence[float], test: Sequence[float]) -> list[Event]:
    return [
        Epoch(number, train_loss, 80.0, test_loss, 1.0, 0.1)
        for number, (train_loss, test_loss) in enumerate(
            zip(train, test, strict=True), 1
        )
    ]


def test_overfitting() -> None:
    train = [0.5, 0.4, 0.3, 0.25, 0.2]
    (warned,) = found(epochs(train, [0.5, 0.45, 0.5, 0.53, 0.6]))
    assert (warned.kind, warned.epoch) == ("overfitting", 4)
    assert "since epoch 2 the test loss rose from 0.45 to 0.53" in warned.text
    assert kinds(epochs(train, [0.5, 0.45, 0.48, 0.47, 0.48])) == []
    # Both rise: no overfitting.
    assert kinds(epochs([0.3, 0.4, 0.5, 0.6, 0.7], [0.3, 0.4, 0.5, 0.6, 0.7])) == []
    # A single bad test.
    assert kinds(epochs(train, [0.5, 0.45, 0.7, 0.45, 0.45])) == []


def test_accuracy_at_chance() -> None:
    learnt = Epoch(1, 0.5, 10.4, 3.0, 1.0, 0.1)
    assert kinds([learnt]) == ["accuracy_at_chance"]
    assert kinds([replace(learnt, accuracy=0.2)]) == ["accuracy_at_chance"]
    assert kinds([replace(learnt, accuracy=49.5)]) == []
    # Nothing is learnt: then chance is no wonder.
    assert kinds([replace(learnt, train_loss=2.3)]) == []


def test_each_kind_is_said_once_and_its_consequences_are_not() -> None:
    dead = [sampled(step, dead=[1.0, 1.0], norms=[0, 0, 1]) for step in range(9)]
    assert kinds(dead) == ["dead_layer"]
    assert kinds([*dead, *curve([LN10] * 600)]) == ["dead_layer"]


def test_every_kind_has_a_rule() -> None:
    assert [rule.kind for rule in rules(Config(), 10)] == list(KINDS)
    assert set(EXPLAINS) <= set(KINDS)
    assert {kind for kinds in EXPLAINS.values() for kind in kinds} <= set(KINDS)
    assert all(cause not in after for cause, after in EXPLAINS.items())


def test_every_event_is_passed_on_before_what_is_said_of_it() -> None:
    events = [STARTED, sampled(dead=[1.0, 0.0]), steps([math.nan])]
    given = list(watching(iter(events), Config()))
    assert [event for event in given if not isinstance(event, Warned)] == events
    assert [type(event) for event in given] == [Started, Sampled, Warned, Steps, Warned]


def test_a_run_that_is_left_ends_at_once() -> None:
    ended = []

    def run() -> Iterator[Event]:
        try:
            yield STARTED
            yield STARTED
        finally:
            ended.append(True)

    events = watching(run(), Config())
    next(events)
    events.close()  # type: ignore[attr-defined]
    assert ended == [True]


@pytest.mark.parametrize("classes", [2, 10])
def test_the_level_of_chance_is_that_of_the_best_constant_answer(classes: int) -> None:
    """Found by trying answers: the best of them is no better, and nearly as good."""
    from jaxtrain import losses

    labels = np.arange(classes).repeat(4)
    for name in sorted(CLASSIFICATION):
        level = chance_level(Config(loss=LossConfig(name)), classes)
        if level is None:
            continue
        loss = classification(name, getattr(losses, name))
        # Equal outputs for all classes: by symmetry one of them is the best.
        guess = partial(_of_equal_outputs, loss, labels, classes)
        values = jax.vmap(guess)(jnp.linspace(-4, 4, 801))
        # At a minimum a step of 0.01 in the output is less than 1e-4 in the value.
        assert level == pytest.approx(float(values.min()), abs=1e-4), name


def _of_equal_outputs(loss: Any, labels: np.ndarray, classes: int, c: jax.Array) -> Any:
    return loss(c * jnp.ones((len(labels), classes)), labels)


def test_a_loss_whose_scale_is_changed_has_no_known_level() -> None:
    for loss in (
        LossConfig(args={"reduction": "sum"}),
        LossConfig(l2=1e-3),
        LossConfig("hinge_loss"),
        LossConfig("mse_loss", {"reduction": "sum"}),
    ):
        assert chance_level(Config(loss=loss), 10) is None
    smooth = LossConfig(args={"label_smoothing": 0.1})
    assert chance_level(Config(loss=smooth), 10) == LN10
    batchmean = LossConfig("kl_div", {"reduction": "batchmean"})
    assert chance_level(Config(loss=batchmean), 10) == LN10
