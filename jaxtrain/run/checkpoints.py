"""When a run's state goes to disk, and how it comes back."""

import math
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from operator import index
from pathlib import Path
from typing import Any, Protocol

from jaxtrain.data import Dataset
from jaxtrain.errors import ConfigError
from jaxtrain.run.config import Config
from jaxtrain.run.place import Point, batch_count
from jaxtrain.run.rates import alike
from jaxtrain.store import checkpoint
from jaxtrain.store.checkpoint import Checkpoint, Store
from jaxtrain.store.events import Event, Resumed, Saved

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


class Settings(Protocol):
    """Where a run is kept, and how often."""

    @property
    def out(self) -> Path | None: ...
    @property
    def resume(self) -> str | None: ...
    @property
    def save_every(self) -> float: ...
    @property
    def keep(self) -> int: ...


class Identity(Protocol):
    """What a run is, so that nothing goes on from the checkpoint of another."""

    @property
    def meta(self) -> dict[str, Any]:
        """What a checkpoint says of it, as JSON can hold it."""

    def check_same(self, meta: Any) -> None:
        """Raise `ConfigError` where a checkpoint is of another run."""

    def check_figures(self, point: Point, fresh: Point) -> None:
        """Raise `TypeError` or `ValueError` where a point has figures that are none."""


class Checkpoints:
    """Saves a run's points to its folder, if it has one."""

    def __init__(self, settings: Settings, identity: Identity, store: Store | None):
        self.settings, self.identity, self.store = settings, identity, store
        self.save_time = time.monotonic()
        self.last: tuple[int, bool] | None = None
        self.goes_back_to: int | None = None

    @classmethod
    @contextmanager
    def open(cls, settings: Settings, identity: Identity) -> Iterator["Checkpoints"]:
        """Hold the run's folder to the end of the block.

        Raises:
            ConfigError: another run holds it, or it cannot be written to.
        """
        if settings.out is None:
            yield cls(settings, identity, None)
            return
        with Store.open(settings.out / FOLDER, settings.keep) as store:
            yield cls(settings, identity, store)

    def due(self) -> bool:
        """Whether the last checkpoint is old enough for another."""
        return time.monotonic() - self.save_time >= self.settings.save_every

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
            **self.identity.meta,
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
        if self.store is not None and self.settings.resume != "auto":
            self._check_own(self.store, latest.path)
            self.goes_back_to = steps
        return point, Resumed(source, steps, point.past, tuple(problems))

    def _check_own(self, store: Store, source: Path) -> None:
        """A run that goes on from elsewhere may not take another's place."""
        own = store.root.resolve()
        if not source.resolve().is_relative_to(own) and any(own.glob("step-*")):
            raise ConfigError(
                f"--out {self.settings.out} already holds a run, and not the one "
                f"of {source}: give another --out"
            )

    def _find(self) -> tuple[Checkpoint | None, list[str]]:
        resume = self.settings.resume
        if resume == "auto" or resume is None:
            if self.store is None:
                return None, []
            latest = self.store.latest()
            if latest is not None and resume is None:
                raise ConfigError(
                    f"{self.settings.out} holds a run already: give --resume "
                    "auto to go on with it, or another --out"
                )
            return latest, self.store.problems
        return find(Path(resume))

    def _point(self, latest: Checkpoint, fresh: Point) -> Point:
        try:
            self.identity.check_same(latest.meta)
            point = fresh.restore(latest.arrays, latest.meta)
            self.identity.check_figures(point, fresh)
            return point
        except _FORMAT_ERRORS as error:
            if isinstance(error, ConfigError):
                raise ConfigError(f"checkpoint {latest.path}: {error}") from error
            raise ConfigError(
                f"checkpoint {latest.path} is none of this program's: {error!r}"
            ) from error


class ConfigIdentity:
    """That of a configured run."""

    def __init__(self, config: Config, dataset: Dataset):
        self.config, self.dataset = config, dataset

    @property
    def meta(self) -> dict[str, Any]:
        return {
            "config": self.config.to_dict(),
            "data": self.dataset.sha256,
            "classes": list(self.dataset.classes),
        }

    def check_figures(self, point: Point, fresh: Point) -> None:
        epoch, batch, steps = map(index, point.place[:3])
        count = (epoch - 1) * batch_count(len(self.dataset.train), self.config) + batch
        if (epoch - 1, batch, steps) != (len(point.past), len(point.losses), count):
            raise ValueError("its counts contradict each other")
        check_numbers(point)
        # Earlier versions saved the state only where it is more than a place.
        by_place = point.place.rates is None and not self.config.scheduler.watches
        if not (by_place or alike(point.place.rates, fresh.place.rates)):
            raise ValueError("its scheduler's state is that of another")

    def check_same(self, meta: Any) -> None:
        if "fit" in meta:
            raise ConfigError("it is of a run of Trainer.fit, which goes on there")
        config, data = meta["config"], meta["data"]
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


def check_numbers(point: Point) -> None:
    """Raise `TypeError` for a figure of a point that is no number."""
    past = [value for epoch in point.past for value in epoch.to_dict().values()]
    figures = [value for epoch in point.past for value in epoch.figures.values()]
    plain = [value for value in past if not isinstance(value, Mapping)]
    for value in (point.place.seconds, *point.losses, *plain, *figures):
        if not isinstance(value, int | float):
            raise TypeError(f"{value!r:.50} is no number")


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
