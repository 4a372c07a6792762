"""The JAX backend: a configured run as events."""

import time
from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import version
from typing import Any, NamedTuple

import jax
import numpy as np

from jaxtrain.data import Dataset
from jaxtrain.data.order import batches, epoch_order
from jaxtrain.events import (
    Epoch,
    Evaluation,
    Event,
    Progress,
    Started,
    Steps,
    Tested,
    epoch_events,
    mean,
)
from jaxtrain.rng import Generator
from jaxtrain.run.checkpoints import Checkpoints
from jaxtrain.run.config import Config
from jaxtrain.run.fault import keep
from jaxtrain.run.inspection import Watch
from jaxtrain.run.place import Place, Point, ends_update, limited, update_numbers
from jaxtrain.run.rates import Rates, Values
from jaxtrain.run.recipe import build_trainer, drawer
from jaxtrain.run.stopping import EndRun, chosen_images
from jaxtrain.training.masks import mask_maker
from jaxtrain.training.probe import Probed
from jaxtrain.training.step import Chunk, Placed, TrainState


def run(config: Config, dataset: Dataset) -> Iterator[Event]:
    """Train as configured, in JAX.

    With `--out` it saves its state there, also when `flow.EndRun` or
    `KeyboardInterrupt` is thrown into it.

    Raises:
        ConfigError: something that was asked for does not exist or does not fit.
        TrainingFault: a number is not finite.
    """
    dataset = chosen_images(config, dataset)
    this = Run(config, dataset)
    with Checkpoints.opened(config, dataset) as checkpoints:
        with this.trainer.numerics.active():
            point, resumed = checkpoints.restore(this.point())
        this.go_to(point)
        try:
            yield replace(this.started(), resumed=resumed)
            yield from checkpoints.save(this.safe)
            for epoch in range(this.place.epoch, config.loop.epochs + 1):
                yield from this.epoch(epoch, checkpoints)
        except (EndRun, KeyboardInterrupt) as error:
            yield from this.rest()
            yield from checkpoints.save(this.safe)
            if isinstance(error, KeyboardInterrupt):
                raise
        yield from this.last_test()


class _Waiting(NamedTuple):
    """A chunk that the device works on."""

    place: Place
    """Before it."""
    start: TrainState | None
    """Before it; None where nobody will ask."""
    chunk: Chunk
    values: Values
    losses: jax.Array
    finite: jax.Array | None
    probed: Probed | None


