"""The newest or the best checkpoint that is whole."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from jaxtrain.checkpoint._damaged import Damaged
from jaxtrain.checkpoint._folder import Checkpoint, read_folder, read_manifest
from jaxtrain.checkpoint._names import is_replaced, step_of
from jaxtrain.checkpoint._retention import Scored, best_first
from jaxtrain.registry import ConfigError

_PATIENCE = 100
"""Times that a search begins again because its checkpoint was taken away."""

Faults = dict[Path, str]
"""Folder of a damaged checkpoint -> what is wrong with it."""


class Found(NamedTuple):
    """What a search found, and what it passed over."""

    checkpoint: Checkpoint | None
    problems: list[str]
    """A line for each damaged checkpoint that was passed over."""


class _Gone(Exception):
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
        except _Gone:
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
    hidden = {step_of(p.name): p for p in paths if is_replaced(p)}
    plain = {step_of(p.name): p for p in paths if not p.name.startswith(".")}
    found = {**hidden, **plain}
    return {step: found[step] for step in sorted(s for s in found if s is not None)}


def _search_once(root: Path, best: bool) -> tuple[Checkpoint | None, Faults]:
    faults: Faults = {}
    paths = folders(root)
    for step in _by_score(paths, faults) if best else reversed(paths):
        before = _identity(paths[step])
        try:
            return read_folder(paths[step]), faults
        except Damaged as error:
            _note(faults, paths[step], before, error)
    return None, faults


def _by_score(paths: dict[int, Path], faults: Faults) -> list[int]:
    found = []
    for step, path in paths.items():
        before = _identity(path)
        try:
            found.append(Scored(step, read_manifest(path).score))
        except Damaged as error:
            _note(faults, path, before, error)
    return [scored.step for scored in best_first(found)]


def _note(faults: Faults, path: Path, before: object, error: Damaged) -> None:
    # Taken away under the reader is not damaged; there is a newer one by now.
    if _identity(path) != before:
        raise _Gone
    faults[path] = str(error)


def _identity(path: Path) -> object:
    try:
        found = os.lstat(path)
    except OSError:
        raise _Gone from None
    return found.st_dev, found.st_ino, found.st_mtime_ns
