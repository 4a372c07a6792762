"""The JAX backend: a configured run as events."""

from collections.abc import Iterator, Sequence
from importlib.metadata import version
from typing import NamedTuple

import jax
import numpy as np

from jaxtrain.data import Dataset
from jaxtrain.data.order import batches, epoch_order
from jaxtrain.rng import Generator
from jaxtrain.run.checkpoints import Checkpoints, ConfigIdentity
from jaxtrain.run.config import Config
from jaxtrain.run.fault import keep
from jaxtrain.run.inspection import Watch
from jaxtrain.run.place import Place, Point, batch_count
from jaxtrain.run.rates import Values, configured_rates
from jaxtrain.run.recipe import build_trainer, drawer
from jaxtrain.run.session import Session, device_in_words, ends_update, floats
from jaxtrain.run.stopping import Stop, never, select_images
from jaxtrain.store.events import (
    Evaluation,
    Event,
    Sampled,
    Started,
    Steps,
    Tested,
    mean,
)
from jaxtrain.training.fault import Fault
from jaxtrain.training.masks import mask_maker
from jaxtrain.training.probe import Readings
from jaxtrain.training.step import Chunk, Placed, TrainState


def run(config: Config, dataset: Dataset, stop: Stop = never) -> Iterator[Event]:
    """Train as configured, in JAX.

    Args:
        config: the run.
        dataset: what it trains on.
        stop: asked between two chunks. When it gives a reason, the run says what the
            device has done, saves it with `--out`, and ends.

    Raises:
        ConfigError: something that was asked for does not exist or does not fit.
        TrainingFault: a number is not finite.
    """
    dataset = select_images(config, dataset)
    this = Run(config, dataset)
    identity = ConfigIdentity(config, dataset)
    with Checkpoints.open(config.records, identity) as checkpoints:
        yield from this.events(stop, checkpoints)


class _Pending(NamedTuple):
    """A chunk that the device works on."""

    place: Place
    """Before it."""
    start: TrainState | None
    """Before it; None where nobody will ask."""
    chunk: Chunk
    values: Values
    losses: jax.Array
    finite: jax.Array | None
    readings: Readings | None


