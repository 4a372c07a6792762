"""A user's own training as a run: any model, any batches, any of the three doors."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from jaxtrain import rng
from jaxtrain.errors import ConfigError
from jaxtrain.run.checkpoints import check_numbers
from jaxtrain.run.fault import keep_batch
from jaxtrain.run.inspection import CHUNK, Watch
from jaxtrain.run.packing import pack, unpack
from jaxtrain.run.place import COUNTS, Place
from jaxtrain.run.rates import Rates, Values, alike
from jaxtrain.run.session import Session, device_in_words, ends_update, floats
from jaxtrain.run.source import Piece, Source
from jaxtrain.store.checkpoint import flatten, restore
from jaxtrain.store.events import Epoch, Evaluation, Sampled, Started, Steps, mean
from jaxtrain.training.fault import Fault
from jaxtrain.training.masks import masks_of
from jaxtrain.training.metrics import Metric, figures_of
from jaxtrain.training.probe import Readings
from jaxtrain.training.step import Chunk


@dataclass(frozen=True)
class Plan:
    """What `Trainer.fit` was asked for.

    Attributes:
        engine: takes the steps.
        source: of the batches to train on.
        validation: of those to test on, or None.
        rates: of every step.
        metrics: of the tests.
        epochs: how many; None for as many as `max_steps` takes.
        max_steps: of the run, all its epochs together.
        accumulate: batches of an update.
        swa: the epoch from whose end on weights are averaged.
        masks: where dropout masks come from: `"torch"`, `"jax"`, or None.
        seed: of `jax.random`'s keys.
        out: the run's folder.
        resume: `"auto"` or None.
        save_every: seconds between checkpoints.
        keep: newest checkpoints that stay.
        monitor: steps between two looks inside.
        config: what the run is, in parts, as JSON can hold it.
        free: dotted names in it that may be others where the run goes on.
        title: of the model.
    """

    engine: Any
    source: Source
    validation: Source | None
    rates: Rates
    metrics: Mapping[str, Metric]
    epochs: int | None
    max_steps: int | None
    accumulate: int
    swa: int | None
    masks: Callable[[int, tuple[int, Any]], Any]
    out: Path | None
    resume: str | None
    save_every: float
    keep: int
    monitor: int
    config: Mapping[str, Mapping[str, Any]]
    free: Sequence[str] = ()
    title: str = ""
    extras: Mapping[str, Any] = field(default_factory=dict)


class FitPoint(NamedTuple):
    """As `Point`, of a user's training."""

    state: Any
    place: Place
    losses: tuple[float, ...] = ()
    past: tuple[Epoch, ...] = ()
    recent: Values = Values([], [])
    figures: Mapping[str, Sequence[float]] = {}

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything in it that is an array, by name."""
        arrays = flatten({"state": self.state})
        pack(self.place.order, "pass", arrays)
        for name, values in self.figures.items():
            arrays[f"figures/{name}"] = np.array(values, np.float64)
        rates = {"lrs": self.recent.lrs, "momenta": self.recent.momenta}
        for name, values in rates.items():
            arrays[f"rates/{name}"] = np.array(values, np.float64)
        return {
            **arrays,
            "generator/now": self.place.generator,
            "losses": np.array(self.losses, np.float64),
        }

    def meta(self) -> dict[str, Any]:
        """The rest, as JSON can hold it."""
        return {
            "place": {name: getattr(self.place, name) for name in COUNTS},
            "pass": pack(self.place.order, "pass", {}),
            "rates": self.place.rates,
            "past": [epoch.to_dict() for epoch in self.past],
            "figures": list(self.figures),
        }

    def restore(self, arrays: Mapping[str, np.ndarray], meta: Any) -> FitPoint:
        """The point that gave `arrays` and `meta`; see `Point.restore`."""
        rest = dict(arrays)
        now, losses = rest.pop("generator/now"), rest.pop("losses").tolist()
        rng.Generator().set_state(now)
        order = unpack(meta["pass"], rest)
        figures = {n: rest.pop(f"figures/{n}").tolist() for n in meta["figures"]}
        recent = Values(*(rest.pop(f"rates/{n}").tolist() for n in Values._fields))
        counts = {name: meta["place"][name] for name in COUNTS}
        place = Place(**counts, order=order, generator=now, rates=meta["rates"])
        state = restore({"state": self.state}, rest)["state"]
        past = tuple(Epoch(**epoch) for epoch in meta["past"])
        return FitPoint(state, place, tuple(losses), past, recent, figures)


class FitIdentity:
    """That of a user's training: what it is made of, by name."""

    def __init__(self, plan: Plan):
        self.plan = plan

    @property
    def meta(self) -> dict[str, Any]:
        return {"fit": self.plan.config}

    def check_same(self, meta: Any) -> None:
        if "fit" not in meta:
            raise ConfigError(
                "it is of a run of `python -m jaxtrain.fashion`, which goes on there"
            )
        theirs = meta["fit"]
        differences = [
            f"{part}.{name} {theirs[part].get(name)!r:.60}, now {value!r:.60}"
            for part, values in self.plan.config.items()
            for name, value in values.items()
            if f"{part}.{name}" not in self.plan.free
            and theirs[part].get(name) != value
        ]
        if differences:
            raise ConfigError(f"it is of another run: {'; '.join(differences)}")

    def check_figures(self, point: Any, fresh: Any) -> None:
        epoch, batch, _ = point.place[:3]
        if (epoch - 1, batch) != (len(point.past), len(point.losses)):
            raise ValueError("its counts contradict each other")
        check_numbers(point)
        if not alike(point.place.rates, fresh.place.rates):
            raise ValueError("its scheduler's state is that of another")


