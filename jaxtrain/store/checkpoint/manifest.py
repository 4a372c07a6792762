"""Files of a checkpoint with their sizes and hashes, checked when read."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
import stat
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from jaxtrain.store import codec
from jaxtrain.store.codec import Damage

# Flags that some systems lack. A pipe under a file's name must not keep a reader
# waiting, and a link must not lead out of the folder.
_COMMON = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _COMMON
_READ = os.O_RDONLY | _COMMON | getattr(os, "O_NOFOLLOW", 0)
_READ |= getattr(os, "O_NONBLOCK", 0)

_NO_SYNC = {errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS}


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
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(handle, rest) :]
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
        if error.errno not in _NO_SYNC:
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
        Damage: it is missing, a link, no plain file, of another size, or unreadable.
    """
    try:
        handle = os.open(path, _READ)
        with open(handle, "rb") as file:
            _check_size(path.name, os.fstat(handle), most, exactly)
            data = file.read(most + 1)
    except FileNotFoundError:
        raise Damage(f"{path.name} is missing") from None
    except OSError as error:
        reason = "is a link" if os.path.islink(path) else f"fails: {error.strerror}"
        raise Damage(f"{path.name} {reason}") from None
    except MemoryError:
        raise Damage(f"{path.name} of {most} bytes does not fit in memory") from None
    if len(data) > most or (exactly and len(data) < most):
        raise Damage(f"{path.name} changes while it is read")
    return data


def check_size(path: Path, size: int) -> None:
    """Raise `Damage` unless `path` is a file, and no link, of `size` bytes."""
    try:
        status = os.lstat(path)
    except OSError as error:
        raise Damage(f"{path.name} fails: {error.strerror}") from None
    _check_size(path.name, status, size, True)


def _check_size(name: str, status: os.stat_result, most: int, exactly: bool) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise Damage(f"{name} is no plain file")
    if status.st_size > most or (exactly and status.st_size < most):
        bound = "must be" if exactly else "may be at most"
        raise Damage(f"{name} is {status.st_size} bytes long, and {bound} {most}")


VERSION = 1
SCHEMA = f"jaxtrain.checkpoint/{VERSION}"
_SCHEMAS = r"jaxtrain\.checkpoint/([1-9][0-9]{0,8})"
MANIFEST, STATE, ARRAYS = "manifest.json", "state.json", "state.safetensors"
CONTENTS = (ARRAYS, STATE)
"""The files that a manifest vouches for."""


class Entry(NamedTuple):
    """A file as it must be."""

    size: int
    """In bytes."""
    sha256: str


class Manifest(NamedTuple):
    """A checkpoint as it must be."""

    step: int
    score: float | None
    files: Mapping[str, Entry]


def manifest_of(
    step: int, score: float | None, contents: Mapping[str, bytes]
) -> Manifest:
    """The manifest of these files."""
    entries = {name: entry_of(data) for name, data in contents.items()}
    return Manifest(step, score, entries)


def entry_of(data: bytes) -> Entry:
    """The file that holds `data`."""
    return Entry(len(data), hashlib.sha256(data).hexdigest())


def encode(manifest: Manifest) -> bytes:
    """The manifest as it stands in its file."""
    files = {name: entry._asdict() for name, entry in manifest.files.items()}
    return codec.encode(
        {
            "schema": SCHEMA,
            "step": manifest.step,
            "score": manifest.score,
            "files": files,
        }
    )


def decode(data: bytes) -> Manifest:
    """What `encode` was given.

    Raises:
        Damage: the bytes are not those that `encode` gives, or are of a newer version.
    """
    content = codec.decode(data)
    check_schema(content)
    try:
        files = {name: Entry(**entry) for name, entry in content["files"].items()}
        manifest = Manifest(content["step"], content["score"], files)
    except (TypeError, LookupError, AttributeError):
        raise Damage("is not of this schema") from None
    _check(manifest)
    # No hash vouches for the manifest itself. That it is written as it would be
    # written leaves a flipped bit nowhere to hide but in what the hashes cover.
    if encode(manifest) != data:
        raise Damage("is not as it was written")
    return manifest


def check_schema(content: Any) -> None:
    """Raise `Damage` unless it is an object of the schema that is known here."""
    schema = content.get("schema") if isinstance(content, dict) else None
    if schema == SCHEMA:
        return
    newer = isinstance(schema, str) and re.fullmatch(_SCHEMAS, schema)
    if newer and int(newer[1]) > VERSION:
        raise Damage(f"was written by a newer version: {schema}, and not {SCHEMA}")
    raise Damage(f"has {_quote(schema)} as its schema, and not {SCHEMA!r}")


def _check(manifest: Manifest) -> None:
    step, score, files = manifest
    if type(step) is not int or step < 0:
        raise Damage(f"has {_quote(step)} as its step")
    if score is not None and type(score) is not float:
        raise Damage(f"has {_quote(score)} as its score")
    for name in files:
        if name not in CONTENTS:
            raise Damage(f"lists {name!r:.60}, which is no file of a checkpoint")
    for name in CONTENTS:
        if name not in files:
            raise Damage(f"does not list {name}")
    for name, entry in files.items():
        if type(entry.size) is not int or entry.size < 0:
            raise Damage(f"has {_quote(entry.size)} as the size of {name}")
        if not isinstance(entry.sha256, str):
            raise Damage(f"has {_quote(entry.sha256)} as the SHA-256 of {name}")


def _quote(value: Any) -> str:
    # A hostile list may be nested more deeply than Python can show it.
    plain = value is None or isinstance(value, str | int | float)
    return f"{value!r:.60}" if plain else f"a {type(value).__name__}"
