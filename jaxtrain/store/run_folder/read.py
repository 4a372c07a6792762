"""Rows of a run's folder, read with care, and those with which a run goes on."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from jaxtrain.errors import ConfigError
from jaxtrain.files import read_bytes
from jaxtrain.store import codec
from jaxtrain.store.events import Resumed, Steps, Warned
from jaxtrain.store.run_folder.files import (
    MetricsRow,
    Table,
    has_seals,
    lines,
    object_with_seal,
    strip_seal,
)
from jaxtrain.store.run_folder.rows import (
    RECORDS,
    check_row,
    restore_row,
    rows_of_steps,
)

VERSION = 2
SCHEMA = f"jaxtrain.metrics/{VERSION}"
PLAIN_SCHEMA = "jaxtrain.metrics/1"
"""Of earlier versions: rows without checksums."""
ABOUT, PLAIN_ABOUT = "jaxtrain.run/2", "jaxtrain.run/1"
"""Of what says what a run is, likewise."""
MOST_BYTES = 2**31
"""Some twenty million steps."""


class Rows(NamedTuple):
    """What a file holds."""

    rows: list[MetricsRow]
    torn: bool = False
    """Whether its last line was cut off, as by a crash in mid-write."""
    has_sums: bool = True
    """Whether the lines have checksums, which they matched."""
    damage: Mapping[int, bytes] = MappingProxyType({})
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
    has_sums = has_seals(data)
    rows: list[MetricsRow] = []
    places: list[int] = []
    damage: dict[int, bytes] = {}
    for number, line in enumerate(whole, 1):
        try:
            row = _row(line, number == 1, has_sums)
            if row is not None:
                _check_order(rows, row)
                rows.append(row)
                places.append(number)
        except (ValueError, TypeError, LookupError, RecursionError) as error:
            _check_version(path, line)
            if not salvage:
                text = f"{path}, line {number} is damaged: {error}"
                raise ConfigError(text) from error
            damage[number] = line
    if damage and not rows:
        raise ConfigError(f"{path} is damaged: no line of it is as it was written")
    return Rows(rows, bool(rest) or not whole, has_sums, damage, places)


def _row(line: bytes, first: bool, has_sum: bool) -> MetricsRow | None:
    """The row of a line; None for the first, which says what the others are."""
    content = _object(strip_seal(line) if has_sum else line)
    if not first:
        return check_row(content)
    _check_schema(content, SCHEMA if has_sum else PLAIN_SCHEMA)
    return None


def _check_version(path: Path, line: bytes) -> None:
    """What a newer version wrote is not damaged, and not to be mended."""
    match = re.search(rb'"schema": ?"jaxtrain\.metrics/([0-9]{1,9})"', line)
    if match is not None and int(match[1]) > VERSION:
        newer = f"jaxtrain.metrics/{int(match[1])}"
        raise ConfigError(f"{path} is of the schema {newer}, newer than {SCHEMA}")


def read_about(path: Path, most: int = 2**24) -> tuple[dict[str, Any], bool]:
    """What a run is, and whether a checksum says that it is as it was written.

    Raises:
        ConfigError: it cannot be read, is something else, or is damaged.
    """
    data = read_bytes(path, most)
    try:
        content = _object(data)
        has_sum = content.get("schema") != PLAIN_ABOUT
        if has_sum or "sha256" in content:
            _check_schema(content, ABOUT)
            content.pop("sha256", None)
            if object_with_seal(content) != data:
                raise ValueError("it does not match its checksum")
        return content, has_sum
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path} is damaged: {error}") from error


def _object(data: bytes) -> dict[str, Any]:
    try:
        content = codec.decode(data)
    except codec.Damage as error:
        raise ValueError(f"it {error}") from None
    if not isinstance(content, dict):
        raise ValueError("it is no JSON object")
    return content


def _check_schema(content: dict[str, Any], schema: str) -> None:
    if content.get("schema") != schema:
        raise ValueError(f"its schema is not {schema} but {content.get('schema')!r}")


def _check_order(before: list[MetricsRow], row: MetricsRow) -> None:
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


class Repair(NamedTuple):
    """Rows, damaged ones of which may have been made again."""

    rows: list[MetricsRow]
    again: list[int]
    """Numbers of damaged lines that were made again."""
    losses: list[int]
    """Numbers of those that could not be."""


def repair(rows_read: Rows, copies: Iterable[MetricsRow]) -> Repair:
    """Put a row that is known from elsewhere in the place of its damaged line.

    A copy is taken only where the line's checksum is that of the copy, or where the
    line holds all of the copy and only its checksum is another: nothing is guessed.
    """
    by_place = {
        number: [row]
        for number, row in zip(rows_read.places, rows_read.rows, strict=True)
    }
    again: list[int] = []
    losses: list[int] = []
    sources = _by_checksum(copies) if rows_read.damage else {}
    for number, line in rows_read.damage.items():
        keys = [*re.findall(rb'"crc32":"([0-9a-f]{8})"', line), line[:-SEAL_BYTES]]
        rows = [sources[key] for key in keys if key in sources]
        by_place[number] = rows
        (again if rows or number == 1 else losses).append(number)
    rows = [row for number in sorted(by_place) for row in by_place[number]]
    return Repair(rows, again, losses)


SEAL_BYTES = len(b',"crc32":"01234567"}')


def _by_checksum(copies: Iterable[MetricsRow]) -> dict[bytes, MetricsRow]:
    result: dict[bytes, MetricsRow] = {}
    for row in copies:
        line = lines([row])[:-1]
        result[line[-10:-2]] = result[line[:-SEAL_BYTES]] = row
    return result


def copies(tables: Mapping[str, Table], resumption: Resumed) -> Iterator[MetricsRow]:
    """Rows that the spreadsheets and the checkpoint hold, too."""
    for kind, table in tables.items():
        for cells in table.read():
            try:
                yield _row_of_cells(kind, cells)
            except (ValueError, TypeError, AttributeError):
                continue  # It is damaged itself.
    yield from recent_rows(resumption)


def _row_of_cells(kind: str, cells: Mapping[str, str]) -> MetricsRow:
    row: MetricsRow = {"kind": kind}
    for column, text in cells.items():
        name, _, index = column.partition(".")
        convert = int if name in WHOLE_NUMBERS else float
        value = convert(text) if text else None
        if name == "figures":
            row.setdefault(name, {})[index] = value
        elif index:
            row.setdefault(name, []).append(value)
        else:
            row[name] = value
    return check_row(row)


def recent_rows(resumption: Resumed) -> list[MetricsRow]:
    """Rows of the steps that the checkpoint has made again."""
    steps: Steps | None = resumption.recent
    if steps is None:
        return []
    return rows_of_steps(steps, resumption.steps)


def past(rows: Iterable[MetricsRow], resumption: Resumed) -> list[MetricsRow]:
    """The rows of what the checkpoint holds; all later ones are done again.

    Example:
        >>> rows = [{"kind": "step", "step": number} for number in range(5)]
        >>> len(past(rows, Resumed("checkpoints", steps=3)))
        3
    """
    result = _with_recent(
        [row for row in rows if _is_past(row, resumption)], resumption
    )
    epochs = {row["epoch"] for row in result if row["kind"] == "epoch"}
    for epoch in resumption.past:
        # The checkpoint keeps its epochs' figures, whatever became of their rows.
        if epoch.epoch not in epochs:
            result.insert(_place(result, epoch.epoch), restore_row(epoch))
    return result


def _with_recent(rows: list[MetricsRow], resumption: Resumed) -> list[MetricsRow]:
    """With the checkpoint's own steps, of which every byte was checked."""
    recent = {row["step"]: row for row in recent_rows(resumption)}
    whole = []
    for row in rows:
        if row["kind"] == "step":
            # Those before it that have no row come first.
            missing = [step for step in recent if step < row["step"]]
            whole += [recent.pop(step) for step in missing]
            row = recent.pop(row["step"], row)
        whole.append(row)
    return [*whole, *recent.values()]


