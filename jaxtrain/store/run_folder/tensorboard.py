"""TensorBoard's event files, written as the rest of the run folder is.

The format is small and fixed: a file is a row of length-prefixed, checksummed protocol
buffers (tensorflow/core/lib/io/record_writer.h and core/util/event.proto). Written
here, it needs no other package, a full disk is an error at the write that met it, and
no other framework is loaded into the process.
"""

import struct
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from jaxtrain.store.run_folder.files import Row, append, replace, told

PREFIX = "events.out.tfevents."
"""By which TensorBoard knows its files."""
VERSION = "brain.Event:2"
_START = 1
"""SessionLog.SessionStatus.START: all from its step on is done again."""

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
"""Wire types of protocol buffers."""


class Board:
    """One event file: that of one session of a run.

    Args:
        folder: made if it is not there.
        purge_step: the first step of the session; what earlier files hold from there
            on is void.
    """

    def __init__(self, folder: Path, purge_step: int):
        with told(folder):
            folder.mkdir(exist_ok=True)
            held = [int(path.name[-6:]) for path in folder.glob(PREFIX + 6 * "[0-9]")]
        # Readers take the files in the order of their names.
        self.path = folder / f"{PREFIX}{max(held, default=-1) + 1:06d}"
        session = event({2: purge_step, 7: _field(1, _START)})
        replace(self.path, _record(event({3: VERSION})) + _record(session))

    def add(self, rows: Iterable[Row]) -> None:
        """Write what can be drawn of these rows."""
        events = [scalars(row) for row in rows]
        records = [_record(_summary(step, values)) for step, values in events if values]
        if records:
            append(self.path, b"".join(records))


def scalars(row: Row) -> tuple[int, dict[str, float]]:
    """The step at which a row is drawn, and its values by their tags.

    Example:
        >>> scalars({"kind": "step", "step": 7, "loss": 2.5, "lr": [0.1, 0.2]})
        (7, {'loss': 2.5, 'lr/0': 0.1, 'lr/1': 0.2})
    """
    names: dict[str, str] = {}
    match row["kind"]:
        case "step":
            names = {"loss": "loss", "lr": "lr", "momentum": "momentum"}
        case "epoch":
            names = {name: name for name in ("train_loss", "accuracy", "avg_loss")}
            names["samples_per_second"] = "throughput"
        case "sample":
            names = {n: n for n in ("gradient_norms", "update_ratios", "dead")}
    values: dict[str, float] = {}
    for name, tag in names.items():
        values |= _tagged(tag, row.get(name))
    step = row.get("step")
    if row["kind"] == "epoch" and row["steps"] is not None:
        # At its last step, which is before the first that is ever done again.
        step = max(row["steps"] - 1, 0)
    return (0, {}) if step is None else (step, values)


def _tagged(tag: str, value: Any) -> dict[str, float]:
    if value is None:
        return {}
    if isinstance(value, list):
        value = dict(enumerate(value))
    if isinstance(value, Mapping):
        return {f"{tag}/{name}": item for name, item in value.items()}
    return {tag: value}


def event(fields: Mapping[int, Any]) -> bytes:
    """An `Event`, by the numbers of its fields, with the time of now."""
    parts = [_field(number, value) for number, value in fields.items()]
    return b"".join([_field(1, time.time()), *parts])


def _summary(step: int, values: Mapping[str, float]) -> bytes:
    each = (
        _field(1, tag) + _tag(2, _FIXED32) + _float(value)
        for tag, value in values.items()
    )
    return event({2: step, 5: b"".join(_field(1, value) for value in each)})


def _float(value: float) -> bytes:
    try:
        return struct.pack("<f", value)
    except OverflowError:
        return struct.pack("<f", float("inf") if value > 0 else float("-inf"))


def _field(number: int, value: float | str | bytes) -> bytes:
    if isinstance(value, float):
        return _tag(number, _FIXED64) + struct.pack("<d", value)
    if isinstance(value, int):
        return _tag(number, _VARINT) + _varint(value)
    data = value.encode("utf-8", "replace") if isinstance(value, str) else value
    return _tag(number, _BYTES) + _varint(len(data)) + data


def _tag(number: int, wire: int) -> bytes:
    return _varint(number << 3 | wire)


def _varint(value: int) -> bytes:
    """Seven bits a byte, the lowest first, with a mark that more follow.

    Example:
        >>> _varint(300).hex()
        'ac02'
    """
    found = bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    return bytes([*found, value])


def _record(data: bytes) -> bytes:
    length = struct.pack("<Q", len(data))
    return length + _masked(length) + data + _masked(data)


def _masked(data: bytes) -> bytes:
    # Rotated and moved, since a checksum over data that holds checksums is a weak one.
    sum_ = crc32c(data)
    rotated = (sum_ >> 15 | sum_ << 17) & 0xFFFFFFFF
    return struct.pack("<I", rotated + 0xA282EAD8 & 0xFFFFFFFF)


def _entry(value: int) -> int:
    for _ in range(8):
        value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
    return value


_TABLE = [_entry(value) for value in range(256)]


def crc32c(data: bytes) -> int:
    """Castagnoli's checksum; `zlib` has only another one (RFC 3720, appendix B.4).

    Example:
        >>> hex(crc32c(b"123456789"))
        '0xe3069283'
    """
    value = 0xFFFFFFFF
    for byte in data:
        value = _TABLE[(value ^ byte) & 255] ^ value >> 8
    return value ^ 0xFFFFFFFF