class Run:
    """One configured run: the trainer, and the generator that stands for PyTorch's."""

    def __init__(self, config: Config, dataset: Dataset):
        self.config, self.dataset = config, dataset
        self.generator = Generator(config.loop.seed)
        self.rates = Rates(config)
        self.trainer, model = build_trainer(
            config, dataset, self.generator, self.rates.initial()
        )
        inputs = jax.ShapeDtypeStruct(
            (1, *dataset.train.images.shape[1:]), jax.numpy.dtype(config.loop.dtype)
        )
        source = config.model.dropout_masks if config.model.dropout else None
        self.masks = mask_maker(source, model, inputs, self.generator, config.loop.seed)
        self.train_data, self.test_data = (
            self.trainer.place(split.images, split.labels)
            for split in (dataset.train, dataset.test)
        )
        kept = dataset.validation
        self.watched_data = (
            self.test_data
            if kept is None
            else self.trainer.place(kept.images, kept.labels)
        )
        self.watch = Watch(config.records.monitor, self.trainer, self.train_data)
        self.draw = drawer(config, dataset)
        self.batches = limited(len(dataset.train), config)
        now = self.generator.get_state()
        self.shown = False
        self.unsaid: tuple[_Waiting, Point | None] | None = None
        self.place = Place(1, 0, 0, 0.0, now, now, self.rates.state())
        self.past: tuple[Epoch, ...] = ()
        self.go_to(self.point())
        updates = -(-self.batches // config.flow.accumulate)
        epochs = config.loop.epochs
        self.rates.check(epochs, epochs * updates)

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

    def go_to(self, point: Point) -> None:
        """Have the run go on from a point."""
        state, self.place, losses, self.past = point
        self.trainer.state = state
        self.safe = point._replace(state=self.trainer.copy_state())
        self.progress = Progress(list(losses), self.place.seconds)
        self.generator.set_state(self.place.generator)
        self.rates.load(self.place.rates)

    def point(self) -> Point:
        """The point at which the run is, but for the losses that are still to come."""
        return Point(self.trainer.copy_state(), self.place, past=self.past)

    def here(self, **changed: Any) -> Place:
        """The place at which the run is."""
        now, rates = self.generator.get_state(), self.rates.state()
        return self.place._replace(generator=now, rates=rates, **changed)

    def epoch(self, number: int, checkpoints: Checkpoints) -> Iterator[Event]:
        """Train and test for an epoch, and save what comes of it."""
        steps = self.train(checkpoints)
        for event in epoch_events(number, steps, self.test, self.progress):
            if isinstance(event, Epoch):
                self.end_epoch(event)
            yield event
        yield from checkpoints.save(self.safe)

    def end_epoch(self, epoch: Epoch) -> None:
        now = self.generator.get_state()
        self.place = self.here(epoch=epoch.epoch + 1, batch=0, seconds=0.0, order=now)
        self.past = (*self.past, epoch)
        self.progress = Progress()
        self.safe = self.point()

    def train(self, checkpoints: Checkpoints) -> Iterator[Event]:
        """What is left of an epoch; the device works on a chunk while one is read."""
        begun = time.perf_counter() - self.place.seconds
        waiting = None
        for rows in self.chunks():
            place, start = self.place, self.kept()
            now = self.dispatched(rows, place, start)
            self.place = self.here(
                batch=place.batch + len(rows),
                steps=place.steps + len(rows),
                seconds=time.perf_counter() - begun,
            )
            if waiting is not None:
                yield from self.reported(waiting, start, place)
                if checkpoints.due():
                    yield from checkpoints.save(self.safe)
            waiting = now
        if waiting is not None:
            yield from self.reported(waiting, self.kept(), self.place)

    def kept(self) -> TrainState | None:
        """A copy of the state, if it will be asked for."""
        wanted = self.watch.on or self.config.records.out is not None
        return self.trainer.copy_state() if wanted else None

    def chunks(self) -> Iterator[np.ndarray]:
        """The row numbers of the epoch's batches that are not done."""
        self.generator.set_state(self.place.order)
        size, chosen = len(self.train_data.targets), self.config.data
        order = epoch_order(self.generator, size, chosen.shuffle)
        if self.place.batch:
            self.generator.set_state(self.place.generator)
        done, size = self.place.batch, chosen.batch_size
        left = order[done * size : self.batches * size]
        yield from batches(left, size, self.watch.chunk)

    def dispatched(
        self, rows: np.ndarray, place: Place, start: TrainState | None
    ) -> _Waiting:
        """A chunk, handed to the device."""
        numbers = update_numbers(self.config, self.batches, place, len(rows))
        values = self.rates.at_updates(place.epoch, numbers)
        chunk = self.chunk(rows, values, place)
        losses, finite = self.trainer.train(self.train_data, chunk), self.watch.finite()
        # The first losses are not kept back while the look inside is compiled.
        probed = self.watch.probe(place, start, chunk) if self.shown else None
        return _Waiting(place, start, chunk, values, losses, finite, probed)

    def chunk(self, rows: np.ndarray, values: Values, place: Place) -> Chunk:
        numerics = self.trainer.numerics
        hyperparameters = dict(self.rates.arrays(values, numerics.scalar))
        if self.config.flow.accumulate > 1:
            hyperparameters["last"] = ends_update(
                self.config, self.batches, place, len(rows)
            )
        with numerics.active():
            masks = self.masks(place.steps, rows.shape)
        return Chunk(rows, hyperparameters, masks, self.draw(place.steps, rows.shape))

    def reported(
        self, chunk: _Waiting, state: TrainState | None, place: Place
    ) -> Iterator[Event]:
        """A chunk's steps; `state` and `place` are those after it."""
        losses = _floats(chunk.losses)
        fault = None
        if not self.watch.is_finite(losses, chunk.finite):
            assert chunk.start is not None
            fault = self.watch.locate(chunk.start, chunk.chunk)
            losses = losses[: fault.step + 1]
        self.progress.losses += losses
        lrs, momenta = (values[: len(losses)] for values in chunk.values)
        steps = Steps(chunk.place.epoch, chunk.place.batch, losses, lrs, momenta)
        if fault is not None:
            yield steps
            raise keep(self.config, self.dataset, fault, chunk.place, chunk.chunk)
        self.shown = True
        point = None
        if state is not None:
            point = Point(state, place, tuple(self.progress.losses), self.past)
        self.unsaid = chunk, point
        yield steps
        yield from self.rest()

    def rest(self) -> Iterator[Event]:
        """What is still to be said of the chunk whose steps are told.

        With that, the run can go on from after it.
        """
        if self.unsaid is None:
            return
        (chunk, point), self.unsaid = self.unsaid, None
        # Asked for with the chunk, and otherwise now: it would wait for the next chunk.
        probed = chunk.probed or self.watch.probe(*chunk[:3])
        if point is not None:
            self.safe = point
        if probed is not None:
            yield self.watch.sampled(chunk.place, probed)

    def test(self) -> Evaluation:
        """Test after an epoch, as a loader without shuffling would."""
        flow = self.config.flow
        if flow.swa is not None and self.place.epoch >= flow.swa:
            self.trainer.take_average()
        tested = self.tested(self.watched_data)
        self.rates.tested(tested.avg_loss)
        return tested

    def tested(self, data: Placed, images: int | None = None) -> Evaluation:
        """Test so many first images; by default as many as batches are asked for."""
        # A loader's iterator draws its base seed.
        order = epoch_order(self.generator, len(data.targets), shuffle=False)
        size = self.config.data.batch_size
        if images is None:
            images = limited(len(order), self.config) * size
        order = order[:images]
        averaged = self.averaged()
        results = [
            self.trainer.evaluate(data, rows, averaged)
            for rows in batches(order, size, len(order))
        ]
        losses = [value for result in results for value in _floats(result[0])]
        correct = sum(int(np.asarray(result[1]).sum()) for result in results)
        return Evaluation(100 * correct / len(order), mean(losses))

    def averaged(self) -> bool:
        """Whether there is an average of the weights to test with."""
        average = self.trainer.state.average
        return average is not None and int(average.n_averaged) > 0

    def last_test(self) -> Iterator[Event]:
        """The trained network's answers, where they are kept or were not given yet."""
        validated = self.dataset.validation is not None
        if self.config.records.out is None and not validated:
            return
        tested = self.tested(self.test_data, len(self.test_data.targets))
        count = len(self.test_data.targets)
        parts = np.array_split(np.arange(count), -(-count // 1000))
        averaged = self.averaged()
        outputs = [self.trainer.outputs(self.test_data, p, averaged) for p in parts]
        joined = np.concatenate([np.asarray(x).astype(np.float64) for x in outputs])
        yield Tested(tested.accuracy, tested.avg_loss, joined)


def _floats(values: jax.Array) -> list[float]:
    return np.asarray(values).astype(np.float64).tolist()
