"""The learning-rate range test: one short run with a rate that grows step by step.

Smith, Cyclical Learning Rates for Training Neural Networks (2015),
https://arxiv.org/abs/1506.01186, section 3.3. `python -m jaxtrain.lr_range` is its
command.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from jaxtrain.data import Dataset
from jaxtrain.errors import ConfigError
from jaxtrain.rng import Generator
from jaxtrain.run.by_name import GREATEST_NUMBER
from jaxtrain.run.config import Config
from jaxtrain.watch.checks import Setup, configured

BETA = 0.9
"""Share of the average that each step keeps: it looks back some ten steps."""


def smooth(losses: Sequence[float] | np.ndarray, beta: float = BETA) -> np.ndarray:
    """Exponential moving average, corrected for its start at zero.

    a_i = βa_(i-1) + (1 - β) l_i, smoothed_i = a_i / (1 - β^(i+1)), in float64

    Args:
        losses: (steps,).
        beta: β, at least 0 and less than 1.

    Raises:
        ValueError: `beta` lies outside that.

    Example:
        >>> smooth([3.0, 1.0], beta=0.5).tolist()
        [3.0, 1.6666666666666667]
    """
    if not 0 <= beta < 1:
        raise ValueError(f"beta must be at least 0 and less than 1, but got {beta}")
    average, curve = 0.0, []
    for step, loss in enumerate(losses, 1):
        average = beta * average + (1 - beta) * float(loss)
        curve.append(average / (1 - beta**step))
    return np.array(curve)


def steepest(lrs: np.ndarray, curve: np.ndarray) -> float | None:
    """The rate at which a smoothed loss falls fastest, per factor of the rate.

    argmin of d curve / d log(lr), by central differences, up to the least loss: what
    comes down again after a rise is no rate to train at.

    Args:
        lrs: (steps,) growing rates.
        curve: (steps,) losses.

    Returns:
        The rate, or None where the loss never falls.

    Example:
        >>> lrs = np.array([0.001, 0.01, 0.1, 1.0, 10.0])
        >>> steepest(lrs, np.array([2.3, 2.2, 1.2, 0.9, 5.0]))
        0.1
    """
    end = int(np.argmin(curve)) + 1 if len(curve) else 0
    if end < 2:
        return None
    slopes = np.gradient(curve[:end], np.log(lrs[:end]))
    at = int(np.argmin(slopes))
    return float(lrs[at]) if math.isfinite(slopes[at]) and slopes[at] < 0 else None


CHUNK = 20
"""Steps between two looks at the loss."""
BLOW_UP = 4.0
"""Times its least value at which the smoothed loss ends the test."""
LEAST_STEPS, MOST_STEPS = 10, 100_000


@dataclass(frozen=True, eq=False)
class RangeTest:
    """What a range test gave, step by step; a step that blows up is left out.

    Attributes:
        lrs: (steps,) rate of each step, growing by a constant factor.
        losses: (steps,) loss of each batch, before its update.
        smoothed: (steps,) their moving average, as `smooth` makes it.
        suggestion: the rate of the steepest fall, or None where the loss never falls.
        ended: whether the loss had blown up before the last rate.
    """

    lrs: np.ndarray
    losses: np.ndarray
    smoothed: np.ndarray
    suggestion: float | None
    ended: bool


def range_test(
    config: Config,
    dataset: Dataset,
    least: float = 1e-7,
    greatest: float = 10.0,
    steps: int = 200,
) -> RangeTest:
    """Train a configured network for a few steps with a rate that grows.

    The configuration's own rate and scheduler play no part; its seed draws the initial
    weights and the order of the images. Nothing is kept of the network.

    Args:
        config: the run.
        dataset: of which only training images are used.
        least: the first rate.
        greatest: the last rate.
        steps: how many there are, if the loss does not blow up before.

    Raises:
        ConfigError: rates or steps are not possible, or something that was asked for
            does not exist or does not fit.
    """
    setup = configured(config, dataset)
    train = dataset.train
    return range_test_model(
        setup, train.images, train.labels, least, greatest, steps, config.loop.seed
    )


def range_test_model(
    setup: Setup,
    inputs: ArrayLike,
    targets: ArrayLike,
    least: float = 1e-7,
    greatest: float = 10.0,
    steps: int = 200,
    seed: int = 0,
) -> RangeTest:
    """The range test of any NNX model.

    Args:
        setup: what is trained, and how; its `lr` plays no part.
        inputs: (n, …) training inputs.
        targets: (n, …) what the loss takes with the network's outputs.
        least: the first rate.
        greatest: the last rate.
        steps: how many there are, if the loss does not blow up before.
        seed: of the order of the inputs.

    Raises:
        ConfigError: rates or steps are not possible.

    Example:
        >>> from jaxtrain import losses, models, optim
        >>> model = models.MLP(in_features=20, hidden=(), out_features=2)
        >>> setup = Setup(model, optim.sgd(lr=1.0), losses.cross_entropy)
        >>> inputs, targets = np.eye(20, dtype=np.float32), np.arange(20) % 2
        >>> test = range_test_model(setup, inputs, targets, 0.01, 10.0, steps=40)
        >>> 0.01 < test.suggestion <= 10.0
        True
    """
    lrs = rates(least, greatest, steps)
    losses: list[float] = []
    trainer = setup.trainer(setup.optimizer, penalised=True)
    data = trainer.place(np.asarray(inputs), np.asarray(targets))
    rows = _rows(len(data.targets), setup.batch_size, -(-steps // CHUNK) * CHUNK, seed)
    # The last chunk is filled up, so that one function is compiled and not two.
    padded = np.append(lrs, np.full(len(rows) - steps, lrs[-1]))
    for start in range(0, steps, CHUNK):
        part = slice(start, start + CHUNK)
        chunk = setup.chunk(rows[part], padded[part], seed=start)
        losses += np.asarray(trainer.train(data, chunk)).astype(float).tolist()
        if (end := _end(losses[:steps])) is not None:
            return _result(lrs, losses[:end], early_end=True)
    return _result(lrs, losses[:steps], early_end=False)


def rates(least: float, greatest: float, steps: int) -> np.ndarray:
    """Rates that grow by a constant factor.

    lr_i = least · (greatest / least)^(i / (steps - 1))

    Raises:
        ConfigError: they are not possible.

    Example:
        >>> rates(0.001, 10.0, 10)[[0, -1]].tolist()
        [0.001, 10.0]
        >>> rates(1.0, 0.1, 10)
        Traceback (most recent call last):
            ...
        jaxtrain.errors.ConfigError: rates must grow from above 0 to at most 1e+38, \