class Run(Session[np.ndarray, _Pending]):
    """One configured run."""

    def __init__(self, config: Config, dataset: Dataset):
        super().__init__()
        self.config, self.dataset = config, dataset
        self.generator = Generator(config.loop.seed)
        self.rates = configured_rates(config)
        self.trainer, model = build_trainer(
            config, dataset, self.generator, self.rates.initial()
        )
        self.numerics = self.trainer.numerics
        inputs = jax.ShapeDtypeStruct(
            (1, *dataset.train.images.shape[1:]), jax.numpy.dtype(config.loop.dtype)
        )
        source = config.model.dropout_masks if config.model.dropout else None
        self.masks = mask_maker(source, model, inputs, self.generator, config.loop.seed)
        self.train_data, self.test_data = (
            self.trainer.place(split.images, split.labels)
            for split in (dataset.train, dataset.test)
        )
        validation = dataset.validation
        self.monitor_data = (
            self.test_data
            if validation is None
            else self.trainer.place(validation.images, validation.labels)
        )
        self.watch = Watch(config.records.monitor, self.trainer, self.train_data)
        self.draw = drawer(config, dataset)
        self.batches = batch_count(len(dataset.train), config)
        self.updates = -(-self.batches // config.flow.accumulate)
        """Of an epoch."""
        self.rates.forecast(config.loop.epochs, config.loop.epochs * self.updates)
        now = self.generator.get_state()
        self.place = Place(1, 0, 0, 0.0, now, now, self.rates.state())

    def start_event(self) -> Started:
        device = self.trainer.numerics.find_device()
        return Started(
            backend="jax",
            device=device_in_words(device),
            model=self.config.model.title(784, 10),
            parameters=sum(p.size for p in jax.tree.leaves(self.trainer.state.params)),
            versions={
                name: version(name) for name in ("jax", "flax", "optax", "numpy")
            },
        )

    def go_to(self, point: Point) -> None:
        """Have the run go on from a point."""
        self.trainer.state, self.place, losses, self.past = point
        self.losses = list(losses)
        self.generator.set_state(self.place.generator)
        updates = -(-self.place.batch // self.config.flow.accumulate)
        if self.place.batch < self.batches:
            updates = self.place.batch // self.config.flow.accumulate
        before = self.place.epoch - 1
        self.rates.load(self.place.rates, before, before * self.updates + updates)

    def recent(self, losses: Sequence[float]) -> Steps | None:
        """The epoch's steps that are done, given their losses."""
        if not losses:
            return None
        before = self.place.epoch - 1
        ends = ends_update(self.config.flow.accumulate, self.batches, 0, len(losses))
        lrs, momenta = self.rates.take_again(before * self.updates, ends.tolist())
        return Steps(self.place.epoch, 0, losses, lrs, momenta)

    def point(self) -> Point:
        """The point at which the run is; the device has nothing more to do."""
        return Point(self.trainer.state, self.place, tuple(self.losses), self.past)

    def goes_on(self) -> bool:
        return self.place.epoch <= self.config.loop.epochs

    def is_epoch_over(self) -> bool:
        return self.place.batch == self.batches

    def new_order(self) -> np.ndarray:
        return self.generator.get_state()

    def last_events(self) -> Iterator[Event]:
        has_validation = self.dataset.validation is not None
        if self.config.records.out is not None or has_validation:
            yield self.last_test()

    def pieces(self) -> Iterator[np.ndarray]:
        """The row numbers of the epoch's batches that are not done."""
        self.generator.set_state(self.place.order)
        size, settings = len(self.train_data.targets), self.config.data
        order = epoch_order(self.generator, size, settings.shuffle)
        if self.place.batch:
            self.generator.set_state(self.place.generator)
        count, size = self.place.batch, settings.batch_size
        rest = order[count * size : self.batches * size]
        yield from batches(rest, size, self.watch.chunk)

    def dispatch(self, rows: np.ndarray) -> _Pending:
        """A chunk, handed to the device; the run's place is after it."""
        place = self.place
        start = self.trainer.copy_state() if self.watch.on else None
        ends = self._ends_update(place, len(rows))
        values = self.rates.take(ends.tolist())
        chunk = self.chunk(rows, values, place)
        losses, finite = self.trainer.train(self.train_data, chunk), self.watch.finite()
        # The first losses are not kept back while the look inside is compiled.
        readings = self.watch.probe(place, start, chunk) if self.has_report else None
        self.move(
            batch=place.batch + len(rows),
            steps=place.steps + len(rows),
            seconds=self.seconds(),
        )
        return _Pending(place, start, chunk, values, losses, finite, readings)

    def chunk(self, rows: np.ndarray, values: Values, place: Place) -> Chunk:
        numerics = self.trainer.numerics
        hyperparameters = dict(self.rates.arrays(values, numerics.scalar))
        if self.config.flow.accumulate > 1:
            hyperparameters["last"] = self._ends_update(place, len(rows))
        with numerics.active():
            masks = self.masks(place.steps, rows.shape)
        return Chunk(rows, hyperparameters, masks, self.draw(place.steps, rows.shape))

    def _ends_update(self, place: Place, count: int) -> np.ndarray:
        accumulate = self.config.flow.accumulate
        return ends_update(accumulate, self.batches, place.batch, count)

    def read(self, pending: _Pending) -> tuple[Steps, Fault | None]:
        """A chunk's steps, up to the first with a number that is not finite."""
        losses = floats(pending.losses)
        fault = None
        if not self.watch.is_finite(losses, pending.finite):
            assert pending.start is not None
            fault = self.watch.locate(pending.start, pending.chunk)
            losses = losses[: fault.step + 1]
        self.losses += losses
        lrs, momenta = (values[: len(losses)] for values in pending.values)
        place = pending.place
        return Steps(place.epoch, place.batch, losses, lrs, momenta), fault

    def look(self, pending: _Pending, fault: Fault | None) -> Sampled | None:
        """What a chunk whose steps were told looks like from inside.

        Raises:
            TrainingFault: it has a number that is not finite.
        """
        place, start, chunk = pending[:3]
        if fault is not None:
            raise keep(self.config, self.dataset, fault, place, chunk)
        # Asked for with the chunk, and otherwise now: it would wait for the next chunk.
        readings = pending.readings or self.watch.probe(place, start, chunk)
        return None if readings is None else self.watch.sample(place, readings)

    def test(self) -> Evaluation:
        """Test after an epoch, as a loader without shuffling would."""
        flow = self.config.flow
        if flow.swa is not None and self.place.epoch >= flow.swa:
            self.trainer.take_average()
        return self.evaluate(self.monitor_data)

    def evaluate(self, data: Placed, images: int | None = None) -> Evaluation:
        """Test so many first images; by default as many as batches are asked for."""
        # A loader's iterator draws its base seed.
        order = epoch_order(self.generator, len(data.targets), shuffle=False)
        size = self.config.data.batch_size
        if images is None:
            images = batch_count(len(order), self.config) * size
        order = order[:images]
        use_average = self.has_average()
        results = [
            self.trainer.evaluate(data, rows, use_average)
            for rows in batches(order, size, len(order))
        ]
        losses = [value for result in results for value in floats(result[0])]
        correct = sum(int(np.asarray(result[1]).sum()) for result in results)
        return Evaluation(100 * correct / len(order), mean(losses))

    def has_average(self) -> bool:
        """Whether there is an average of the weights to test with."""
        average = self.trainer.state.average
        return average is not None and int(average.n_averaged) > 0

    def last_test(self) -> Tested:
        """The trained network's answers to the test images."""
        count = len(self.test_data.targets)
        result = self.evaluate(self.test_data, count)
        parts = np.array_split(np.arange(count), -(-count // 1000))
        use_average = self.has_average()
        outputs = [self.trainer.outputs(self.test_data, p, use_average) for p in parts]
        answers = np.concatenate([np.asarray(x).astype(np.float64) for x in outputs])
        return Tested(result.accuracy, result.avg_loss, answers)
