from dataclasses import replace

from jaxtrain.checks._setup import Setup
from jaxtrain.config import Config
from jaxtrain.data import Dataset
from jaxtrain.rng import Generator
from jaxtrain.training import Numerics, to_tensor
from jaxtrain.training._build import (
    build_loss,
    build_model,
    build_optimizer,
    build_penalty,
)
from jaxtrain.training._rates import FORESEEN, Rates


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
    rates = Rates(config)
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
    if config.scheduler.every == "epoch":
        foreseen = range(1, min(epochs, FORESEEN) + 1)
        return max(rates.at(epoch, 0, 1).lrs[0] for epoch in foreseen)
    steps = epochs * -(-length // config.data.batch_size)
    return max(rates.at(1, 0, min(steps, FORESEEN)).lrs)
