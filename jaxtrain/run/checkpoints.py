"""When a run's state goes to disk, and how it comes back."""

import math
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from operator import index
from pathlib import Path
from typing import Any

from jaxtrain.data import Dataset
from jaxtrain.errors import ConfigError
from jaxtrain.events import Event, Resumed, Saved
from jaxtrain.run.config import Config
from jaxtrain.run.place import Point, batch_count
from jaxtrain.run.rates import alike
from jaxtrain.store import checkpoint
from jaxtrain.store.checkpoint import Checkpoint, Store

FOLDER = "checkpoints"
"""Of a run's folder."""
FREE = {
    "records": None,
    "loop": ("epochs",),
    "flow": ("early_stopping", "min_delta", "max_time"),
}
"""What may be another when a run goes on: it changes no step, only which are taken."""
_FORMAT_ERRORS = (LookupError, TypeError, ValueError, AttributeError, RecursionError)
"""What content of another form than is meant may raise."""


class Checkpoints:
    """Saves a run's points to its folder, if it has one."""

    def __init__(self, config: Config, dataset: Dataset, store: Store | None):
        self.config, self.dataset, self.store = config, dataset, store
        self.save_time = time.monotonic()
        self.last: tuple[int, bool] | None = None
        self.goes_back_to: int | None = None

    @classmethod
    @contextmanager
    def open(cls, config: Config, dataset: Dataset) -> Iterator["Checkpoints"]:
        """Hold the run's folder to the end of the block.

        Raises:
            ConfigError: another run holds it, or it cannot be written to.
        """
        out = config.records.out
        if out is None:
            yield cls(config, dataset, None)
            return
        with Store.open(out / FOLDER, config.records.keep) as store:
            yield cls(config, dataset, store)

    def due(self) -> bool:
        """Whether the last checkpoint is old enough for another."""
        return time.monotonic() - self.save_time >= self.config.records.save_every

    def save(self, point: Point) -> Iterator[Event]:
        """Put a point on disk, unless it is there.

        The first time, the checkpoints after the one that the run went back to are
        removed: until then, the run may still be refused.

        Raises:
            ConfigError: it cannot be written.
        """
        steps, at_test = point.place.steps, point.place.batch == 0 and bool(point.past)
        if self.store is None or (steps, at_test) == self.last:
            return
        if self.goes_back_to is not None:
            self.store.drop_after(self.goes_back_to)
            self.goes_back_to = None
        score = point.past[-1].avg_loss if at_test else math.nan
        self.store.save(steps, point.arrays(), self._meta(point), score)
        self.save_time, self.last = time.monotonic(), (steps, at_test)
        yield Saved(steps, str(self.store.root))

    def _meta(self, point: Point) -> dict[str, Any]:
        return {
            **point.meta(),
            "config": self.config.to_dict(),
            "data": self.dataset.sha256,
            "classes": list(self.dataset.classes),
            "jax": version("jax"),
        }

    def restore(self, fresh: Point) -> tuple[Point, Resumed | None]:
        """Where the run begins: `fresh`, or where `--resume` has it go on.

        Raises:
            ConfigError: what is there is damaged, or of another run.
        """
        latest, problems = self._find()
        if latest is None:
            return fresh, None
        point = self._point(latest, fresh)
        if latest.meta["jax"] != version("jax"):
            problems.append(
                f"{latest.path} is of JAX {latest.meta['jax']}, and this is "
                f"{version('jax')}: the last digits of what follows may differ"
            )
        source, steps = str(latest.path), point.place.steps
        if self.store is not None and self.config.records.resume != "auto":
            self._check_own(self.store, latest.path)
            self.goes_back_to = steps
        return point, Resumed(source, steps, point.past, tuple(problems))

    def _check_own(self, store: Store, source: Path) -> None:
        """A run that goes on from elsewhere may not take another's place."""
        own = store.root.resolve()
        if not source.resolve().is_relative_to(own) and any(own.glob("step-*")):
            raise ConfigError(
                f"--out {self.config.records.out} already holds a run, and not the one "
                f"of {source}: give another --out"
            )

    def _find(self) -> tuple[Checkpoint | None, list[str]]:
        resume = self.config.records.resume
        if resume == "auto" or resume is None:
            if self.store is None:
                return None, []
            latest = self.store.latest()
            if latest is not None and resume is None:
                raise ConfigError(
                    f"{self.config.records.out} holds a run already: give --resume "
                    "auto to go on with it, or another --out"
                )
            return latest, self.store.problems
        return find(Path(resume))

    def _point(self, latest: Checkpoint, fresh: Point) -> Point:
        try:
            self._check_same(latest.meta["config"], latest.meta["data"])
            point = fresh.restore(latest.arrays, latest.meta)
            self._check_figures(point, fresh)
            return point
        except _FORMAT_ERRORS as error:
            if isinstance(error, ConfigError):
                raise ConfigError(f"checkpoint {latest.path}: {error}") from error
            raise ConfigError(
                f"checkpoint {latest.path} is none of this program's: {error!r}"
            ) from error

    def _check_figures(self, point: Point, fresh: Point) -> None:
        """Raise `TypeError` or `ValueError` where a point has figures that are none."""
        epoch, batch, steps = map(index, point.place[:3])
        count = (epoch - 1) * batch_count(len(self.dataset.train), self.config) + batch
        if (epoch - 1, batch, steps) != (len(point.past), len(point.losses), count):
            raise ValueError("its counts contradict each other")
        past = [value for each in point.past for value in vars(each).values()]
        for value in (point.place.seconds, *point.losses, *past):
            if not isinstance(value, int | float):
                raise TypeError(f"{value!r:.50} is no number")
        # Earlier versions saved the state only where it is more than a place.
        by_place = point.place.rates is None and not self.config.scheduler.watches
        if not (by_place or alike(point.place.rates, fresh.place.rates)):
            raise ValueError("its scheduler's state is that of another")

    def _check_same(self, config: Mapping[str, Any], data: Any) -> None:
        theirs, ours = Config.from_dict(config).to_dict(), self.config.to_dict()
        differences = [
            f"{part}.{name} {theirs[part][name]!r}, now {value!r}"
            for part, values in ours.items()
            for name, value in values.items()
            if theirs[part][name] != value and not _is_free(part, name)
        ]
        differences += [
            f"data {name} has another SHA-256"
            for name, value in self.dataset.sha256.items()
            if data.get(name) != value
        ]
        if differences:
            raise ConfigError(f"it is of another run: {'; '.join(differences)}")


def _is_free(part: str, name: str) -> bool:
    names = FREE.get(part, ())
    return names is None or name in names


def find(path: Path) -> tuple[Checkpoint | None, list[str]]:
    """The checkpoint that a path means: itself, or the newest of a run.

    Raises:
        ConfigError: there is none, or it is damaged.
    """
    for root in (path / FOLDER, path):
        if (root / "manifest.json").exists():
            return checkpoint.load(root), []
        if root.is_dir() and (result := checkpoint.read(root)).checkpoint is not None:
            return result
    raise ConfigError(f"{path} holds no checkpoint; --resume takes a run's folder")
