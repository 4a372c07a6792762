"""Files of a run's folder, row by row."""

import csv
import hashlib
import io
import json
import os
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from jaxtrain import files
from jaxtrain.errors import ConfigError
from jaxtrain.store.codec import jsonable

MetricsRow = dict[str, Any]


@contextmanager
def one_line_errors(path: Path) -> Iterator[None]:
    """Make a `ConfigError` that names `path` of any `OSError` in the block."""
    try:
        yield
    except OSError as error:
        raise ConfigError(
            f"--out: {path} cannot be written: {error.strerror or error}"
        ) from error


def append(path: Path, data: bytes) -> None:
    """Add whole lines to a file that exists, in one write.

    The file is opened anew each time: a file that was removed or moved away in mid-run
    would otherwise take all that follows with it, and nobody would know. A write that
    fails leaves the file as it was.

    Raises:
        ConfigError: the file is gone or cannot be written.
    """
    with one_line_errors(path):
        handle = os.open(path, os.O_WRONLY | os.O_APPEND)
        try:
            _write_or_undo(handle, data)
        finally:
            os.close(handle)


def _write_or_undo(handle: int, data: bytes) -> None:
    size = os.fstat(handle).st_size
    rest = memoryview(data)
    try:
        while rest:
            rest = rest[os.write(handle, rest) :]
    except OSError:
        # A disk that fills up takes the beginning of the lines: no torn line stays.
        with suppress(OSError):
            os.ftruncate(handle, size)
        raise


def replace(path: Path, data: bytes) -> None:
    """Write a whole file; it is the old one or the new one, and never a part.

    Raises:
        ConfigError: it cannot be written.
    """
    with one_line_errors(path):
        files.write_bytes(path, data)


def remove(path: Path) -> None:
    """Remove a file, if it is there.

    Raises:
        ConfigError: it is there to stay.
    """
    with one_line_errors(path):
        path.unlink(missing_ok=True)


_TAIL = b',"crc32":"'
_SEAL = len(_TAIL) + 10
"""Bytes at the end of a line: eight digits, and what closes the object."""


def lines(rows: Iterable[Mapping[str, Any]]) -> bytes:
    """One JSON object a line; its last key is the CRC-32 of the object without it.

    A checksum of its own, and none in another file: a line and its checksum are
    written at once or not at all.

    Example:
        >>> lines([{"kind": "step", "loss": 2.5}])
        b'{"kind":"step","loss":2.5,"crc32":"7a22af60"}\\n'
    """
    plain = (jsonable(row, figures=True) for row in rows)
    texts = (json.dumps(row, separators=(",", ":"), allow_nan=False) for row in plain)
    return b"".join(_seal(line.encode("ascii")) for line in texts)


def _seal(line: bytes) -> bytes:
    return b'%s%s%08x"}\n' % (line[:-1], _TAIL, zlib.crc32(line))


def strip_seal(line: bytes) -> bytes:
    """The object of a line without its checksum.

    Raises:
        ValueError: it has none, or another one.
    """
    content, seal = line[:-_SEAL] + b"}", line[-_SEAL:]
    if not (seal.startswith(_TAIL) and seal.endswith(b'"}')):
        raise ValueError("it has no checksum")
    if seal[len(_TAIL) : -2] != b"%08x" % zlib.crc32(content):
        raise ValueError("it does not match its checksum")
    return content


def has_seals(data: bytes) -> bool:
    """Whether lines have checksums; those of earlier versions have none."""
    return _TAIL in data


def object_with_seal(content: Mapping[str, Any]) -> bytes:
    """A JSON object as a file: its last key is the SHA-256 of the file without it.

    Example:
        >>> b"sha256" in object_with_seal({"schema": "jaxtrain.run/2"})
        True
    """

    def text(content: Mapping[str, Any]) -> bytes:
        return (json.dumps(jsonable(content), indent=1) + "\n").encode("ascii")

    sha256 = hashlib.sha256(text(content)).hexdigest()
    return text({**content, "sha256": sha256})


class Table:
    """A CSV file; the first row says which columns there are."""

    def __init__(self, path: Path):
        self.path = path
        self.columns: list[str] = []

    def begin(self, rows: Sequence[MetricsRow]) -> None:
        """Hold these rows and no others; without any there is no file."""
        self.columns = []
        remove(self.path)
        self.add(rows)

    def add(self, rows: Sequence[MetricsRow]) -> None:
        """Add rows at the end."""
        if not rows:
            return
        if self.columns:
            append(self.path, self._text(rows, head=False))
        else:
            self.columns = list(cells(rows[0]))
            replace(self.path, self._text(rows, head=True))

    def _text(self, rows: Sequence[MetricsRow], head: bool) -> bytes:
        text = io.StringIO()
        writer = csv.DictWriter(
            text, self.columns, extrasaction="ignore", lineterminator="\n"
        )
        if head:
            writer.writeheader()
        writer.writerows(map(cells, rows))
        return text.getvalue().encode()

    def read(self) -> list[Mapping[str, str]]:
        """What the file holds, as text; nothing vouches for it."""
        try:
            data = self.path.read_bytes().decode()
            return list(csv.DictReader(io.StringIO(data, newline="")))
        except (OSError, ValueError, csv.Error):
            return []


def cells(row: MetricsRow) -> MetricsRow:
    """A row as a table holds it: a column for each value of a list, nothing for NaN.

    Example:
        >>> cells({"kind": "step", "loss": float("nan"), "lr": [0.1, 0.2]})
        {'loss': '', 'lr.0': 0.1, 'lr.1': 0.2}
    """
    values: MetricsRow = {}
    for name, value in row.items():
        if isinstance(value, list):
            values |= {f"{name}.{index}": item for index, item in enumerate(value)}
        elif isinstance(value, dict):
            values |= {f"{name}.{key}": item for key, item in value.items()}
        elif name != "kind":
            values[name] = value
    return {name: "" if value != value else value for name, value in values.items()}
