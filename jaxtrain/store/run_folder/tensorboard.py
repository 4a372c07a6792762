"""TensorBoard's event files, written as the rest of the run folder is.

TensorBoard's own package, from the extra `tensorboard`, makes the records. Its writers
(and tensorboardX's) do not write them: they queue them for a thread, where a full disk
ends the thread and not the run, and a kill takes what was queued.
"""

import io
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jaxtrain.store.run_folder.files import MetricsRow, append, one_line_errors, replace

if TYPE_CHECKING:
    from tensorboard.compat.proto.event_pb2 import Event

PREFIX = "events.out.tfevents."
"""By which TensorBoard knows its files."""
VERSION = "brain.Event:2"


class Board:
    """One event file: that of one session of a run.

    Args:
        folder: made if it is not there.
        purge_step: the first step of the session; what earlier files hold from there
            on is void.
    """

    def __init__(self, folder: Path, purge_step: int):
        # Imported here: half a second that a run without a board does not pay.
        from tensorboard.compat.proto.event_pb2 import Event, SessionLog

        with one_line_errors(folder):
            folder.mkdir(exist_ok=True)
            numbers = [
                int(path.name[-6:]) for path in folder.glob(PREFIX + 6 * "[0-9]")
            ]
        # Readers take the files in the order of their names.
        self.path = folder / f"{PREFIX}{max(numbers, default=-1) + 1:06d}"
        start, now = SessionLog(status=SessionLog.START), time.time()
        begin = [
            Event(wall_time=now, file_version=VERSION),
            Event(wall_time=now, step=purge_step, session_log=start),
        ]
        replace(self.path, _records(begin))

    def add(self, rows: Iterable[MetricsRow]) -> None:
        """Write what can be drawn of these rows."""
        drawn = [scalars(row) for row in rows]
        events = [_event(step, values) for step, values in drawn if values]
        if events:
            append(self.path, _records(events))


def _event(step: int, values: Mapping[str, float]) -> "Event":
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary

    # Names may come from a file system, and hold what UTF-8 does not.
    tags = (tag.encode("utf-8", "replace").decode() for tag in values)
    each = zip(tags, values.values(), strict=True)
    summary = Summary(value=[Summary.Value(tag=t, simple_value=v) for t, v in each])
    return Event(wall_time=time.time(), step=step, summary=summary)


def _records(events: Iterable["Event"]) -> bytes:
    """With their lengths and checksums, ready for one write."""
    from tensorboard.summary.writer.record_writer import RecordWriter

    held = io.BytesIO()
    writer = RecordWriter(held)
    for event in events:
        writer.write(event.SerializeToString())
    return held.getvalue()


def scalars(row: MetricsRow) -> tuple[int, dict[str, float]]:
    """The step at which a row is drawn, and its values by their tags.

    Example:
        >>> scalars({"kind": "step", "step": 7, "loss": 2.5, "lr": [0.1, 0.2]})
        (7, {'loss': 2.5, 'lr/0': 0.1, 'lr/1': 0.2})
    """
    names: dict[str, str] = {}
    match row["kind"]:
        case "step":
            names = {"loss": "loss", "lr": "lr", "momentum": "momentum"}
            names["figures"] = "figures"
        case "epoch":
            names = {name: name for name in ("train_loss", "accuracy", "avg_loss")}
            names |= {"samples_per_second": "throughput", "figures": "test"}
        case "sample":
            names = {n: n for n in ("gradient_norms", "update_ratios", "dead")}
    values: dict[str, float] = {}
    for name, tag in names.items():
        values |= _tags(tag, row.get(name))
    step = row.get("step")
    if row["kind"] == "epoch" and row["steps"] is not None:
        # At its last step, which is before the first that is ever done again.
        step = max(row["steps"] - 1, 0)
    return (0, {}) if step is None else (step, values)


def _tags(tag: str, value: Any) -> dict[str, float]:
    if value is None:
        return {}
    if isinstance(value, list):
        value = dict(enumerate(value))
    if isinstance(value, Mapping):
        return {f"{tag}/{name}": item for name, item in value.items()}
    return {tag: value}