but got 1.0 to 0.1
    """
    if not 0 < least < greatest <= GREATEST_NUMBER:
        raise ConfigError(
            f"rates must grow from above 0 to at most {GREATEST_NUMBER:g}, but got "
            f"{least} to {greatest}"
        )
    if not LEAST_STEPS <= steps <= MOST_STEPS:
        raise ConfigError(
            f"steps must be from {LEAST_STEPS} to {MOST_STEPS}, but got {steps}"
        )
    return np.geomspace(least, greatest, steps)


def _rows(length: int, batch: int, steps: int, seed: int) -> np.ndarray:
    """Row numbers (steps, batch), in a new order whenever they are used up."""
    generator = Generator(seed)
    rounds = -(-steps * batch // length)
    order = np.concatenate([generator.randperm(length) for _ in range(rounds)])
    return order[: steps * batch].reshape(steps, batch)


def _end(losses: list[float]) -> int | None:
    """How many steps there are before the one that blows up, if one does."""
    curve = smooth(losses)
    best = math.inf
    for step, value in enumerate(curve):
        best = min(best, value)
        if not math.isfinite(value) or value > BLOW_UP * best:
            return step
    return None


def _result(lrs: np.ndarray, losses: list[float], early_end: bool) -> RangeTest:
    rates_until_end, values = lrs[: len(losses)], np.array(losses)
    curve = smooth(values)
    return RangeTest(
        rates_until_end, values, curve, steepest(rates_until_end, curve), early_end
    )
