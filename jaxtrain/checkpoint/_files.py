"""Files and folders that are on disk, and not only in memory, when they are written."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from jaxtrain.checkpoint._damaged import Damaged

# Flags that some systems lack. A pipe under a file's name must not keep a reader
# waiting, and a link must not lead out of the folder.
_COMMON = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _COMMON
_READ = os.O_RDONLY | _COMMON | getattr(os, "O_NOFOLLOW", 0)
_READ |= getattr(os, "O_NONBLOCK", 0)

_NOT_SYNCED = {errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS}


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it, where they are missing.

    Raises:
        OSError: it cannot be made.
    """
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for path in missing:
        sync_folder(path.parent)


def write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Make the folder with these files, written one after another.

    Raises:
        OSError: it cannot be made; what there is of it stays.
    """
    os.mkdir(folder)
    for name, data in files.items():
        _write_file(folder / name, data)
    sync_folder(folder)


def _write_file(path: Path, data: bytes) -> None:
    handle = os.open(path, _CREATE, 0o666)
    try:
        left = memoryview(data)
        while left:
            left = left[os.write(handle, left) :]
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to disk.

    Raises:
        OSError: the disk fails; not where folders cannot be synced at all.
    """
    if os.name == "nt":
        return  # Windows opens no folders.
    handle = os.open(folder, os.O_RDONLY | _COMMON)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in _NOT_SYNCED:
            raise
    finally:
        os.close(handle)


def remove(path: Path) -> None:
    """Remove a file, a link or a folder as far as possible, following no link."""
    with suppress(OSError):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink()


def read_file(path: Path, most: int, exactly: bool = True) -> bytes:
    """The bytes of a file of `most` bytes; where not `exactly` so many, fewer will do.

    Raises:
        Damaged: it is missing, a link, no plain file, of another size, or unreadable.
    """
    try:
        handle = os.open(path, _READ)
        with open(handle, "rb") as file:
            _check_size(path.name, os.fstat(handle), most, exactly)
            data = file.read(most + 1)
    except FileNotFoundError:
        raise Damaged(f"{path.name} is missing") from None
    except OSError as error:
        reason = "is a link" if os.path.islink(path) else f"fails: {error.strerror}"
        raise Damaged(f"{path.name} {reason}") from None
    except MemoryError:
        raise Damaged(f"{path.name} of {most} bytes does not fit in memory") from None
    if len(data) > most or (exactly and len(data) < most):
        raise Damaged(f"{path.name} changes while it is read")
    return data


def check_size(path: Path, size: int) -> None:
    """Raise `Damaged` unless `path` is a file, and no link, of `size` bytes."""
    try:
        found = os.lstat(path)
    except OSError as error:
        raise Damaged(f"{path.name} fails: {error.strerror}") from None
    _check_size(path.name, found, size, True)


def _check_size(name: str, found: os.stat_result, most: int, exactly: bool) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise Damaged(f"{name} is no plain file")
    if found.st_size > most or (exactly and found.st_size < most):
        bound = "must be" if exactly else "may be at most"
        raise Damaged(f"{name} is {found.st_size} bytes long, and {bound} {most}")
