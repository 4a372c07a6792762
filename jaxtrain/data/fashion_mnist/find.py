"""Where Fashion-MNIST may be, one place after another, under a lock."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeAlias

from jaxtrain import files as atomic
from jaxtrain.data import idx
from jaxtrain.data.dataset import DataError, Dataset, Split
from jaxtrain.data.fashion_mnist.debian import Package, from_package
from jaxtrain.data.fashion_mnist.description import (
    MIRRORS,
    SYSTEM_FOLDER,
    IdxFile,
    Manifest,
)
from jaxtrain.data.fashion_mnist.download import Limits, OnProgress, from_mirror
from jaxtrain.data.fashion_mnist.folder import (
    exists,
    read_at_most,
    read_folder,
    reason,
    user_folder,
    verify,
)
from jaxtrain.files import try_lock


@contextmanager
def hold_lock(path: Path, patience: float = 1800.0) -> Iterator[bool]:
    """Hold the lock file `path`, waiting up to `patience` seconds for it.

    Yields:
        Whether it is really held: False where the system knows no such locks.

    Raises:
        DataError: another process held it all the while.
        OSError: the file cannot be made.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        yield _acquire(handle, path, patience)
    finally:
        os.close(handle)


def _acquire(handle: int, path: Path, patience: float) -> bool:
    start = time.monotonic()
    notice = False
    while (lock := try_lock(handle)) is None:
        delay = time.monotonic() - start
        if delay > patience:
            raise DataError(
                f"another process has held {path} for {patience:.0f} s; "
                "end it, or set JAXTRAIN_CACHE to another folder"
            )
        if delay > 2 and not notice:
            notice = True
            warnings.warn(f"waiting for another process: {path}", stacklevel=2)
        time.sleep(min(0.1, patience))
    return lock


Contents: TypeAlias = dict[str, bytes]
"""Name of IDX file -> its verified decompressed bytes."""

Source: TypeAlias = Callable[[list[IdxFile]], Iterator[tuple[IdxFile, bytes]]]


@dataclass(frozen=True)
class Places:
    """Everywhere that `auto` looks."""

    cache: Path
    system: Path = SYSTEM_FOLDER
    mirrors: tuple[str, ...] = MIRRORS
    limits: Limits = field(default_factory=Limits)
    package: Package = field(default_factory=Package)

    @property
    def raw(self) -> Path:
        """The folder of the decompressed files; torchvision's, with root=cache."""
        return self.cache / "FashionMNIST" / "raw"


class _CacheError(Exception):
    """The cache cannot be written."""


def default_cache() -> Path:
    """$JAXTRAIN_CACHE, else $XDG_CACHE_HOME/jaxtrain, else ~/.cache/jaxtrain.

    Raises:
        DataError: there is no home folder to fall back on.
    """
    if path := os.environ.get("JAXTRAIN_CACHE"):
        return Path(os.path.expanduser(path))
    root = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if root.is_absolute():  # the XDG specification has relative ones ignored
        return root / "jaxtrain"
    try:
        return Path.home() / ".cache" / "jaxtrain"
    except RuntimeError:
        raise DataError(
            "this user has no home folder to keep data in; "
            "set JAXTRAIN_CACHE to a folder that can be written"
        ) from None


def from_folder(manifest: Manifest, folder: Path) -> Dataset:
    """The data set in the user's own `folder`; nothing is fetched or written.

    Raises:
        DataError: a file is missing or not the one it should be.
    """
    place = user_folder(manifest, folder)
    contents = dict(_by_name(read_folder(manifest, place, manifest.files)))
    plain = all(
        exists(place / file.name) and (place / file.name).stat().st_size == file.size
        for file in manifest.files
    )
    return _dataset(manifest, contents, str(place), place if plain else None)


def auto(manifest: Manifest, places: Places, progress: OnProgress) -> Dataset:
    """The data set from the first place that has it.

    Raises:
        DataError: no place has it, each with its reason; or the cache cannot be
            written and there is no system-wide copy.
    """
    contents, _ = _read_cache(manifest, places.raw)
    if len(contents) == len(manifest.files):
        return _dataset(manifest, contents, str(places.raw), places.raw)
    try:
        contents, origins = _fill(manifest, places, progress)
    except _CacheError as error:
        return _read_system_copy(manifest, places, str(error))
    source = ", from ".join([str(places.raw), *origins])
    return _dataset(manifest, contents, source, places.raw)


