"""Rows of a run's folder, read with care, and those with which a run goes on."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from jaxtrain.errors import ConfigError
from jaxtrain.events import Resumed, Steps, Warned
from jaxtrain.files import read_bytes
from jaxtrain.store import codec
from jaxtrain.store.run_folder.files import (
    Row,
    Table,
    is_sealed,
    lines,
    sealed_object,
    unsealed,
)
from jaxtrain.store.run_folder.rows import LOST, checked, restored, rows_of_steps

VERSION = 2
SCHEMA = f"jaxtrain.metrics/{VERSION}"
UNSEALED = "jaxtrain.metrics/1"
"""Of earlier versions: rows without checksums."""
ABOUT, UNSEALED_ABOUT = "jaxtrain.run/2", "jaxtrain.run/1"
"""Of what says what a run is, likewise."""
MOST_BYTES = 2**31
"""Some twenty million steps."""


class Rows(NamedTuple):
    """What a file holds."""

    rows: list[Row]
    torn: bool = False
    """Whether its last line was cut off, as by a crash in mid-write."""
    verified: bool = True
    """Whether the lines have checksums, which they matched."""
    damaged: Mapping[int, bytes] = MappingProxyType({})
    """Lines by their numbers, from 1, that are not as they were written."""
    places: Sequence[int] = ()
    """Number of each row's line."""


def read_rows(path: Path, salvage: bool = False) -> Rows:
    """Read a file of rows; null becomes NaN where a number is meant.

    A last line without its end was never written whole, and is left out.

    Args:
        path: the file.
        salvage: leave out damaged lines, too, as long as one is whole.

    Raises:
        ConfigError: the file cannot be read, is of a newer version, or a line before
            its end is damaged.
    """
    data = read_bytes(path, MOST_BYTES)
    *whole, rest = data.split(b"\n")
    verified = is_sealed(data)
    rows: list[Row] = []
    places: list[int] = []
    damaged: dict[int, bytes] = {}
    for number, line in enumerate(whole, 1):
        try:
            row = _row(line, number == 1, verified)
            if row is not None:
                _check_order(rows, row)
                rows.append(row)
                places.append(number)
        except (ValueError, TypeError, LookupError, RecursionError) as error:
            _check_version(path, line)
            if not salvage:
                told = f"{path}, line {number} is damaged: {error}"
                raise ConfigError(told) from error
            damaged[number] = line
    if damaged and not rows:
        raise ConfigError(f"{path} is damaged: no line of it is as it was written")
    return Rows(rows, bool(rest) or not whole, verified, damaged, places)


def _row(line: bytes, first: bool, verified: bool) -> Row | None:
    """The row of a line; None for the first, which says what the others are."""
    content = _object(unsealed(line) if verified else line)
    if not first:
        return checked(content)
    _check_schema(content, SCHEMA if verified else UNSEALED)
    return None


def _check_version(path: Path, line: bytes) -> None:
    """What a newer version wrote is not damaged, and not to be mended."""
    found = re.search(rb'"schema": ?"jaxtrain\.metrics/([0-9]{1,9})"', line)
    if found is not None and int(found[1]) > VERSION:
        newer = f"jaxtrain.metrics/{int(found[1])}"
        raise ConfigError(f"{path} is of the schema {newer}, newer than {SCHEMA}")


def read_about(path: Path, most: int = 2**24) -> tuple[dict[str, Any], bool]:
    """What a run is, and whether a checksum says that it is as it was written.

    Raises:
        ConfigError: it cannot be read, is something else, or is damaged.
    """
    data = read_bytes(path, most)
    try:
        content = _object(data)
        verified = content.get("schema") != UNSEALED_ABOUT
        if verified or "sha256" in content:
            _check_schema(content, ABOUT)
            content.pop("sha256", None)
            if sealed_object(content) != data:
                raise ValueError("it does not match its checksum")
        return content, verified
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path} is damaged: {error}") from error


def _object(data: bytes) -> dict[str, Any]:
    try:
        content = codec.decode(data)
    except codec.Damaged as error:
        raise ValueError(f"it {error}") from None
    if not isinstance(content, dict):
        raise ValueError("it is no JSON object")
    return content


def _check_schema(content: dict[str, Any], schema: str) -> None:
    if content.get("schema") != schema:
        raise ValueError(f"its schema is not {schema} but {content.get('schema')!r}")


def _check_order(before: list[Row], row: Row) -> None:
    """Steps and epochs only ever count upwards."""
    key = row["kind"]
    if key not in ("step", "epoch"):
        return
    for last in reversed(before):
        if last["kind"] == key:
            if last[key] >= row[key]:
                raise ValueError(f"{key} {row[key]} comes after {key} {last[key]}")
            return


WHOLE_NUMBERS = ("step", "epoch", "batch", "steps")
"""Columns of the tables."""


class Mended(NamedTuple):
    """Rows, damaged ones of which may have been made again."""

    rows: list[Row]
    again: list[int]
    """Numbers of damaged lines that were made again."""
    gone: list[int]
    """Numbers of those that could not be."""


