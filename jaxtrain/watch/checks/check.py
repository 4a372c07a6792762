"""All checks, of a configuration or of any arrays and model."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from jaxtrain.data import Dataset
from jaxtrain.rng import Generator
from jaxtrain.run.config import Config
from jaxtrain.run.rates import Rates, configured_rates
from jaxtrain.run.recipe import build_loss, build_model, build_optimizer, build_penalty
from jaxtrain.training import Numerics, to_tensor
from jaxtrain.watch.checks.data import (
    balance,
    check_inputs,
    overlap,
    present,
    same_shares,
    valid,
)
from jaxtrain.watch.checks.finding import Finding, by_name, recorder
from jaxtrain.watch.checks.label_fit import measure, test_labels_fit, train_labels_fit
from jaxtrain.watch.checks.learning_rate import BATCHES, rate_works
from jaxtrain.watch.checks.model import (
    BATCH,
    bounds,
    first_loss,
    gradients_reach,
    learn_one_batch,
    units_alive,
)
from jaxtrain.watch.checks.setup import Sample, Setup, draw


def configured(config: Config, dataset: Dataset) -> Setup:
    """What a configuration names, built as `training.run` builds it.

    Left out are augmentation, averages of the weights, and accumulation, which would
    make several batches one step.

    Raises:
        ConfigError: something that was asked for does not exist or does not fit.

    Example:
        >>> from jaxtrain.data.synthetic import synthetic
        >>> configured(Config(), synthetic(train=40, test=10)).batch_size
        40
    """
    numerics = Numerics(config.loop.dtype, config.loop.device)
    with numerics.active():
        model = build_model(config, Generator(config.loop.seed))
    rates = configured_rates(config)
    each_batch = replace(config, flow=replace(config.flow, accumulate=1))
    return Setup(
        model,
        build_optimizer(each_batch, rates.initial()),
        build_loss(config, dataset, numerics),
        to_tensor(config.loop.dtype, config.data.normalization),
        numerics,
        build_penalty(config),
        lr=_greatest_rate(config, rates, len(dataset.train)),
        batch_size=min(config.data.batch_size, len(dataset.train)),
    )


def _greatest_rate(config: Config, rates: Rates, length: int) -> float | None:
    """The greatest rate of the run: a warm-up's first is small on purpose."""
    if config.optimizer.name == "lbfgs":
        return None  # its line search and step length follow rules of their own
    epochs = config.loop.epochs
    if config.scheduler.name is None or config.scheduler.watches or not epochs:
        return config.optimizer.lr
    steps = epochs * -(-length // config.data.batch_size)
    return max(rates.forecast(epochs, steps).lrs)


def check(config: Config, dataset: Dataset) -> list[Finding]:
    """Look at a run's data and network before it is trained; nothing is changed.

    The network, its loss and its optimiser are those of the configuration, as
    `configured` builds them.

    Raises:
        ConfigError: something that was asked for does not exist or does not fit.
    """
    setup = configured(config, dataset)
    train, test = dataset.train, dataset.test
    findings = check_data(
        train.images,
        train.labels,
        dataset.classes,
        test=(test.images, test.labels),
        prepare=setup.prepared,
    )
    mask = train.labels < len(dataset.classes)
    return findings + check_model(setup, train.images[mask], train.labels[mask])


def check_data(
    inputs: ArrayLike,
    labels: ArrayLike,
    classes: Sequence[str],
    test: tuple[ArrayLike, ArrayLike] | None = None,
    prepare: Callable[[Any], Any] = lambda inputs: inputs,
) -> list[Finding]:
    """Look at labelled data alone.

    Args:
        inputs: (n, …) training inputs, such as images, of any real type.
        labels: (n,) class numbers.
        classes: their names.
        test: inputs and labels that are not trained on.
        prepare: what becomes of a batch of inputs before the network sees it.

    Raises:
        ValueError: there is no input, or not one label for each.

    Example:
        >>> inputs, labels = np.eye(20)[:, None], np.arange(20) % 2
        >>> findings = check_data(inputs, labels, ["even", "odd"])
        >>> [finding.name for finding in findings if finding.skipped]
        ['labels fit images']
        >>> all(finding.passed for finding in findings)
        True
    """
    train = _pair("training", inputs, labels)
    findings = list(check_inputs(train[0], prepare))
    test_data = None if test is None else _pair("test", *test)
    parts = {"training data": train} | ({"test data": test_data} if test_data else {})
    validity = [valid(part[1], classes) for part in parts.values()]
    findings += validity[:1] if all(f.passed for f in validity) else validity
    if not all(finding.passed for finding in validity):
        return findings
    for name, (_, numbers) in parts.items():
        findings += [present(numbers, classes, name), balance(numbers, classes, name)]
    fit = measure(train, test_data, len(classes))
    findings.append(train_labels_fit(fit))
    if test_data is not None:
        findings.append(overlap(train[0], test_data[0]))
        findings.append(same_shares(train[1], test_data[1], len(classes)))
        findings.append(test_labels_fit(fit))
    return findings


def _pair(
    part: str, inputs: ArrayLike, labels: ArrayLike
) -> tuple[np.ndarray, np.ndarray]:
    pair = np.asarray(inputs), np.asarray(labels)
    if pair[1].ndim != 1 or not len(pair[1]) or len(pair[0]) != len(pair[1]):
        raise ValueError(
            f"{part} inputs of shape {pair[0].shape} and labels of shape "
            f"{pair[1].shape}: there must be one label for each input, and some"
        )
    return pair


def check_model(setup: Setup, inputs: ArrayLike, targets: ArrayLike) -> list[Finding]:
    """Look at a network with its loss and optimiser; all of it works on copies.

    Inputs that are not finite are left out: `check_data` names them.

    Args:
        setup: what is trained, and how.
        inputs: (n, …) training inputs.
        targets: (n, …) what the loss takes with the network's outputs.

    Example:
        >>> from jaxtrain import losses, models, optim
        >>> from jaxtrain.rng import Generator
        >>> sizes = {"in_features": 20, "hidden": (16,), "out_features": 2}
        >>> model = models.MLP(**sizes, generator=Generator(0))
        >>> setup = Setup(model, optim.sgd(lr=100.0), losses.cross_entropy, lr=100.0)
        >>> inputs, targets = np.eye(20, dtype=np.float32), np.arange(20) % 2
        >>> [f.name for f in check_model(setup, inputs, targets) if not f.passed]
        ['learning rate']
    """
    sample = draw(inputs, targets, max(BATCH, BATCHES * setup.batch_size))
    rows = sample.batches(4, BATCH)
    losses, sizes = _look(setup, sample, rows)
    limits = bounds(setup, sample, rows)
    return [
        first_loss(losses.mean(), limits.guess.mean()),
        gradients_reach(sizes),
        units_alive(sizes),
        learn_one_batch(setup, sample, limits.guess[0], limits.best[0]),
        rate_works(setup, sample),
    ]


def _look(
    setup: Setup, sample: Sample, rows: np.ndarray
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Losses and |gradients| of batches, with the initial weights."""
    trainer = setup.trainer(recorder())
    losses = trainer.train(sample.placed(trainer), setup.chunk(rows))
    state: Any = trainer.state.opt_state
    return np.asarray(losses).astype(np.float64), by_name(setup.model, state.size)
