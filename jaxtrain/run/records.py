"""Where a run's history goes: judged before the training, and never lost after it."""

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from jaxtrain import files
from jaxtrain.errors import ConfigError
from jaxtrain.run.history import History
from jaxtrain.store.run_folder.folder import FILES, FOLDERS, is_run


class _Probe(Exception):
    """Ends a trial of writing before the file takes its name."""


def check_destination(
    path: Path, flag: str = "--history", out: Path | None = None
) -> None:
    """Refuse at once what would otherwise be refused when the work is done.

    Args:
        path: the file that is to be written.
        flag: the option that asks for it.
        out: the folder that a run is about to write to.

    Raises:
        ConfigError: nothing can be written under that name, or a run's own file is
            there.
    """
    try:
        _check_not_of_a_run(path, flag, out)
        if not path.parent.is_dir():
            raise ConfigError(f"{flag} {path}: there is no folder {path.parent}")
        if os.path.lexists(path):
            _check_replaceable(path, flag)
        with suppress(_Probe), files.open_atomic(path):
            raise _Probe
    except OSError as error:
        raise ConfigError(
            f"{flag} {path} cannot be written: {error.strerror}"
        ) from error


def _check_not_of_a_run(path: Path, flag: str, out: Path | None) -> None:
    place = path.resolve()
    for folder in place.parents:
        inside = place.relative_to(folder)
        own = str(inside) in FILES or inside.parts[0] in FOLDERS
        if own and ((out and folder == out.resolve()) or is_run(folder)):
            raise ConfigError(
                f"{flag} {path} is what the run in {folder} keeps: give another name"
            )


def _check_replaceable(path: Path, flag: str) -> None:
    # The finished file takes the name of what is there. Nobody means that for a device
    # or a pipe, nor for a link such as /dev/stdout.
    mode = path.lstat().st_mode
    if not stat.S_ISREG(mode):
        kind = "a folder" if stat.S_ISDIR(mode) else "a link, a device or a pipe"
        raise ConfigError(
            f"{flag} {path} is {kind}; it must be a file, or not exist yet"
        )


@contextmanager
def save_history(history: History, path: Path | None) -> Iterator[None]:
    """Write what the block adds to a history, however the block ends.

    Raises:
        ConfigError: it cannot be written there; the message says where it is instead.
        OSError: it could be written nowhere.
    """
    try:
        yield
    except BaseException as error:
        note = save(history, path)
        if note is not None and isinstance(error, KeyboardInterrupt):
            error.add_note(note)
        raise
    save(history, path)


def save(history: History, path: Path | None) -> str | None:
    """Write a history of a run that has begun; gives what to say if it breaks off.

    Raises:
        ConfigError: as for `save_history`.
        OSError: as for `save_history`.
    """
    if path is None or not history.versions:
        return None
    try:
        history.save(path)
    except OSError as error:
        refuge = Path(tempfile.mkdtemp(prefix="jaxtrain-"), path.name)
        history.save(refuge)
        raise ConfigError(
            f"--history {path} cannot be written: {error.strerror}; it is in {refuge}"
        ) from error
    return f"what was done until then is in {path}"
