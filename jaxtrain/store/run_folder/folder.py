"""The folder of a run, written as the run goes."""

import platform
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jaxtrain import __version__, files
from jaxtrain.data import Dataset
from jaxtrain.errors import ConfigError, check_package
from jaxtrain.files import LOCK, Hold, hold
from jaxtrain.store.events import Event, Resumed, Started, Tested, Warned
from jaxtrain.store.run_folder import predictions
from jaxtrain.store.run_folder.files import (
    MetricsRow,
    Table,
    append,
    lines,
    object_with_seal,
    one_line_errors,
    remove,
    replace,
)
from jaxtrain.store.run_folder.read import (
    ABOUT,
    VERSION,
    Repair,
    Rows,
    copies,
    gap_warning,
    past,
    ranges,
    read_about,
    read_bytes,
    read_rows,
    repair,
)
from jaxtrain.store.run_folder.read import SCHEMA as METRICS_SCHEMA
from jaxtrain.store.run_folder.rows import (
    NO_CHECKSUMS,
    RECORDS,
    Batches,
    Position,
    events_of,
    rows_of,
)
from jaxtrain.store.run_folder.tensorboard import Board

CONFIG, METRICS, PREDICTIONS = "config.json", "metrics.jsonl", "predictions.npz"
BOARD = "tensorboard"
DAMAGE_FILE = "metrics.damaged.jsonl"
"""The records as they were found, where a line of them is lost."""
FILES = frozenset(
    (CONFIG, METRICS, PREDICTIONS, DAMAGE_FILE, "steps.csv", "epochs.csv")
)
FOLDERS = frozenset((BOARD, "checkpoints", "fault"))
"""What a run keeps in its folder, and nothing else may be written to."""


def is_run(folder: Path) -> bool:
    """Whether a run has begun in a folder.

    Example:
        >>> is_run(Path("none"))
        False
    """
    return any((folder / name).exists() for name in (METRICS, "checkpoints"))


class RunFolder:
    """All that a run says, on disk as it says it; made by `RunFolder.open`.

    Nothing but the lock is written before the run says that it has started, and then
    only once all is checked: what is refused leaves the folder as it was, or not there.

    Example:
        >>> import tempfile
        >>> from jaxtrain.data import Split
        >>> from jaxtrain.store.events import Steps
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

    def __init__(
        self,
        path: Path,
        about: Mapping[str, Any],
        dataset: Dataset | Batches,
        held: Hold,
    ):
        self.path = path
        self.dataset = dataset
        self.held = held
        self.about = dict(about)
        self.batches = _batches(dataset, self.about["config"].get("data", {}))
        self.position = Position()
        self.tables = {kind: Table(path / f"{kind}s.csv") for kind in ("step", "epoch")}
        self.board: Board | None = None
        self.wants_board = False
        self.has_start = False

    @classmethod
    @contextmanager
    def open(
        cls,
        out: Path,
        config: Mapping[str, Any],
        data: Mapping[str, Any],
        dataset: Dataset | Batches,
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
            dataset: what is trained on, or how much of it there is.
            resume: whether it may hold the earlier part of the run.
            tensorboard: whether to write TensorBoard's event files too.
            command: what started the run; `sys.argv` if not given.

        Raises:
            ConfigError: the folder cannot be had, or already holds a run; or
                TensorBoard is not installed.
        """
        if tensorboard:
            check_package("tensorboard", "--tensorboard", "tensorboard")
        about = {
            "command": list(sys.argv if command is None else command),
            "config": {part: config[part] for part in config if part != "records"},
            "data": dict(data),
        }
        held = _take_folder(out)
        try:
            _check_content(out, resume)
            folder = cls(out, about, dataset, held)
            folder.wants_board = tensorboard
            yield folder
        finally:
            held.release()

    def start(self, event: Started) -> list[Event]:
        """Begin, or go on after a checkpoint: what was recorded later is dropped.

        Returns:
            The steps, epochs, samples and warnings of the earlier part, and a warning
            if rows of it are lost.

        Raises:
            ConfigError: the records cannot be read, are damaged other than at their
                end, are of another run, or cannot be written.
        """
        resumption = event.resumed or Resumed("", 0)
        notes: list[Warned] = []
        rows, spoilt = self._past(event.resumed, notes)
        self._check_about(event.resumed, notes)
        self._check_places()
        self.held.stay()
        files.remove_leftovers(self.path)
        if spoilt is not None:
            replace(self.path / DAMAGE_FILE, spoilt)
        self.position = Position(resumption.steps)
        for row in rows:
            self.position.learn(row)
        self._begin(event, rows, purge_step=resumption.steps)
        self.has_start = True
        earlier = events_of(rows)
        for each in [*notes, *filter(None, [gap_warning(rows, resumption)])]:
            self.add(each)
            earlier.append(each)
        return earlier

    def _past(
        self, resumption: Resumed | None, notes: list[Warned]
    ) -> tuple[list[MetricsRow], bytes | None]:
        """The rows of the earlier part; checks that there may be one, or none.

        Returns:
            The rows, and the file as it is, if a line of it is lost for good.
        """
        if resumption is not None:
            self._check_own(resumption)
        path = self.path / METRICS
        salvage = resumption is not None
        result = read_rows(path, salvage) if path.exists() else Rows([])
        if resumption is not None:
            whole = repair(result, copies(self.tables, resumption))
            rows = past(whole.rows, resumption)
            notes += _notes(result, whole, resumption)
            return rows, path.read_bytes() if whole.losses else None
        if any(row["kind"] == "step" for row in result.rows):
            raise ConfigError(
                f"--out {self.path} holds a run without checkpoints to go on from: "
                "give another --out"
            )
        return [], None

    def _check_about(self, resumption: Resumed | None, notes: list[Warned]) -> None:
        """What is not ours is not ours to replace; what is ours and damaged is."""
        path = self.path / CONFIG
        if not path.exists():
            return
        try:
            read_about(path)
        except ConfigError:
            # That the checkpoint is the run's was found by its own configuration.
            if resumption is None or not _is_ours(path):
                raise
            text = f"{CONFIG} was not as it was written, and is written again"
            notes.append(Warned(resumption.epochs + 1, 0, RECORDS, text))

    def _check_own(self, resumption: Resumed) -> None:
        """A run that goes on from elsewhere may not take another's place."""
        has_run = any((self.path / name).exists() for name in (CONFIG, METRICS))
        source, own = Path(resumption.source).resolve(), self.path.resolve()
        if has_run and not source.is_relative_to(own):
            raise ConfigError(
                f"--out {self.path} already holds a run, and not the one of "
                f"{resumption.source}: give another --out"
            )

    def add(self, event: Event) -> None:
        """Write down what a backend yielded, before the next is asked for.

        Raises:
            ConfigError: it cannot be written.
        """
        if isinstance(event, Started) and not self.has_start:
            self.start(event)
        if isinstance(event, Tested) and isinstance(self.dataset, Dataset):
            answers = predictions.choose(event.outputs, self.dataset)
            predictions.save(self.path / PREDICTIONS, answers)
        self.position.move(event)
        rows = rows_of(event, self.position, self.batches)
        append(self.path / METRICS, lines(rows))
        for kind, table in self.tables.items():
            table.add([row for row in rows if row["kind"] == kind])
        if self.board is not None:
            self.board.add(rows)

    def _check_places(self) -> None:
        """Refuse to write where something else is in the way."""
        tables = [table.path.name for table in self.tables.values()]
        for name in (CONFIG, METRICS, PREDICTIONS, *tables):
            path = self.path / name
            if path.exists() and not path.is_file():
                raise ConfigError(f"--out: {path} is not a file")
        board = self.path / BOARD
        if self.wants_board and board.exists() and not board.is_dir():
            raise ConfigError(f"--out: {board} is not a folder")

    def _begin(
        self, event: Started, rows: Sequence[MetricsRow], purge_step: int
    ) -> None:
        """Have the files hold these rows and no others."""
        versions = {"jaxtrain": __version__, "python": platform.python_version()}
        versions |= event.versions
        whole = {"schema": ABOUT, "versions": versions, **self.about}
        # First: records without a configuration are nobody's run.
        replace(self.path / CONFIG, object_with_seal(whole))
        head = {"schema": METRICS_SCHEMA, "jaxtrain": __version__}
        replace(self.path / METRICS, lines([head, *rows]))
        for kind, table in self.tables.items():
            table.begin([row for row in rows if row["kind"] == kind])
        remove(self.path / PREDICTIONS)
        if self.wants_board:
            self.board = Board(self.path / BOARD, purge_step)