class _Pending(NamedTuple):
    """Batches that the device works on."""

    place: Place
    start: Any
    """The state before them; None where nobody will ask."""
    steps: list[tuple[Any, Chunk]]
    """Data and chunk of each call; only the first where nobody will ask."""
    values: Values
    losses: list[jax.Array]
    figures: list[Mapping[str, jax.Array]]
    finite: jax.Array | None
    readings: Readings | None


class Fit(Session[Piece, _Pending]):
    """One run of `Trainer.fit`."""

    def __init__(self, plan: Plan):
        super().__init__()
        self.plan, self.engine, self.source = plan, plan.engine, plan.source
        self.rates, self.numerics = plan.rates, plan.engine.numerics
        self.watch = Watch(plan.monitor, self.engine)
        self.values, self.figures = Values([], []), dict[str, list[float]]()
        self.failure: Exception | None = None
        self.steps = 0
        now = self.generator.get_state()
        self.place = Place(1, 0, 0, 0.0, None, now, self.rates.state())
        self.in_epoch = False

    @property
    def generator(self) -> rng.Generator:  # type: ignore[override]
        """The default one, from which layers and loaders draw."""
        return rng.default_generator

    def start_event(self) -> Started:
        return Started(
            backend="jax",
            device=device_in_words(self.numerics.find_device()),
            model=self.plan.title,
            parameters=self.watch.parameters(),
            versions={n: version(n) for n in ("jax", "flax", "optax", "numpy")},
        )

    def point(self) -> Any:
        order = self.source.state() if self.in_epoch else None
        place = self.place._replace(order=order)
        return FitPoint(
            self.engine.state,
            place,
            tuple(self.losses),
            self.past,
            self.values,
            {name: tuple(values) for name, values in self.figures.items()},
        )

    def go_to(self, point: Any) -> None:
        self.engine.state, self.place, losses, self.past, values, figures = point
        self.losses, self.values = list(losses), Values(*map(list, values))
        self.figures = {name: list(each) for name, each in figures.items()}
        self.rates.load(self.place.rates, 0, 0)
        if self.place.order is not None and self.goes_on():
            self.source.go_on(self.place.epoch, self.place.order, self.place.batch)
            self.in_epoch = True
        self.generator.set_state(self.place.generator)

    def recent(self, losses: Sequence[float]) -> Steps | None:
        if not losses:
            return None
        return Steps(self.place.epoch, 0, losses, *self.values, self.figures)

    def goes_on(self) -> bool:
        plan, place = self.plan, self.place
        if plan.max_steps is not None and place.steps >= plan.max_steps:
            return False
        return plan.epochs is None or place.epoch <= plan.epochs

    def is_epoch_over(self) -> bool:
        is_over = self.in_epoch and self.source.is_over(self.place.batch)
        if is_over and not self.place.batch:
            raise ConfigError(f"the data has no batch in epoch {self.place.epoch}")
        return is_over

    def new_order(self) -> None:
        self.in_epoch = False
        self.values, self.figures = Values([], []), {}

    def pieces(self) -> Iterator[Piece]:
        if not self.in_epoch:
            self.source.begin(self.place.epoch)
            self.in_epoch = True
        for piece in self.source.pieces(self.place.batch, self._most()):
            yield piece
            if self.failure is not None:
                raise self.failure
            if not self.goes_on():
                return

    def _most(self) -> int:
        return self.watch.chunk

    def dispatch(self, piece: Piece) -> _Pending:
        place = self.place
        start = self.engine.copy_state() if self.watch.on else None
        pending = _Pending(place, start, [], Values([], []), [], [], None, None)
        try:
            for data, rows in piece.batches:
                self._advance(pending, data, self._cut(rows))
                if not self.goes_on():
                    break
        except Exception as error:
            if not pending.losses:
                raise
            self.failure = error
        finite = self.watch.finite()
        readings = self._readings(pending) if self.has_report else None
        return pending._replace(finite=finite, readings=readings)

    def _cut(self, rows: np.ndarray | None) -> np.ndarray | None:
        most = self.plan.max_steps
        if rows is None or most is None:
            return rows
        return rows[: most - self.place.steps]

    def _advance(self, pending: _Pending, data: Any, rows: np.ndarray | None) -> None:
        place, count = self.place, 1 if rows is None else len(rows)
        length, accumulate = self.source.length or -1, self.plan.accumulate
        ends = ends_update(accumulate, length, place.batch, count)
        values = self.rates.take(ends.tolist())
        chunk = self._chunk(data, rows, values, ends)
        losses, figures = self.engine.advance(data, chunk)
        if self.watch.on or not pending.steps:
            pending.steps.append((data, chunk))
        for mine, theirs in zip(pending.values, values, strict=True):
            mine.extend(theirs)
        pending.losses.append(losses)
        pending.figures.append(figures)
        self.move(
            batch=place.batch + count,
            steps=place.steps + count,
            seconds=self.seconds(),
        )

    def _chunk(
        self, data: Any, rows: np.ndarray | None, values: Values, ends: np.ndarray
    ) -> Chunk:
        hyperparameters: dict[str, Any] = {}
        if self.rates.schedule is not None:
            scalar = self.numerics.scalar
            hyperparameters |= self.rates.arrays(values, scalar)
        if self.plan.accumulate > 1:
            hyperparameters["last"] = ends
        with self.numerics.active():
            masks = self.plan.masks(self.place.steps, (len(ends), kind_of(data, rows)))
        if rows is None:
            pieces = jax.tree.map(lambda x: x[0], (hyperparameters, masks))
            return Chunk(None, *pieces)
        return Chunk(rows, hyperparameters, masks)

    def _readings(self, pending: _Pending) -> Readings | None:
        if pending.start is None:
            return None
        data, chunk = pending.steps[0]
        return self.watch.probe(pending.place, pending.start, chunk, data)

    def read(self, pending: _Pending) -> tuple[Steps, Fault | None]:
        losses = [value for each in pending.losses for value in floats(each)]
        figures = {
            name: [value for each in pending.figures for value in floats(each[name])]
            for name in pending.figures[0]
        }
        fault = None
        if not self.watch.is_finite(losses, pending.finite):
            fault = self.watch.locate_among(pending.start, pending.steps)
            losses = losses[: fault.step + 1]
        count = len(losses)
        values = Values(*(each[:count] for each in pending.values))
        figures = {name: each[:count] for name, each in figures.items()}
        self.losses += losses
        self.values.lrs.extend(values.lrs)
        self.values.momenta.extend(values.momenta)
        for name, each in figures.items():
            self.figures.setdefault(name, []).extend(each)
        place = pending.place
        return Steps(place.epoch, place.batch, losses, *values, figures), fault

    def look(self, pending: _Pending, fault: Fault | None) -> Sampled | None:
        if fault is not None:
            data, chunk = self._single(pending, fault.step)
            raise keep_batch(self.plan, fault, pending.place, data, chunk)
        readings = pending.readings or self._readings(pending)
        return None if readings is None else self.watch.sample(pending.place, readings)

    def _single(self, pending: _Pending, step: int) -> tuple[Any, Chunk]:
        for data, chunk in pending.steps:
            count = 1 if chunk.rows is None else len(np.asarray(chunk.rows))
            if step < count:
                return one_step(data, chunk, step)
            step -= count
        raise AssertionError("the step is one of the pending")

    def test(self) -> Evaluation:
        swa = self.plan.swa
        if swa is not None and self.place.epoch >= swa:
            self.engine.take_average()
        if self.plan.validation is None:
            return Evaluation(math.nan, math.nan)
        figures = evaluate(self.engine, self.plan.validation, self.plan.metrics)
        loss = figures.pop("loss")
        plain = {n: v for n, v in figures.items() if isinstance(v, float)}
        return Evaluation(100 * plain.get("accuracy", math.nan), loss, plain)


