"""Rows of a run's folder, read with care, and those with which a run goes on."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from jaxtrain.errors import ConfigError
from jaxtrain.events import Resumed, Warned
from jaxtrain.files import read_bytes
from jaxtrain.store.run_folder.files import Row
from jaxtrain.store.run_folder.rows import LOST, checked, restored

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


def past(rows: Iterable[Row], resumed: Resumed) -> list[Row]:
    """The rows of what the checkpoint holds; all later ones are done again.

    Example:
        >>> rows = [{"kind": "step", "step": number} for number in range(5)]
        >>> len(past(rows, Resumed("checkpoints", steps=3)))
        3
    """
    kept = [row for row in rows if _is_past(row, resumed)]
    held = {row["epoch"] for row in kept if row["kind"] == "epoch"}
    for epoch in resumed.past:
        # The checkpoint keeps its epochs' figures, whatever became of their rows.
        if epoch.epoch not in held:
            kept.insert(_place(kept, epoch.epoch), restored(epoch))
    return kept


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
