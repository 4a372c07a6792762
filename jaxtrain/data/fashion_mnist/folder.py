"""Fashion-MNIST's files in a folder, verified by their hashes."""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from jaxtrain.data import idx
from jaxtrain.data.dataset import Bytes, DataError
from jaxtrain.data.fashion_mnist.description import IdxFile, Manifest
from jaxtrain.data.idx import MAGIC, gunzip


def verify(file: IdxFile, data: bytes, manifest: Manifest, where: str) -> bytes:
    """The decompressed bytes of `file`, proved by their SHA-256.

    Args:
        file: what it must be.
        data: what was found, gzipped or not; its first bytes tell, not its name, since
            browsers unpack files and keep the .gz.
        manifest: the data set that `file` belongs to.
        where: the name under which errors speak of the data.

    Raises:
        DataError: it is anything else; the message says what it seems to be.
    """
    if data.startswith(MAGIC):
        data = gunzip(data, file.size, where)
    _check_content(file, idx.decode(data, where), manifest, where)
    _check_hash(file, hashlib.sha256(data).hexdigest(), manifest, where)
    return data


def _check_content(file: IdxFile, array: Bytes, manifest: Manifest, where: str) -> None:
    if array.shape != file.shape:
        raise DataError(
            f"{where} has shape {array.shape}; {manifest.name}'s {file.name} has "
            f"shape {file.shape}, with one label for each image"
        )
    if array.ndim == 1 and array.max(initial=0) >= len(manifest.classes):
        first = int((array >= len(manifest.classes)).argmax())
        raise DataError(
            f"{where} has label {array[first]} at position {first}; labels are 0 to "
            f"{len(manifest.classes) - 1}"
        )


def _check_hash(file: IdxFile, sha256: str, manifest: Manifest, where: str) -> None:
    if sha256 == file.sha256:
        return
    if sha256 in manifest.impostors:
        raise DataError(
            f"{where} is {manifest.impostors[sha256]}, not {manifest.name}; the two "
            "have the same file names and shapes"
        )
    raise DataError(
        f"{where} is not {manifest.name}: its decompressed SHA-256 is {sha256}, "
        f"expected is {file.sha256}; the file is damaged or, like MNIST, another data "
        "set with the same file names and shapes"
    )


SLACK = 1 << 20
"""Gzip adds a little to data that does not compress; more than this is no IDX file."""


def read_folder(
    manifest: Manifest, folder: Path, files: Iterable[IdxFile]
) -> Iterator[tuple[IdxFile, bytes]]:
    """Yield each of `files` in `folder` with its verified decompressed bytes.

    Raises:
        DataError: a file is missing, unreadable or not the one it should be.
    """
    for file in files:
        path = locate(file, folder)
        if path is None:
            raise DataError(f"{folder} has no {file.name} and no {file.name}.gz")
        yield file, verify(file, read_at_most(path, file.size), manifest, str(path))


def locate(file: IdxFile, folder: Path) -> Path | None:
    """The path of `file` in `folder`, the plain one first; None where there is none."""
    for name in (file.name, f"{file.name}.gz"):
        if exists(folder / name):
            return folder / name
    return None


def exists(path: Path) -> bool:
    """Whether there is something at `path`.

    Raises:
        DataError: that cannot be seen, say because a folder above may not be entered.
    """
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read: {reason(error)}") from None
    return True


def read_at_most(path: Path, size: int) -> bytes:
    """The bytes of the regular file `path`, refused unread where far above `size`.

    Raises:
        DataError: unreadable, too large, or a pipe or device, which could block.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise DataError(f"{path} is not a regular file")
        if status.st_size > size + SLACK:
            raise DataError(
                f"{path} has {status.st_size:,} bytes; decompressed it should have "
                f"{size:,}"
            )
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {reason(error)}") from None


def user_folder(manifest: Manifest, folder: Path) -> Path:
    """Where in the user's `folder` the files lie: in it, or as torchvision lays them.

    Raises:
        DataError: there is no such folder, or files are missing; they are named.
    """
    if not exists(folder):
        raise DataError(f"data folder {folder} does not exist")
    if not folder.is_dir():
        raise DataError(f"data folder {folder} is not a folder")
    places = (folder, folder / "FashionMNIST" / "raw", folder / "raw")
    best = min(places, key=lambda place: len(_missing(manifest, place)))
    if missing := _missing(manifest, best):
        raise DataError(
            f"data folder {best} lacks {', '.join(missing)} (with or without .gz); "
            "the same names are looked for in FashionMNIST/raw and raw below it"
        )
    return best


def _missing(manifest: Manifest, folder: Path) -> list[str]:
    return [file.name for file in manifest.files if locate(file, folder) is None]


def reason(error: Exception) -> str:
    """What the system says of `error`, without the path, which messages name first."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
