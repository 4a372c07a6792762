"""The checkpoints of a run: which are there, which stay, and who may write."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from jaxtrain.errors import ConfigError
from jaxtrain.files import LOCK, Hold, hold
from jaxtrain.store.checkpoint.folder import (
    OLD,
    Checkpoint,
    checkpoint_files,
    hidden_name,
    is_old,
    plain_name,
    read_folder,
    read_manifest,
    step_name,
    step_of,
)
from jaxtrain.store.checkpoint.manifest import (
    MANIFEST,
    remove,
    sync_folder,
    write_folder,
)
from jaxtrain.store.codec import Damage


class Score(NamedTuple):
    """A checkpoint's step and score."""

    step: int
    score: float | None


def best_first(scores: Iterable[Score]) -> list[Score]:
    """Those that have a score, the lowest first and the earlier of equals.

    A score that is not a number is none.

    Example:
        >>> found = [Score(1, 0.5), Score(2, 0.4), Score(3, None), Score(4, 0.4)]
        >>> [one.step for one in best_first(found)]
        [2, 4, 1]
    """
    # NaN must be out before sorting: it compares with nothing.
    numbers = [
        (one.score, one.step)
        for one in scores
        if one.score is not None and not math.isnan(one.score)
    ]
    return [Score(step, score) for score, step in sorted(numbers)]


def steps_to_keep(scores: Iterable[Score], keep: int) -> set[int]:
    """The steps that stay: the newest `keep`, and the best.

    Example:
        >>> sorted(steps_to_keep([Score(1, 0.3), Score(2, 0.4), Score(3, 0.5)], keep=1))
        [1, 3]
    """
    scores = list(scores)
    newest = sorted(one.step for one in scores)[-keep:]
    return {*newest, *(one.step for one in best_first(scores)[:1])}


_PATIENCE = 100
"""Times that a search begins again because its checkpoint was taken away."""

Faults = dict[Path, str]
"""Folder of a damaged checkpoint -> what is wrong with it."""


class Found(NamedTuple):
    """What a search found, and what it passed over."""

    checkpoint: Checkpoint | None
    problems: list[str]
    """A line for each damaged checkpoint that was passed over."""


class _Race(Exception):
    """A checkpoint was removed or replaced while it was read."""


def read(root: str | os.PathLike[str], best: bool = False) -> Found:
    """Find the newest whole checkpoint without a lock, even while a run is writing.

    Args:
        root: the folder of a `Store`.
        best: find the one with the lowest score instead.

    Returns:
        The checkpoint, or None where there is none; and what is wrong with those that
        were passed over.

    Raises:
        ConfigError: the folder cannot be read, or holds checkpoints of which none is
            whole.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as root:
        ...     read(root)
        Found(checkpoint=None, problems=[])
    """
    checkpoint, faults = search(Path(root), best)
    return Found(checkpoint, [f"{path}: {reason}" for path, reason in faults.items()])


def search(root: Path, best: bool) -> tuple[Checkpoint | None, Faults]:
    """As `read`, with the faults by folder."""
    for _ in range(_PATIENCE):
        try:
            checkpoint, faults = _search_once(root, best)
        except _Race:
            continue
        if checkpoint is None and faults:
            reasons = "; ".join(f"{path.name}: {why}" for path, why in faults.items())
            what = "with a score" if best else "in it"
            raise ConfigError(f"{root} has no whole checkpoint {what}: {reasons}")
        return checkpoint, faults
    raise ConfigError(f"{root} changes faster than it can be read")


def folders(root: Path) -> dict[int, Path]:
    """Step -> its folder, whole or not, in order of the steps.

    Raises:
        ConfigError: the root cannot be read.
    """
    try:
        paths = [root / name for name in os.listdir(root)]
    except OSError as error:
        raise ConfigError(
            f"checkpoint folder {root} cannot be read: {error.strerror}"
        ) from error
    # A run that was killed while it replaced a checkpoint left it hidden.
    old = {step_of(p.name): p for p in paths if is_old(p)}
    plain = {step_of(p.name): p for p in paths if not p.name.startswith(".")}
    by_step = {**old, **plain}
    return {step: by_step[step] for step in sorted(s for s in by_step if s is not None)}


