from collections.abc import Iterator
from importlib.metadata import version

import jax
import numpy as np

from jaxtrain.config import Config
from jaxtrain.data import Dataset
from jaxtrain.data.order import batches, epoch_order
from jaxtrain.history import Evaluation, Event, Started, Steps, epoch_events, mean
from jaxtrain.rng import Generator
from jaxtrain.training._build import (
    build_loss,
    build_model,
    build_optimizer,
    build_penalty,
)
from jaxtrain.training._masks import mask_maker
from jaxtrain.training._numerics import Numerics
from jaxtrain.training._rates import Rates, Values
from jaxtrain.training._to_tensor import to_tensor
from jaxtrain.training._trainer import Chunk, Trainer

CHUNK = 100
"""Steps in one call: enough to hide the call, few enough to print as they come."""


def run(config: Config, dataset: Dataset) -> Iterator[Event]:
    """Train as configured, in JAX.

    Raises:
        ConfigError: something that was asked for does not exist or does not fit.
    """
    this = _Run(config, dataset)
    yield this.started()
    for epoch in range(1, config.loop.epochs + 1):
        yield from epoch_events(epoch, this.train(epoch), this.test)


class _Run:
    """One configured run: the trainer, and the generator that stands for PyTorch's."""

    def __init__(self, config: Config, dataset: Dataset):
        self.config = config
        self.generator = Generator(config.loop.seed)
        numerics = Numerics(config.loop.dtype, config.loop.device)
        with numerics.active():
            model = build_model(config, self.generator)
        self.rates = Rates(config)
        self.trainer = Trainer(
            model,
            build_optimizer(config, self.rates.initial()),
            build_loss(config, dataset, numerics),
            to_tensor(config.loop.dtype, config.data.normalization),
            numerics,
            build_penalty(config),
        )
        inputs = (1, *dataset.train.images.shape[1:])
        self.masks = mask_maker(config, model, inputs, self.generator)
        self.train_data, self.test_data = (
            self.trainer.place(split.images, split.labels)
            for split in (dataset.train, dataset.test)
        )
        self.steps_taken = 0
        batches_in_epoch = -(-len(dataset.train) // config.data.batch_size)
        epochs = config.loop.epochs
        self.rates.check(epochs, epochs * batches_in_epoch)

    def started(self) -> Started:
        device = self.trainer.numerics.find_device()
        kind = device.device_kind
        return Started(
            backend="jax",
            device=device.platform + (f" ({kind})" if kind != device.platform else ""),
            model=self.config.model.title(784, 10),
            parameters=sum(p.size for p in jax.tree.leaves(self.trainer.state.params)),
            versions={
                name: version(name) for name in ("jax", "flax", "optax", "numpy")
            },
        )

    def train(self, epoch: int) -> Iterator[Steps]:
        order = epoch_order(
            self.generator, len(self.train_data.targets), self.config.data.shuffle
        )
        first, waiting = 0, None
        for rows in batches(order, self.config.data.batch_size, CHUNK):
            values = self.rates.at(epoch, self.steps_taken, len(rows))
            result = self.trainer.train(self.train_data, self.chunk(rows, values))
            # The device works on this chunk while the one before it is read.
            if waiting is not None:
                yield _steps(*waiting)
            waiting = epoch, first, values, result
            first += len(rows)
            self.steps_taken += len(rows)
        if waiting is not None:
            yield _steps(*waiting)

    def chunk(self, rows: np.ndarray, values: Values) -> Chunk:
        numerics = self.trainer.numerics
        with numerics.active():
            masks = self.masks(self.steps_taken, rows.shape)
        return Chunk(rows, self.rates.arrays(values, numerics.scalar), masks)

    def test(self) -> Evaluation:
        size = len(self.test_data.targets)
        order = epoch_order(self.generator, size, shuffle=False)
        results = [
            self.trainer.evaluate(self.test_data, rows)
            for rows in batches(order, self.config.data.batch_size, size)
        ]
        losses = [value for result in results for value in _floats(result[0])]
        correct = sum(int(np.asarray(result[1]).sum()) for result in results)
        self.rates.tested(mean(losses))
        return Evaluation(100 * correct / size, mean(losses))


def _floats(values: jax.Array) -> list[float]:
    return np.asarray(values).astype(np.float64).tolist()


def _steps(epoch: int, first: int, values: Values, losses: jax.Array) -> Steps:
    return Steps(epoch, first, _floats(losses), *values)
