"""Files that are whole or absent, and locks that a holder's death drops.

The bytes go to a temporary name in the same folder, reach the disk, and only then take
the final name. A crash at any moment leaves the old file or the new one.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from jaxtrain.errors import ConfigError

SUFFIX = ".part"
_parts: set[Path] = set()


@contextmanager
def open_atomic(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open `path` for writing; it takes its name when the block ends without error.

    Where the block raises, the temporary file is removed and `path` stays as it was.
    A symbolic link at `path` is replaced, not followed.

    Raises:
        OSError: the folder is missing or read-only, the disk is full, or `path` is a
            folder.
    """
    target = Path(path)
    part = target.with_name(f".{target.name}.{secrets.token_hex(6)}{SUFFIX}")
    _parts.add(part)
    try:
        with _create(part) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, target)
    except BaseException:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise
    finally:
        _parts.discard(part)
    _sync_folder(target.parent)


def write_bytes(path: str | os.PathLike[str], data: bytes | memoryview) -> None:
    """Write `data` to `path` atomically.

    Raises:
        OSError: as for `open_atomic`.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_bytes(Path(folder, "a"), b"new")
    ...     Path(folder, "a").read_bytes(), len(os.listdir(folder))
    (b'new', 1)
    """
    with open_atomic(path) as file:
        file.write(data)


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write `text` to `path` atomically, as UTF-8 and with its line ends as they are.

    Raises:
        OSError: as for `open_atomic`.
    """
    write_bytes(path, text.encode("utf-8"))


def remove_parts() -> None:
    """Remove the temporary files of blocks that will not come to their end."""
    for part in list(_parts):
        with suppress(OSError):
            part.unlink(missing_ok=True)


def remove_leftovers(folder: str | os.PathLike[str]) -> None:
    """Remove the temporary files that killed writers left in `folder`.

    Call it only where no other process writes to the folder, say under a lock.
    """
    for part in Path(folder).glob(f".*{SUFFIX}"):
        with suppress(OSError):
            part.unlink()


def _create(part: Path) -> BinaryIO:
    # Mode "x" never follows a link laid under the name, and keeps the user's umask,
    # where mkstemp's 0600 would lock other users out of a shared folder.
    return open(part, "xb")


def _sync_folder(folder: Path) -> None:
    # A rename survives power loss only once the folder is on disk. Some file systems
    # and Windows cannot sync a folder; the file itself is whole all the same.
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


LOCK = ".lock"
"""The file in a folder whose lock is that of the folder."""

_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL}


def try_lock(handle: int) -> bool | None:
    """Lock an open file without waiting; closing the file unlocks it.

    Args:
        handle: the file's descriptor.

    Returns:
        True: taken. False: no such locks here. None: somebody else has it.

    Raises:
        OSError: it fails for another reason.

    Example:
        >>> import tempfile
        >>> with tempfile.NamedTemporaryFile() as file, open(file.name) as again:
        ...     try_lock(file.fileno()), try_lock(again.fileno())
        (True, None)
    """
    try:
        import fcntl
    except ImportError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return None
    except OSError as error:
        if error.errno in _NO_LOCKS:
            return False
        raise
    return True


def read_bytes(path: Path, most: int) -> bytes:
    """All of a plain file that is not larger than `most` bytes.

    Raises:
        ConfigError: it cannot be read, is larger, or is a pipe or a device.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise ConfigError(f"{path} is not a file")
        if status.st_size > most:
            raise ConfigError(
                f"{path} has {status.st_size:,} bytes; at most {most:,} are read"
            )
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error


class Hold:
    """A folder that no other process may take; made by `hold`.

    Attributes:
        handle: descriptor of the lock file.
        alone: whether the system has locks; where not, others cannot be kept out.
    """

    def __init__(self, handle: int, alone: bool, new: list[Path]):
        self.handle, self.alone, self._new = handle, alone, new

    def stay(self) -> list[Path]:
        """Leave what was made when the folder is let go; gives it, once."""
        paths, self._new = self._new, []
        return paths

    def release(self) -> None:
        """Let go: what was made for nothing is removed while nobody else has it."""
        _unmake(self._new)
        os.close(self.handle)


def hold(folder: Path) -> Hold:
    """Take a folder for this process, made with its parents where they are missing.

    Raises:
        BlockingIOError: another process has it.
        OSError: it cannot be made or locked.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as parent:
        ...     mine = hold(Path(parent, "run"))
        ...     mine.release()
        ...     os.listdir(parent)
        []
    """
    while True:
        paths = [path for path in (folder, *folder.parents) if not path.exists()]
        try:
            folder.mkdir(parents=True, exist_ok=True)
            handle = _open(folder / LOCK, paths)
        except BaseException:
            _unmake(paths)
            raise
        result = _take(folder / LOCK, handle, paths)
        if result is not None:
            return result


def _open(path: Path, paths: list[Path]) -> int:
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0)
    try:
        handle = os.open(path, flags | os.O_EXCL, 0o666)
    except FileExistsError:
        return os.open(path, flags, 0o666)
    paths.insert(0, path)
    return handle


def _take(path: Path, handle: int, paths: list[Path]) -> Hold | None:
    """The folder, taken; None where the lock file was removed under its new owner."""
    try:
        alone = try_lock(handle)
        if alone is None:
            raise BlockingIOError(errno.EWOULDBLOCK, "another process has it")
        if os.path.samestat(os.stat(path), os.fstat(handle)):
            return Hold(handle, alone, paths)
    except FileNotFoundError:
        pass
    except BaseException:
        os.close(handle)
        raise
    os.close(handle)
    return None


def _unmake(paths: list[Path]) -> None:
    """Remove a lock file and empty folders, the innermost first."""
    for path in paths:
        with suppress(OSError):
            path.unlink() if path.name == LOCK else path.rmdir()