def _search_once(root: Path, best: bool) -> tuple[Checkpoint | None, Faults]:
    faults: Faults = {}
    paths = folders(root)
    for step in _by_score(paths, faults) if best else reversed(paths):
        before = _identity(paths[step])
        try:
            return read_folder(paths[step]), faults
        except Damage as error:
            _note(faults, paths[step], before, error)
    return None, faults


def _by_score(paths: dict[int, Path], faults: Faults) -> list[int]:
    scores = []
    for step, path in paths.items():
        before = _identity(path)
        try:
            scores.append(Score(step, read_manifest(path).score))
        except Damage as error:
            _note(faults, path, before, error)
    return [one.step for one in best_first(scores)]


def _note(faults: Faults, path: Path, before: object, error: Damage) -> None:
    # Taken away under the reader is not damaged; there is a newer one by now.
    if _identity(path) != before:
        raise _Race
    faults[path] = str(error)


def _identity(path: Path) -> object:
    try:
        status = os.lstat(path)
    except OSError:
        raise _Race from None
    return status.st_dev, status.st_ino, status.st_mtime_ns


class Store:
    """The checkpoints of a run; made by `Store.open`.

    Attributes:
        root: the folder.
        keep: how many of the newest stay; the one with the lowest score stays, too.
        problems: a line for each damaged checkpoint that the latest search passed over,
            or, before any, one where the system has no locks. `save` neither counts nor
            removes a damaged checkpoint.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as root, Store.open(root) as store:
        ...     store.save(1, {"w": np.float32([1, 2])}, {"epoch": 1}, score=0.5)
        ...     found = store.latest()
        >>> found.step, found.arrays, found.meta, found.score
        (1, {'w': array([1., 2.], dtype=float32)}, {'epoch': 1}, 0.5)
    """

    def __init__(self, root: Path, keep: int, held: Hold) -> None:
        self.root = root
        self.keep = keep
        self.problems: list[str] = []
        self._held: Hold | None = held
        self._faulty: set[Path] = set()
        self._alone = held.alone
        self._in_use = False
        if not held.alone:
            self.problems = [f"{root}: no locks here; let no other run use it"]

    @classmethod
    @contextmanager
    def open(cls, root: str | os.PathLike[str], keep: int = 3) -> Iterator[Store]:
        """Hold the folder, made where it is missing, to the end of the block.

        Where nothing is saved, the folder is afterwards as it was before, or not there.

        Raises:
            ValueError: `keep` is less than 1.
            ConfigError: another run holds the folder, or it cannot be written to.
        """
        if type(keep) is not int or keep < 1:
            raise ValueError(f"keep must be a whole number from 1, but got {keep!r}")
        root = Path(root)
        with _one_line(f"checkpoint folder {root} cannot be used"):
            held = _take_folder(root)
        store = cls(root, keep, held)
        try:
            yield store
        finally:
            store._held = None
            held.release()

    def save(
        self,
        step: int,
        arrays: Mapping[str, np.ndarray],
        meta: Any = None,
        score: float | None = None,
    ) -> None:
        """Write a checkpoint to disk, then remove those that need not stay.

        A checkpoint of that step is replaced, or left where it is the same.

        Args:
            step: a whole number from 0.
            arrays: NumPy arrays by name, of truth values, integers of 8 to 64 bits or
                floats of 16 to 64 bits, bfloat16 included.
            meta: any JSON. Infinities and NaN are kept; tuples become lists.
            score: lower is better, NaN is none.

        Raises:
            ConfigError: it cannot be written, in one line; the others are as they were.
            TypeError, ValueError: something cannot be stored; the message says what.
        """
        files = checkpoint_files(step, arrays, meta, score)
        path = self.root / step_name(step)
        with _one_line(f"checkpoint {path} cannot be written"):
            self._begin()
            if not _is_there(path, files):
                _write(path, files)
        self._faulty.discard(path)
        self._prune(step)
        self.clear()

    def drop_after(self, step: int) -> None:
        """Remove the checkpoints of later steps: the run goes on from this one.

        Raises:
            ConfigError: one cannot be removed.
        """
        self._begin()
        for later, path in folders(self.root).items():
            if later > step:
                with _one_line(f"later checkpoint {path} cannot be removed"):
                    # Hidden first: killed in mid-removal, it is no checkpoint any more.
                    os.rename(path, hidden_name(self.root / step_name(later)))
        self.clear()

    def latest(self) -> Checkpoint | None:
        """The newest whole checkpoint, or None where there are none.

        Raises:
            ConfigError: there are some, and none is whole; a reason is given for each.
        """
        return self._search(best=False)

    def best(self) -> Checkpoint | None:
        """The whole checkpoint with the lowest score, the earlier of equals.

        Raises:
            ConfigError: there are damaged ones, and none with a score is whole.
        """
        return self._search(best=True)

    def _search(self, best: bool) -> Checkpoint | None:
        checkpoint, faults = search(self.root, best)
        self.problems = [f"{path}: {reason}" for path, reason in faults.items()]
        self._faulty.update(faults)
        return checkpoint

    def _begin(self) -> None:
        """Check that the folder is still this run's; before the first write, clear it.

        Until then nothing in it was changed: the run could still be refused.
        """
        if self._held is None:
            raise ValueError(f"the store of {self.root} is closed")
        # The folder may have been removed, and made anew by a run that holds it now.
        with suppress(FileNotFoundError):
            status = os.stat(self.root / LOCK)
            if not os.path.samestat(status, os.fstat(self._held.handle)):
                raise ConfigError(
                    f"checkpoint folder {self.root} was replaced by another one"
                )
        if not self._in_use:
            self._in_use = True
            for path in self._held.stay():
                sync_folder(path.parent)
            self.clear()

    def _prune(self, newest: int) -> None:
        """Remove what need not stay; what was just saved stays."""
        paths = folders(self.root)
        whole = [one for one in map(self._score, paths.items()) if one is not None]
        stay = {newest, *steps_to_keep(whole, self.keep)}
        for step in (one.step for one in whole if one.step not in stay):
            with _one_line(f"old checkpoint {paths[step]} cannot be removed"):
                # Hidden first: killed in mid-removal, it is no checkpoint any more.
                old = hidden_name(self.root / step_name(step))
                os.rename(paths[step], old)
            remove(old)

    def _score(self, item: tuple[int, Path]) -> Score | None:
        step, path = item
        if path in self._faulty:
            return None
        try:
            return Score(step, read_manifest(path).score)
        except Damage:
            return None

    def clear(self) -> None:
        """Remove what a killed run left half done, or put it back where it was whole.

        Raises:
            ConfigError: something cannot be removed.
        """
        if not self._alone:
            return  # It may be another run's.
        with _one_line(f"checkpoint folder {self.root} cannot be cleared"):
            for path in sorted(self.root.iterdir()):
                final = plain_name(path)
                if is_old(path) and final and not os.path.lexists(final):
                    os.rename(path, final)
                elif final:
                    remove(path)


def _take_folder(root: Path) -> Hold:
    try:
        return hold(root)
    except BlockingIOError:
        raise ConfigError(
            f"checkpoint folder {root} is in use by another run: give another "
            "folder, or wait for that run to end"
        ) from None


def _is_there(path: Path, files: Mapping[str, bytes]) -> bool:
    try:
        read_folder(path)
        return (path / MANIFEST).read_bytes() == files[MANIFEST]
    except (Damage, OSError):
        return False


def _write(path: Path, files: Mapping[str, bytes]) -> None:
    part, old = hidden_name(path), hidden_name(path, OLD)
    try:
        write_folder(part, files)
        _put(part, path, old)
    except BaseException:
        remove(part)
        raise
    sync_folder(path.parent)
    remove(old)


def _put(part: Path, path: Path, old: Path) -> None:
    """Give a folder its name; what has it now is named `old`."""
    if not os.path.lexists(path):
        os.rename(part, path)
        return
    os.rename(path, old)
    try:
        os.rename(part, path)
    except BaseException:
        if not os.path.lexists(path):
            os.rename(old, path)
        raise


@contextmanager
def _one_line(what: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ConfigError(f"{what}: {error.strerror or error}") from error