def mended(found: Rows, copies: Iterable[Row]) -> Mended:
    """Put a row that is known from elsewhere in the place of its damaged line.

    A copy is taken only where the line's checksum is that of the copy, or where the
    line holds all of the copy and only its checksum is another: nothing is guessed.
    """
    held = {number: [row] for number, row in zip(found.places, found.rows, strict=True)}
    again: list[int] = []
    gone: list[int] = []
    known = _by_checksum(copies) if found.damaged else {}
    for number, line in found.damaged.items():
        keys = [*re.findall(rb'"crc32":"([0-9a-f]{8})"', line), line[:-SEAL_BYTES]]
        rows = [known[key] for key in keys if key in known]
        held[number] = rows
        (again if rows or number == 1 else gone).append(number)
    rows = [row for number in sorted(held) for row in held[number]]
    return Mended(rows, again, gone)


SEAL_BYTES = len(b',"crc32":"01234567"}')


def _by_checksum(copies: Iterable[Row]) -> dict[bytes, Row]:
    known: dict[bytes, Row] = {}
    for row in copies:
        line = lines([row])[:-1]
        known[line[-10:-2]] = known[line[:-SEAL_BYTES]] = row
    return known


def copies(tables: Mapping[str, Table], resumed: Resumed) -> Iterator[Row]:
    """Rows that the spreadsheets and the checkpoint hold, too."""
    for kind, table in tables.items():
        for cells in table.read():
            try:
                yield _row_of_cells(kind, cells)
            except (ValueError, TypeError, AttributeError):
                continue  # It is damaged itself.
    yield from recent_rows(resumed)


def _row_of_cells(kind: str, cells: Mapping[str, str]) -> Row:
    row: Row = {"kind": kind}
    for column, text in cells.items():
        name, _, index = column.partition(".")
        convert = int if name in WHOLE_NUMBERS else float
        value = convert(text) if text else None
        if index:
            row.setdefault(name, []).append(value)
        else:
            row[name] = value
    return checked(row)


def recent_rows(resumed: Resumed) -> list[Row]:
    """Rows of the steps that the checkpoint has made again."""
    steps: Steps | None = resumed.recent
    if steps is None:
        return []
    return rows_of_steps(steps, resumed.steps)


def past(rows: Iterable[Row], resumed: Resumed) -> list[Row]:
    """The rows of what the checkpoint holds; all later ones are done again.

    Example:
        >>> rows = [{"kind": "step", "step": number} for number in range(5)]
        >>> len(past(rows, Resumed("checkpoints", steps=3)))
        3
    """
    kept = _with_recent([row for row in rows if _is_past(row, resumed)], resumed)
    held = {row["epoch"] for row in kept if row["kind"] == "epoch"}
    for epoch in resumed.past:
        # The checkpoint keeps its epochs' figures, whatever became of their rows.
        if epoch.epoch not in held:
            kept.insert(_place(kept, epoch.epoch), restored(epoch))
    return kept


def _with_recent(rows: list[Row], resumed: Resumed) -> list[Row]:
    """With the checkpoint's own steps, of which every byte was checked."""
    recent = {row["step"]: row for row in recent_rows(resumed)}
    whole = []
    for row in rows:
        if row["kind"] == "step":
            # Those before it that have no row come first.
            missing = [step for step in recent if step < row["step"]]
            whole += [recent.pop(step) for step in missing]
            row = recent.pop(row["step"], row)
        whole.append(row)
    return [*whole, *recent.values()]


def _place(rows: Sequence[Row], epoch: int) -> int:
    later = (i for i, row in enumerate(rows) if row.get("epoch", 0) > epoch)
    return next(later, len(rows))


def _is_past(row: Row, resumed: Resumed) -> bool:
    match row["kind"]:
        case "started":
            return True
        case "saved" | "resumed":
            return row["steps"] <= resumed.steps
        case "epoch":
            return row["epoch"] <= resumed.epochs
        case "warning" if row["name"] == LOST:
            return False  # Found anew each time.
        case "step" | "sample" | "warning":
            if row["step"] is None:
                return row["epoch"] <= resumed.epochs
            return row["step"] < resumed.steps
    # Tested or stopped: a run that goes on has not ended.
    return False


def lost(rows: Iterable[Row], resumed: Resumed) -> Warned | None:
    """A warning that names the steps of the past that have no row.

    Example:
        >>> rows = [{"kind": "step", "step": number} for number in (0, 1, 4)]
        >>> lost(rows, Resumed("checkpoints", steps=6)).text
        'steps of the run that were taken but are not in metrics.jsonl: 2 to 3, 5'
    """
    held = {row["step"] for row in rows if row["kind"] == "step"}
    missing = [number for number in range(resumed.steps) if number not in held]
    if not missing:
        return None
    text = "steps of the run that were taken but are not in metrics.jsonl: "
    return Warned(resumed.epochs + 1, 0, LOST, text + ranges(missing))


def ranges(numbers: Sequence[int]) -> str:
    """Ascending numbers in words.

    Example:
        >>> ranges([0, 1, 2, 5])
        '0 to 2, 5'
    """
    starts = [n for i, n in enumerate(numbers) if i == 0 or numbers[i - 1] != n - 1]
    ends = [
        n
        for i, n in enumerate(numbers)
        if i == len(numbers) - 1 or numbers[i + 1] != n + 1
    ]
    pairs = zip(starts, ends, strict=True)
    return ", ".join(f"{a} to {b}" if a != b else f"{a}" for a, b in pairs)
