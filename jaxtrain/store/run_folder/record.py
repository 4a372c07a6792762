"""A run read back from its folder."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from jaxtrain.errors import ConfigError
from jaxtrain.store.events import Epoch, Evaluation, Sampled, Warned
from jaxtrain.store.run_folder import predictions as _predictions
from jaxtrain.store.run_folder.files import MetricsRow
from jaxtrain.store.run_folder.folder import CONFIG, METRICS, PREDICTIONS
from jaxtrain.store.run_folder.predictions import Predictions
from jaxtrain.store.run_folder.read import Rows, read_about, read_rows
from jaxtrain.store.run_folder.rows import events_of


@dataclass(frozen=True, eq=False)
class RunRecord:
    """What a run folder holds; numbers that were not finite are NaN.

    Attributes:
        path: the folder.
        config: the configuration, as `Config.from_dict` takes it.
        data: the data set's name, source and SHA-256 sums.
        versions: of the packages.
        command: what started the run.
        rows: every row of `metrics.jsonl`.
        torn: whether the last row was cut off.
        written: when it was last written, in seconds since 1970.
        predictions: the trained network's answers, once the run is at its end.
        problems: a line for each file that nothing vouches for, or that is missing.
    """

    path: Path
    config: dict[str, Any]
    data: dict[str, Any]
    versions: dict[str, str]
    command: list[str]
    rows: list[MetricsRow]
    torn: bool
    written: float
    predictions: Predictions | None
    problems: list[str] = field(default_factory=list)

    def of(self, kind: str) -> list[MetricsRow]:
        """The rows of a kind."""
        return [row for row in self.rows if row["kind"] == kind]

    @cached_property
    def steps(self) -> np.ndarray:
        """Number of each recorded step, from 0."""
        return np.array([row["step"] for row in self.of("step")], int)

    @cached_property
    def losses(self) -> np.ndarray:
        """Loss of each recorded step."""
        return np.array([row["loss"] for row in self.of("step")], float)

    @cached_property
    def lrs(self) -> np.ndarray:
        """Learning rates, (steps, groups)."""
        return _matrix([row["lr"] for row in self.of("step")])

    @cached_property
    def momenta(self) -> np.ndarray:
        """Momentum of each recorded step; empty if it does not move."""
        rows = self.of("step")
        values = [row.get("momentum", np.nan) for row in rows]
        return np.array(values if any("momentum" in row for row in rows) else [], float)

    @cached_property
    def epochs(self) -> list[Epoch]:
        """The epochs that were trained and tested."""
        return [e for e in events_of(self.of("epoch")) if isinstance(e, Epoch)]

    @cached_property
    def epoch_steps(self) -> np.ndarray:
        """How many steps were done at the end of each epoch; NaN if not known."""
        return np.array([row["steps"] for row in self.of("epoch")], float)

    @cached_property
    def throughput(self) -> np.ndarray:
        """Images a second in the training of each epoch."""
        return np.array([r["samples_per_second"] for r in self.of("epoch")], float)

    @cached_property
    def samples(self) -> list[Sampled]:
        """What single steps looked like from inside."""
        return [e for e in events_of(self.of("sample")) if isinstance(e, Sampled)]

    @cached_property
    def sample_steps(self) -> np.ndarray:
        """Number within the run of each of `samples`; NaN where it is not known."""
        return np.array([row["step"] for row in self.of("sample")], float)

    @cached_property
    def warnings(self) -> list[Warned]:
        """What looked wrong, in words."""
        return [e for e in events_of(self.of("warning")) if isinstance(e, Warned)]

    @property
    def tested(self) -> Evaluation | None:
        """The figures of the trained network, once the run is at its end."""
        last = self._last("tested")
        return Evaluation(last["accuracy"], last["avg_loss"]) if last else None

    @property
    def stopped(self) -> str | None:
        """Why the run ended before its last epoch, if it did."""
        last = self._last("stopped")
        return last["reason"] if last else None

    @property
    def started(self) -> MetricsRow | None:
        """What the last session said at its start."""
        rows = [row for row in self.rows if row["kind"] in ("started", "resumed")]
        return rows[-1] if rows else None

    @property
    def ended(self) -> bool:
        """Whether it was tested at its end, was stopped, or did all its epochs."""
        epochs = _part(self.config, "loop").get("epochs")
        return (
            self.tested is not None
            or self.stopped is not None
            or len(self.epochs) == epochs
        )

    def _last(self, kind: str) -> MetricsRow | None:
        rows = self.of(kind)
        return rows[-1] if rows else None


def read_run(path: Path) -> RunRecord:
    """Read a run folder, of a run that has ended or not; executes nothing of it.

    Raises:
        ConfigError: it holds no run, or what it holds is damaged.
    """
    path = Path(path)
    if not path.is_dir():
        raise ConfigError(f"{path} is not the folder of a run")
    if not (path / CONFIG).exists():
        raise ConfigError(f"{path} holds no run: there is no {CONFIG} in it")
    about, is_whole = read_about(path / CONFIG)
    _check_about(path / CONFIG, about)
    # First: its rows may still grow, and what is written last is to be in them.
    answers, metrics = path / PREDICTIONS, path / METRICS
    predictions, sure = _predictions.load(answers) if answers.exists() else (None, True)
    rows = read_rows(metrics) if metrics.exists() else Rows([], torn=True)
    whole = {CONFIG: is_whole, METRICS: rows.has_sums, PREDICTIONS: sure}
    source = metrics if metrics.exists() else path / CONFIG
    return RunRecord(
        path=path,
        config=about["config"],
        data=about["data"],
        versions=about["versions"],
        command=about["command"],
        rows=rows.rows,
        torn=rows.torn,
        written=source.stat().st_mtime,
        predictions=predictions,
        problems=_problems(path, whole, predictions is None and _has_test(rows)),
    )


def _has_test(rows: Rows) -> bool:
    return any(row["kind"] == "tested" for row in rows.rows)


def _problems(path: Path, whole: dict[str, bool], no_predictions: bool) -> list[str]:
    bare = ", ".join(name for name, is_whole in whole.items() if not is_whole)
    problems = []
    if bare:
        problems.append(
            f"{path}: {bare}: written without checksums by an earlier version, and "
            "read unverified"
        )
    if no_predictions:
        problems.append(f"{path}: {PREDICTIONS} is missing, though the run wrote it")
    return problems


def _check_about(path: Path, about: dict[str, Any]) -> None:
    kinds = {"config": dict, "data": dict, "versions": dict, "command": list}
    for name, kind in kinds.items():
        if not isinstance(about.get(name), kind):
            raise ConfigError(
                f"{path} is damaged: its {name!r} is not a {kind.__name__}"
            )
    texts = {"versions": about["versions"].values(), "command": about["command"]}
    for name, values in texts.items():
        if not all(isinstance(value, str) for value in values):
            raise ConfigError(f"{path} is damaged: its {name!r} is not of texts")
    for name, value in about["config"].items():
        if not isinstance(value, dict):
            raise ConfigError(
                f"{path} is damaged: {name!r:.50} of its config is no dict"
            )


def _part(content: dict[str, Any], name: str) -> dict[str, Any]:
    return content.get(name, {})


def _matrix(rates: Sequence[float | list[float]]) -> np.ndarray:
    """One row for each step, as wide as the widest."""
    rows = [rate if isinstance(rate, list) else [rate] for rate in rates]
    width = max(map(len, rows), default=0)
    padded = [[*row, *[np.nan] * (width - len(row))] for row in rows]
    return np.array(padded, float).reshape(len(rows), width)
