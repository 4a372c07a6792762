"""Events as rows: of metrics.jsonl, and of tables for a spreadsheet."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple

from jaxtrain.store import codec
from jaxtrain.store.events import (
    Epoch,
    Event,
    Sampled,
    Saved,
    Started,
    Steps,
    Stopped,
    Tested,
    Warned,
)
from jaxtrain.store.run_folder.files import MetricsRow


def _number(value: Any) -> float:
    if value is None:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{value!r:.50} is no number")
    return float(value)


def _count(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError(f"{value!r:.50} is no count")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r:.50} is no text")
    return value


def _rate(value: Any) -> float | list[float]:
    return [_number(v) for v in value] if isinstance(value, list) else _number(value)


def _maybe_count(value: Any) -> int | None:
    return None if value is None else _count(value)


def _numbers(value: Any) -> dict[str, float]:
    if not isinstance(value, dict):
        raise ValueError(f"{value!r:.50} is no object")
    return {name: _number(item) for name, item in value.items()}


def _texts(value: Any) -> list[str]:
    if not isinstance(value, list):
        raise ValueError(f"{value!r:.50} is no list")
    return [_text(item) for item in value]


_Check = Callable[[Any], Any]
_PLACE: dict[str, _Check] = {"step": _maybe_count, "epoch": _count, "batch": _count}
_START_CHECKS: dict[str, _Check] = {
    "time": _text,
    "backend": _text,
    "device": _text,
    "model": _text,
    "parameters": _count,
}
_KINDS: dict[str, dict[str, _Check]] = {
    "step": {**_PLACE, "step": _count, "loss": _number, "lr": _rate},
    "epoch": {
        **{part.name: _number for part in fields(Epoch) if part.name != "figures"},
        "epoch": _count,
        "steps": _maybe_count,
        "samples_per_second": _number,
    },
    "sample": {
        **_PLACE,
        "gradient_norms": _numbers,
        "update_ratios": _numbers,
        "dead": _numbers,
        "memory": _maybe_count,
    },
    "warning": {**_PLACE, "name": _text, "text": _text},
    "saved": {"steps": _count, "path": _text},
    "stopped": {"reason": _text},
    "tested": {"accuracy": _number, "avg_loss": _number},
    "started": _START_CHECKS,
    "resumed": {
        **_START_CHECKS,
        "source": _text,
        "steps": _count,
        "epochs": _count,
        "problems": _texts,
    },
}
_OPTIONAL: dict[str, dict[str, _Check]] = {
    "step": {"momentum": _number, "figures": _numbers},
    "epoch": {"figures": _numbers},
}


def check_row(content: Mapping[str, Any]) -> MetricsRow:
    """A row as it is in memory: NaN for null where a number is meant.

    Raises:
        ValueError: its kind is unknown, or it does not hold what its kind holds.

    Example:
        >>> check_row({"kind": "tested", "accuracy": 90, "avg_loss": None})
        {'kind': 'tested', 'accuracy': 90.0, 'avg_loss': nan}
    """
    content = dict(content)
    kind = _text(content.pop("kind", None))
    if kind not in _KINDS:
        raise ValueError(f"{kind!r:.50} is no kind of row")
    checks = _KINDS[kind]
    for name in checks:
        if name not in content:
            raise ValueError(f"a {kind} row has no {name!r}")
    checks = checks | _OPTIONAL.get(kind, {})
    for name in content:
        if name not in checks:
            raise ValueError(f"a {kind} row has a {name!r:.50}")
    return {"kind": kind} | {n: checks[n](value) for n, value in content.items()}


def make_row(kind: str, content: Mapping[str, Any]) -> MetricsRow:
    """A row to be written: what could not be read back is refused before it is."""
    return check_row(codec.jsonable({"kind": kind, **content}, figures=True))


RECORDS = "records"
"""The kind of warning that tells of rows that are not there any more."""
NO_CHECKSUMS = "unverified"
"""Likewise, of rows that nothing vouches for; it stays with them."""


@dataclass
class Position:
    """Where in the run an event stands: its steps are counted from the very first.

    Attributes:
        steps: how many are recorded.
        starts: epoch -> number of its first step, where that is known.

    Example:
        >>> position = Position()
        >>> position.move(Steps(epoch=1, first=0, losses=[2.0] * 9, lrs=[0.1] * 9))
        >>> position.move(Epoch(1, 2.0, 50.0, 2.0, 1.0, 1.0))
        >>> position.of(2, 3)
        12
    """

    steps: int = 0
    starts: dict[int, int] = field(default_factory=lambda: {1: 0})

    def of(self, epoch: int, step: int) -> int | None:
        """Number within the run of a step of an epoch; None where it is not known."""
        start = self.starts.get(epoch)
        return None if start is None else start + step

    def move(self, event: Event) -> None:
        """Count what an event adds."""
        match event:
            case Steps():
                self.starts.setdefault(event.epoch, self.steps - event.first)
                self.steps += len(event.losses)
            case Epoch():
                self.starts[event.epoch + 1] = self.steps

    def learn(self, row: MetricsRow) -> None:
        """Take the start of an epoch from a row that was recorded earlier."""
        match row["kind"]:
            case "step":
                self.starts[row["epoch"]] = row["step"] - row["batch"]
            case "epoch" if row["steps"] is not None:
                self.starts[row["epoch"] + 1] = row["steps"]


class Batches(NamedTuple):
    """How many images an epoch takes."""

    images: int
    """In the training split; 0 where that is not known."""
    size: int
    """Images in a batch."""


def rows_of(event: Event, position: Position, batches: Batches) -> list[MetricsRow]:
    """What of an event is recorded.

    Args:
        event: what the backend yielded.
        position: as it is after the event.
        batches: of the run.
    """
    match event:
        case Steps():
            return rows_of_steps(event, position.steps)
        case Epoch():
            return [_epoch_row(event, position, batches)]
        case Sampled():
            return [make_row("sample", _place(event, position) | _sample_fields(event))]
        case Warned():
            notice = {"name": event.kind, "text": event.text}
            return [make_row("warning", _place(event, position) | notice)]
        case Saved():
            content = {"steps": event.steps, "path": str(event.path)}
            return [make_row("saved", content)]
        case Stopped():
            return [make_row("stopped", {"reason": event.reason})]
        case Tested():
            figures = {"accuracy": event.accuracy, "avg_loss": event.avg_loss}
            return [make_row("tested", figures)]
        case Started():
            return [_start_row(event)]
    return []


def rows_of_steps(event: Steps, steps: int) -> list[MetricsRow]:
    """Rows of steps, after which so many of the run are done."""
    before = steps - len(event.losses)
    rows = []
    for index, (loss, lr) in enumerate(zip(event.losses, event.lrs, strict=True)):
        step: MetricsRow = {
            "step": before + index,
            "epoch": event.epoch,
            "batch": event.first + index,
            "loss": loss,
            "lr": lr,
        }
        if len(event.momenta):
            step["momentum"] = event.momenta[index]
        if event.figures:
            step["figures"] = {k: values[index] for k, values in event.figures.items()}
        rows.append(make_row("step", step))
    return rows


def _epoch_row(event: Epoch, position: Position, batches: Batches) -> MetricsRow:
    start = position.of(event.epoch, 0)
    images = batches.images
    if start is not None:
        # An epoch may be cut short, and its last batch may be a smaller one.
        images = min(images, (position.steps - start) * batches.size)
    rate = (images or math.nan) / (event.train_seconds or math.nan)
    extra = {"epoch": event.epoch, "steps": position.steps, "samples_per_second": rate}
    return make_row("epoch", {**extra, **event.to_dict()})


def restore_row(event: Epoch) -> MetricsRow:
    """A row for an epoch that only the checkpoint knows: where it ended is lost."""
    extra = {"epoch": event.epoch, "steps": None, "samples_per_second": None}
    return make_row("epoch", {**extra, **event.to_dict()})


def _place(event: Sampled | Warned, position: Position) -> MetricsRow:
    step = position.of(event.epoch, event.step)
    return {"step": step, "epoch": event.epoch, "batch": event.step}


def _sample_fields(event: Sampled) -> MetricsRow:
    return {
        "gradient_norms": event.gradient_norms,
        "update_ratios": event.update_ratios,
        "dead": event.dead,
        "memory": None if event.memory is None else int(event.memory),
    }


def _start_row(event: Started) -> MetricsRow:
    # The wall clock and not a counter: this is read by people, and across sessions.
    about: MetricsRow = {
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "backend": event.backend,
        "device": event.device,
        "model": event.model,
        "parameters": int(event.parameters),
    }
    if event.resumed is None:
        return make_row("started", about)
    from_ = event.resumed
    where = {"source": str(from_.source), "steps": from_.steps, "epochs": from_.epochs}
    return make_row("resumed", {**about, **where, "problems": list(from_.problems)})


def events_of(rows: Sequence[MetricsRow]) -> list[Event]:
    """The events that rows were made of: steps, epochs, samples and warnings.

    Consecutive step rows become one event.

    Example:
        >>> steps = Steps(epoch=1, first=0, losses=[2.5, 2.0], lrs=[0.1, 0.1])
        >>> position = Position()
        >>> position.move(steps)
        >>> events_of(rows_of(steps, position, Batches(128, 64))) == [steps]
        True
    """
    events: list[Event] = []
    pending: list[MetricsRow] = []
    for row in rows:
        if pending and not _is_next(pending[-1], row):
            events.append(_steps(pending))
            pending = []
        if row["kind"] == "step":
            pending.append(row)
        elif row["kind"] in _EVENTS:
            events.append(_EVENTS[row["kind"]](row))
    return [*events, _steps(pending)] if pending else events


def _is_next(last: MetricsRow, row: MetricsRow) -> bool:
    keys = ("epoch", "batch")
    return (
        row["kind"] == "step"
        and [row[key] for key in keys] == [last["epoch"], last["batch"] + 1]
        and row.get("figures", {}).keys() == last.get("figures", {}).keys()
    )


def _steps(rows: Sequence[MetricsRow]) -> Steps:
    return Steps(
        epoch=rows[0]["epoch"],
        first=rows[0]["batch"],
        losses=[row["loss"] for row in rows],
        lrs=[row["lr"] for row in rows],
        momenta=[row["momentum"] for row in rows if "momentum" in row] or (),
        figures={
            name: [row["figures"][name] for row in rows]
            for name in rows[0].get("figures", {})
        },
    )


def _epoch(row: MetricsRow) -> Epoch:
    extra = ("kind", "steps", "samples_per_second")
    return Epoch(**{name: row[name] for name in row if name not in extra})


def _sample_event(row: MetricsRow) -> Sampled:
    parts = ("gradient_norms", "update_ratios", "dead", "memory")
    return Sampled(row["epoch"], row["batch"], **{name: row[name] for name in parts})


def _warning_event(row: MetricsRow) -> Warned:
    return Warned(row["epoch"], row["batch"], row["name"], row["text"])


_EVENTS: dict[str, Callable[[MetricsRow], Event]] = {
    "epoch": _epoch,
    "sample": _sample_event,
    "warning": _warning_event,
}
