"""A folder of checkpoints that one run at a time writes to."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from jaxtrain.checkpoint._damaged import Damaged
from jaxtrain.checkpoint._files import make_folder, remove, sync_folder, write_folder
from jaxtrain.checkpoint._find import folders, search
from jaxtrain.checkpoint._folder import (
    Checkpoint,
    checkpoint_files,
    read_folder,
    read_manifest,
)
from jaxtrain.checkpoint._manifest import MANIFEST
from jaxtrain.checkpoint._names import REPLACED, hidden, is_replaced, shown, step_name
from jaxtrain.checkpoint._retention import Scored, kept
from jaxtrain.lock import try_lock
from jaxtrain.registry import ConfigError

LOCK = ".lock"


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

    def __init__(self, root: Path, keep: int, handle: int) -> None:
        self.root = root
        self.keep = keep
        self.problems: list[str] = []
        self._handle: int | None = handle
        self._damaged: set[Path] = set()
        self._alone = False

    @classmethod
    @contextmanager
    def open(cls, root: str | os.PathLike[str], keep: int = 3) -> Iterator[Store]:
        """Hold the folder, made where it is missing, to the end of the block.

        What a killed run left half done is removed, or put back where it was whole.

        Raises:
            ValueError: `keep` is less than 1.
            ConfigError: another run holds the folder, or it cannot be written to.
        """
        if type(keep) is not int or keep < 1:
            raise ValueError(f"keep must be a whole number from 1, but got {keep!r}")
        root = Path(root)
        with _one_line(f"checkpoint folder {root} cannot be used"):
            make_folder(root)
            flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0)
            handle = os.open(root / LOCK, flags, 0o666)
        store = cls(root, keep, handle)
        try:
            store._take(handle)
            yield store
        finally:
            store._handle = None
            os.close(handle)

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
            self._check_held()
            if not _is_there(path, files):
                _write(path, files)
        self._damaged.discard(path)
        self._prune(step)
        self._clear()

    def drop_after(self, step: int) -> None:
        """Remove the checkpoints of later steps: the run goes on from this one.

        Raises:
            ConfigError: one cannot be removed.
        """
        for later, path in folders(self.root).items():
            if later > step:
                with _one_line(f"later checkpoint {path} cannot be removed"):
                    # Hidden first: killed in mid-removal, it is no checkpoint any more.
                    os.rename(path, hidden(self.root / step_name(later)))
        self._clear()

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
        self._damaged.update(faults)
        return checkpoint

    def _take(self, handle: int) -> None:
        with _one_line(f"checkpoint folder {self.root} cannot be locked"):
            held = try_lock(handle)
        if held is None:
            raise ConfigError(
                f"checkpoint folder {self.root} is in use by another run: give another "
                "folder, or wait for that run to end"
            )
        self._alone = held
        self._clear()
        if not held:
            self.problems = [f"{self.root}: no locks here; let no other run use it"]

    def _check_held(self) -> None:
        if self._handle is None:
            raise ValueError(f"the store of {self.root} is closed")
        # The folder may have been removed, and made anew by a run that holds it now.
        with suppress(FileNotFoundError):
            found = os.stat(self.root / LOCK)
            if not os.path.samestat(found, os.fstat(self._handle)):
                raise ConfigError(
                    f"checkpoint folder {self.root} was replaced by another one"
                )

    def _prune(self, saved: int) -> None:
        """Remove what need not stay; what was just saved stays."""
        paths = folders(self.root)
        whole = [one for one in map(self._scored, paths.items()) if one is not None]
        stay = {saved, *kept(whole, self.keep)}
        for step in (one.step for one in whole if one.step not in stay):
            with _one_line(f"old checkpoint {paths[step]} cannot be removed"):
                # Hidden first: killed in mid-removal, it is no checkpoint any more.
                old = hidden(self.root / step_name(step))
                os.rename(paths[step], old)
            remove(old)

    def _scored(self, item: tuple[int, Path]) -> Scored | None:
        step, path = item
        if path in self._damaged:
            return None
        try:
            return Scored(step, read_manifest(path).score)
        except Damaged:
            return None

    def _clear(self) -> None:
        """Remove what is hidden, but put back a checkpoint that was to be replaced."""
        if not self._alone:
            return  # It may be another run's.
        with _one_line(f"checkpoint folder {self.root} cannot be cleared"):
            for path in sorted(self.root.iterdir()):
                final = shown(path)
                if is_replaced(path) and final and not os.path.lexists(final):
                    os.rename(path, final)
                elif final:
                    remove(path)


def _is_there(path: Path, files: Mapping[str, bytes]) -> bool:
    try:
        read_folder(path)
        return (path / MANIFEST).read_bytes() == files[MANIFEST]
    except (Damaged, OSError):
        return False


def _write(path: Path, files: Mapping[str, bytes]) -> None:
    part, old = hidden(path), hidden(path, REPLACED)
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