def _batches(dataset: Dataset | Batches, data: Mapping[str, Any]) -> Batches:
    if isinstance(dataset, Batches):
        return dataset
    images = len(dataset.train)
    return Batches(images, data.get("batch_size", images))


def _check_place(out: Path) -> None:
    if not out.parent.is_dir():
        raise ConfigError(f"--out {out}: there is no folder {out.parent}")
    if out.exists() and not out.is_dir():
        raise ConfigError(f"--out {out} must be a folder, or not exist yet")


def _take_folder(out: Path) -> Hold:
    with one_line_errors(out):
        _check_place(out)
    with one_line_errors(out / LOCK if out.exists() else out):
        try:
            return hold(out)
        except BlockingIOError:
            raise ConfigError(
                f"--out {out}: another run is writing there; wait for it, or give "
                "another --out"
            ) from None


def _check_content(out: Path, resume: bool) -> None:
    names = [name for name in (CONFIG, METRICS) if (out / name).exists()]
    if names and not resume:
        raise ConfigError(
            f"--out {out} already holds a run: --resume auto continues it; or give "
            "another --out"
        )
    if CONFIG in names and not _is_ours(out / CONFIG):
        # What is not ours is not ours to replace.
        read_about(out / CONFIG)


def _is_ours(path: Path) -> bool:
    """Whether it was written here once, whatever became of it."""
    data = read_bytes(path, 2**24)
    schema = re.search(rb'"schema": "jaxtrain\.run/([0-9]{1,9})"', data)
    return schema is not None and int(schema[1]) <= VERSION


def _notes(rows: Rows, whole: Repair, resumption: Resumed) -> Iterator[Warned]:
    """What the reader of the records should know of them."""
    if not rows.has_sums and rows.rows:
        text = f"{METRICS} has {len(rows.rows)} rows of an earlier version, which gave"
        yield Warned(1, 0, NO_CHECKSUMS, f"{text} no checksums: they are unverified")
    lines = {"written again": whole.again, f"lost; see {DAMAGE_FILE}": whole.losses}
    for text, numbers in lines.items():
        if numbers:
            where = f"{METRICS}, line {ranges(numbers)}: not as written, and {text}"
            yield Warned(resumption.epochs + 1, 0, RECORDS, where)
