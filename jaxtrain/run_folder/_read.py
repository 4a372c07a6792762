"""Rows read back from `metrics.jsonl`: checked, since anybody may have written it."""

import json
import stat
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from jaxtrain.registry import ConfigError
from jaxtrain.run_folder._files import Row
from jaxtrain.run_folder._kinds import checked

SCHEMA = "jaxtrain.metrics/1"
MOST_BYTES = 2**31
"""Some twenty million steps."""


class Rows(NamedTuple):
    """What a file holds."""

    rows: list[Row]
    torn: bool
    """Whether its last line was cut off, as by a crash in mid-write."""


def read_rows(path: Path) -> Rows:
    """Read a file of rows; null becomes NaN where a number is meant.

    A last line without its end was never written whole, and is left out.

    Raises:
        ConfigError: the file cannot be read, or a line before its end is damaged.
    """
    *whole, rest = read_bytes(path, MOST_BYTES).split(b"\n")
    rows: list[Row] = []
    for number, line in enumerate(whole, 1):
        try:
            content = _object(line)
            if number == 1:
                _check_schema(content)
                continue
            rows.append(checked(content))
            _check_order(rows)
        except (ValueError, TypeError, LookupError, RecursionError) as error:
            raise ConfigError(f"{path}, line {number} is damaged: {error}") from error
    return Rows(rows, torn=bool(rest) or not whole)


def read_bytes(path: Path, most: int) -> bytes:
    """All of a plain file that is not larger than `most` bytes.

    Raises:
        ConfigError: it cannot be read, is larger, or is a pipe or a device.
    """
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise ConfigError(f"{path} is not a file")
        if found.st_size > most:
            raise ConfigError(
                f"{path} has {found.st_size:,} bytes; at most {most:,} are read"
            )
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error


def read_object(path: Path, schema: str, most: int = 2**24) -> dict[str, Any]:
    """A file that holds one JSON object of a schema.

    Raises:
        ConfigError: it cannot be read, or is something else.
    """
    try:
        content = _object(read_bytes(path, most))
        _check_schema(content, schema)
        return content
    except ConfigError:
        raise
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path} is damaged: {error}") from error


def _object(data: bytes) -> dict[str, Any]:
    content = json.loads(data, parse_constant=_no_constant)
    if not isinstance(content, dict):
        raise ValueError("it is no JSON object")
    return content


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _check_schema(content: dict[str, Any], schema: str = SCHEMA) -> None:
    if content.get("schema") != schema:
        raise ValueError(f"its schema is not {schema} but {content.get('schema')!r}")


def _check_order(rows: list[Row]) -> None:
    """Steps and epochs only ever count upwards."""
    last = rows[-1]
    if last["kind"] not in ("step", "epoch"):
        return
    key = last["kind"]
    for row in reversed(rows[:-1]):
        if row["kind"] == key:
            if row[key] >= last[key]:
                raise ValueError(f"{key} {last[key]} comes after {key} {row[key]}")
            return