def _read_cache(manifest: Manifest, raw: Path) -> tuple[Contents, list[str]]:
    """What the cache holds, and what is wrong with the rest of it."""
    contents: Contents = {}
    faults = []
    for file in manifest.files:
        path = raw / file.name
        try:
            if exists(path):
                contents[file.name] = _read_plain(file, path, manifest)
        except DataError as error:
            faults.append(str(error))
    return contents, faults


def _read_plain(file: IdxFile, path: Path, manifest: Manifest) -> bytes:
    data = read_at_most(path, file.size)
    if verify(file, data, manifest, str(path)) is not data:
        raise DataError(f"{path} is gzipped, which other readers do not expect")
    return data


def _fill(
    manifest: Manifest, places: Places, progress: OnProgress
) -> tuple[Contents, list[str]]:
    """Complete the cache; its contents, and the names of the sources that gave them."""
    origins = []
    with _hold_cache(places.raw):
        contents, faults = _read_cache(manifest, places.raw)
        for fault in faults:
            warnings.warn(f"not trusted and fetched again: {fault}", stacklevel=4)
        tries = [f"{places.raw}: {'; '.join(faults) or 'not all files are there'}"]
        for name, source in _sources(manifest, places, progress):
            missing = [file for file in manifest.files if file.name not in contents]
            try:
                for file, data in source(missing) if missing else ():
                    _store(places.raw / file.name, data)
                    contents[file.name] = data
                    origins.append(name)
            except DataError as error:
                tries.append(f"{name}: {error}")
    if len(contents) < len(manifest.files):
        raise DataError(_advice(manifest, places, tries))
    return contents, list(dict.fromkeys(origins))


def _sources(
    manifest: Manifest, places: Places, progress: OnProgress
) -> Iterator[tuple[str, Source]]:
    """The sources outside the cache, in the order in which they are asked."""
    yield str(places.system), partial(read_folder, manifest, places.system)
    for base in places.mirrors:
        yield (
            base,
            partial(
                from_mirror, manifest, base, limits=places.limits, progress=progress
            ),
        )
    yield (
        f"package {places.package.name}",
        partial(from_package, manifest, places.package, progress=progress),
    )


@contextmanager
def _hold_cache(raw: Path) -> Iterator[None]:
    with ExitStack() as stack:
        with _cache_errors():
            raw.mkdir(parents=True, exist_ok=True)
            lock = stack.enter_context(hold_lock(raw / ".lock"))
        if lock:
            atomic.remove_leftovers(raw)
        yield


def _store(path: Path, data: bytes) -> None:
    with _cache_errors():
        atomic.write_bytes(path, data)


@contextmanager
def _cache_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _CacheError(reason(error)) from error


def _read_system_copy(manifest: Manifest, places: Places, fault: str) -> Dataset:
    """The system-wide copy, read where it lies, since the cache cannot be written."""
    trouble = f"the cache {places.cache} cannot be written ({fault})"
    try:
        contents = dict(_by_name(read_folder(manifest, places.system, manifest.files)))
    except DataError as error:
        raise DataError(
            f"{trouble} and there is no system-wide copy of {manifest.name} ({error}); "
            "set JAXTRAIN_CACHE to a folder that can be written, or pass --data DIR "
            "or --data synthetic"
        ) from None
    return _dataset(manifest, contents, f"{places.system}; {trouble}", None)


def _advice(manifest: Manifest, places: Places, tries: list[str]) -> str:
    names = ", ".join(f"{file.name}.gz" for file in manifest.files)
    return "\n  ".join(
        [
            f"{manifest.name} was not found and could not be fetched. Tried:",
            *tries,
            f"Ways out: put {names} into a folder DIR and pass --data DIR; or pass "
            f"--data synthetic for a stand-in drawn by code.",
        ]
    )


def _dataset(
    manifest: Manifest, contents: Contents, source: str, folder: Path | None
) -> Dataset:
    arrays = [idx.decode(contents[file.name], file.name) for file in manifest.files]
    return Dataset(
        name=manifest.name,
        train=Split(*arrays[:2]),
        test=Split(*arrays[2:]),
        classes=manifest.classes,
        source=source,
        sha256={file.name: file.sha256 for file in manifest.files},
        folder=folder,
    )


def _by_name(files: Iterator[tuple[IdxFile, bytes]]) -> Iterator[tuple[str, bytes]]:
    return ((file.name, data) for file, data in files)
