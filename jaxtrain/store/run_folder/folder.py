"""The folder of a run, written as the run goes."""

import json
import os
import platform
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jaxtrain import __version__, files
from jaxtrain.data import Dataset
from jaxtrain.errors import ConfigError, check_installed
from jaxtrain.events import Event, Resumed, Started, Tested, to_json
from jaxtrain.files import try_lock
from jaxtrain.store.run_folder import predictions
from jaxtrain.store.run_folder.files import (
    Row,
    Table,
    append,
    lines,
    remove,
    replace,
    told,
)
from jaxtrain.store.run_folder.read import SCHEMA as METRICS_SCHEMA
from jaxtrain.store.run_folder.read import lost, past, read_object, read_rows
from jaxtrain.store.run_folder.rows import Batches, Position, events_of, rows_of
from jaxtrain.store.run_folder.tensorboard import Board

SCHEMA = "jaxtrain.run/1"
CONFIG, METRICS, PREDICTIONS = "config.json", "metrics.jsonl", "predictions.npz"
LOCK = ".lock"


class RunFolder:
    """All that a run says, on disk as it says it; made by `RunFolder.open`.

    Nothing but the lock is written before the run says that it has started: what is
    refused before that leaves a folder that can be used again.

    Example:
        >>> import tempfile
        >>> from jaxtrain.data import Split
        >>> from jaxtrain.events import Steps
        >>> import numpy as np
        >>> none = Split(np.zeros((0, 28, 28), np.uint8), np.zeros(0, np.uint8))
        >>> data = Dataset("none", none, none, ("a",), "here", {}, None)
        >>> with tempfile.TemporaryDirectory() as parent:
        ...     with RunFolder.open(Path(parent, "run"), {}, {}, data) as folder:
        ...         folder.add(Started("toy", "cpu", "MLP 4-2", 10, {}))
        ...         folder.add(Steps(epoch=1, first=0, losses=[2.5], lrs=[0.1]))
        ...     Path(parent, "run", "steps.csv").read_text()
        'step,epoch,batch,loss,lr\\n0,1,0,2.5,0.1\\n'
    """

    def __init__(self, path: Path, about: Mapping[str, Any], dataset: Dataset):
        self.path = path
        self.dataset = dataset
        self.about = dict(about)
        images = len(dataset.train)
        chosen = self.about["config"].get("data", {})
        self.batches = Batches(images, chosen.get("batch_size", images))
        self.position = Position()
        self.tables = {kind: Table(path / f"{kind}s.csv") for kind in ("step", "epoch")}
        self.board: Board | None = None
        self.wants_board = False
        self.resumed = False

    @classmethod
    @contextmanager
    def open(
        cls,
        out: Path,
        config: Mapping[str, Any],
        data: Mapping[str, Any],
        dataset: Dataset,
        *,
        resume: bool = False,
        tensorboard: bool = False,
        command: Sequence[str] | None = None,
    ) -> Iterator["RunFolder"]:
        """Take a folder for one run, and keep others out until the block ends.

        Args:
            out: the folder; made if it is not there.
            config: of the run, as `Config.to_dict` gives it.
            data: the data set's name, source and SHA-256 sums.
            dataset: what is trained on.
            resume: whether it may hold the earlier part of the run.
            tensorboard: whether to write TensorBoard's event files too.
            command: what started the run; `sys.argv` if not given.

        Raises:
            ConfigError: the folder cannot be had, or already holds a run; or
                TensorBoard is not installed.
        """
        if tensorboard:
            check_installed("tensorboard", "--tensorboard", "tensorboard")
        _make(out)
        about = {
            "command": list(sys.argv if command is None else command),
            "config": {part: config[part] for part in config if part != "records"},
            "data": dict(data),
        }
        with _locked(out):
            _check_content(out, resume)
            files.remove_leftovers(out)
            folder = cls(out, about, dataset)
            folder.wants_board = tensorboard
            yield folder

    def resume(self, resumed: Resumed) -> list[Event]:
        """Go on after a checkpoint: what was recorded later is dropped.

        Returns:
            The steps, epochs, samples and warnings of the earlier part, and a warning
            if rows of it are lost.

        Raises:
            ConfigError: the records cannot be read, are damaged other than at their
                end, are of another run, or cannot be written.
        """
        self._check_own(resumed)
        path = self.path / METRICS
        rows = past(read_rows(path).rows if path.exists() else [], resumed)
        starts = Position(resumed.steps)
        for row in rows:
            starts.learn(row)
        self.position = starts
        self._begin(rows, purge_step=resumed.steps)
        self.resumed = True
        earlier = events_of(rows)
        warned = lost(rows, resumed)
        if warned is not None:
            self.add(warned)
            earlier.append(warned)
        return earlier

    def _check_own(self, resumed: Resumed) -> None:
        """A run that goes on from elsewhere may not take another's place."""
        held = any((self.path / name).exists() for name in (CONFIG, METRICS))
        source, own = Path(resumed.source).resolve(), self.path.resolve()
        if held and not source.is_relative_to(own):
            raise ConfigError(
                f"--out {self.path} already holds a run, and not the one of "
                f"{resumed.source}: give another --out"
            )

    def add(self, event: Event) -> None:
        """Write down what a backend yielded, before the next is asked for.

        Raises:
            ConfigError: it cannot be written.
        """
        if isinstance(event, Started):
            self._start(event)
        if isinstance(event, Tested):
            chosen = predictions.choose(event.outputs, self.dataset)
            predictions.save(self.path / PREDICTIONS, chosen)
        self.position.move(event)
        rows = rows_of(event, self.position, self.batches)
        append(self.path / METRICS, lines(rows))
        for kind, table in self.tables.items():
            table.add([row for row in rows if row["kind"] == kind])
        if self.board is not None:
            self.board.add(rows)

    def _start(self, event: Started) -> None:
        if event.resumed is not None and not self.resumed:
            self.resume(event.resumed)
        if event.resumed is None:
            self._check_no_steps()
        versions = {
            "jaxtrain": __version__,
            "python": platform.python_version(),
            **event.versions,
        }
        whole = {"schema": SCHEMA, "versions": versions, **self.about}
        text = json.dumps(to_json(whole), indent=1) + "\n"
        # First: records without a configuration are nobody's run.
        replace(self.path / CONFIG, text.encode("ascii"))
        if event.resumed is None:
            self._begin([], purge_step=0)

    def _check_no_steps(self) -> None:
        """Refuse to begin where there are steps that nothing can be gone on from."""
        path = self.path / METRICS
        rows = read_rows(path).rows if path.exists() else []
        if any(row["kind"] == "step" for row in rows):
            raise ConfigError(
                f"--out {self.path} holds a run without checkpoints to go on from: "
                "give another --out"
            )

    def _begin(self, rows: Sequence[Row], purge_step: int) -> None:
        """Have the files hold these rows and no others."""
        head = {"schema": METRICS_SCHEMA, "jaxtrain": __version__}
        replace(self.path / METRICS, lines([head, *rows]))
        for kind, table in self.tables.items():
            table.begin([row for row in rows if row["kind"] == kind])
        remove(self.path / PREDICTIONS)
        if self.wants_board:
            self.board = Board(self.path / "tensorboard", purge_step)


def _make(out: Path) -> None:
    with told(out):
        if not out.parent.is_dir():
            raise ConfigError(f"--out {out}: there is no folder {out.parent}")
        if out.exists() and not out.is_dir():
            raise ConfigError(f"--out {out} must be a folder, or not exist yet")
        out.mkdir(exist_ok=True)


@contextmanager
def _locked(out: Path) -> Iterator[None]:
    with told(out / LOCK):
        handle = os.open(out / LOCK, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        if try_lock(handle) is None:
            raise ConfigError(
                f"--out {out}: another run is writing there; wait for it, or give "
                "another --out"
            )
        yield
    finally:
        os.close(handle)


def _check_content(out: Path, resume: bool) -> None:
    held = [name for name in (CONFIG, METRICS) if (out / name).exists()]
    if held and not resume:
        raise ConfigError(
            f"--out {out} already holds a run: --resume auto continues it; or give "
            "another --out"
        )
    if CONFIG in held:
        # What is not ours is not ours to replace.
        read_object(out / CONFIG, SCHEMA)