def one_step(data: Any, chunk: Chunk, step: int) -> tuple[Any, Chunk]:
    """The batch of one step of a chunk, and the rest that the step is given."""
    if chunk.rows is None:
        return data, chunk
    rows = np.asarray(chunk.rows)[step]
    batch = jax.tree.map(lambda x: x[rows], data)
    rest = jax.tree.map(lambda x: x[step], chunk._replace(rows=None))
    return batch, rest


def kind_of(data: Any, rows: np.ndarray | None) -> Any:
    """What stands for a batch: structure, shapes and types, as a key."""
    leaves, structure = jax.tree.flatten(data)
    lead = () if rows is None else rows.shape[1:]
    cut = 0 if rows is None else 1
    shapes = [((*lead, *leaf.shape[cut:]), leaf.dtype) for leaf in leaves]
    return structure, tuple(shapes)


def batch_of(kind: Any) -> Any:
    """The batch of shapes that `kind_of` gave the key of."""
    structure, shapes = kind
    return jax.tree.unflatten(structure, [jax.ShapeDtypeStruct(*s) for s in shapes])


def make_masks(source: str | None, draws: Callable[[Any], Any], seed: int) -> Any:
    """Who makes the masks of a run's steps; see `training.masks`.

    Args:
        source: `"torch"`, `"jax"`, or None.
        draws: batch of shapes -> the masks that a step draws.
        seed: of the keys.
    """

    def of_kind(kind: Any) -> Any:
        return draws(batch_of(kind))

    return masks_of(source, of_kind, rng.default_generator, seed)


def evaluate(
    engine: Any, source: Source, metrics: Mapping[str, Metric]
) -> dict[str, Any]:
    """The mean loss over all batches, the metrics, and the loss's own figures."""
    averaged = has_average(engine)
    source.begin(0)
    results = [
        engine.measure(data, rows, averaged)
        for piece in source.pieces(0, CHUNK)
        for data, rows in piece.batches
    ]
    if not results:
        raise ConfigError("the data to test on has no batch")
    losses = [value for result in results for value in floats(result.loss)]
    return {"loss": mean(losses), **figures_of(metrics, results)}


def has_average(engine: Any) -> bool:
    """Whether there is an average of the weights to test with."""
    average = getattr(engine.state, "average", None)
    return average is not None and int(average.n_averaged) > 0