def _place(rows: Sequence[MetricsRow], epoch: int) -> int:
    later = (i for i, row in enumerate(rows) if row.get("epoch", 0) > epoch)
    return next(later, len(rows))


def _is_past(row: MetricsRow, resumption: Resumed) -> bool:
    match row["kind"]:
        case "started":
            return True
        case "saved" | "resumed":
            return row["steps"] <= resumption.steps
        case "epoch":
            return row["epoch"] <= resumption.epochs
        case "warning" if row["name"] == RECORDS:
            return False  # Found anew each time.
        case "step" | "sample" | "warning":
            if row["step"] is None:
                return row["epoch"] <= resumption.epochs
            return row["step"] < resumption.steps
    # Tested or stopped: a run that goes on has not ended.
    return False


def gap_warning(rows: Iterable[MetricsRow], resumption: Resumed) -> Warned | None:
    """A warning that names the steps of the past that have no row.

    Example:
        >>> rows = [{"kind": "step", "step": number} for number in (0, 1, 4)]
        >>> gap_warning(rows, Resumed("checkpoints", steps=6)).text
        'steps of the run that were taken but are not in metrics.jsonl: 2 to 3, 5'
    """
    steps = {row["step"] for row in rows if row["kind"] == "step"}
    missing = [number for number in range(resumption.steps) if number not in steps]
    if not missing:
        return None
    text = "steps of the run that were taken but are not in metrics.jsonl: "
    return Warned(resumption.epochs + 1, 0, RECORDS, text + ranges(missing))


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
