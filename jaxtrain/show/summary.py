"""What a run came to, and what it was, as texts."""

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from jaxtrain.store.run_folder import RunRecord

ABSENT = "\N{EN DASH}"


def state(record: RunRecord) -> str:
    """Whether it has ended, in a sentence or two.

    A run that is killed cannot say so; it looks like one that is still going.
    """
    count, goal = len(record.epochs), record.config.get("loop", {}).get("epochs")
    extent = f"{count} of {goal} epochs" if goal is not None else f"{count} epochs"
    if record.stopped is not None:
        text = f"Stopped after {extent}: {record.stopped}"
    elif record.ended:
        text = f"Finished: {extent}"
    else:
        text = (
            f"Not finished, {extent}: it is still going, or was killed. It last wrote "
            f"at {moment(record.written)}"
        )
    note = " Its last line was cut off and is left out." if record.torn else ""
    return f"{text}.{note}"


def moment(seconds: float) -> str:
    """A point in time.

    Example:
        >>> moment(0)
        '1970-01-01 00:00:00 UTC'
    """
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(seconds))


def duration(seconds: float) -> str:
    """A length of time.

    Example:
        >>> duration(7.24), duration(75), duration(7384)
        ('7.2 s', '1 min 15 s', '2 h 3 min 4 s')
    """
    if not math.isfinite(seconds):
        return ABSENT
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min {rest} s" if hours else f"{minutes} min {rest} s"


def number(value: float, form: str) -> str:
    """A number that may be missing."""
    return format(value, form) if math.isfinite(value) else "not finite"


def figures(record: RunRecord) -> dict[str, str]:
    """The run's final figures, by what they are."""
    images = "validation" if record.config.get("data", {}).get("validation") else "test"
    values: dict[str, str] = {}
    if record.tested is not None:
        values["test accuracy, %"] = number(record.tested.accuracy, ".2f")
        values["test loss"] = number(record.tested.avg_loss, ".4f")
    if record.epochs:
        last = record.epochs[-1]
        if record.tested is None or images == "validation":
            values[f"{images} accuracy, %"] = number(last.accuracy, ".2f")
            values[f"{images} loss"] = number(last.avg_loss, ".4f")
        best = max(record.epochs, key=lambda e: np.nan_to_num(e.accuracy, nan=-1.0))
        values["best epoch"] = f"{best.epoch} ({number(best.accuracy, '.2f')} %)"
        values["training loss"] = number(last.train_loss, ".4f")
    values["epochs"] = f"{len(record.epochs):,}"
    values["steps"] = f"{int(record.steps.max(initial=-1)) + 1:,}"
    values |= _times(record)
    values["warnings"] = f"{len(record.warnings):,}"
    return values


def _times(record: RunRecord) -> dict[str, str]:
    if not record.epochs:
        return {}
    seconds = np.array([epoch.train_seconds for epoch in record.epochs])
    test_seconds = sum(epoch.test_seconds for epoch in record.epochs)
    finite = np.isfinite(record.throughput) & np.isfinite(seconds)
    images = (record.throughput * seconds)[finite].sum()
    rate = images / seconds[finite].sum() if finite.any() else math.nan
    return {
        "training": duration(float(seconds.sum())),
        "testing": duration(test_seconds),
        "images/s": f"{rate:,.0f}" if math.isfinite(rate) else ABSENT,
    }


def run_facts(record: RunRecord) -> dict[str, str]:
    """What the run is, beyond its configuration."""
    facts = {"data set": as_text(record.data.get("name", ABSENT))}
    facts["data from"] = as_text(record.data.get("source", ABSENT))
    start = record.started or {}
    for name in ("backend", "device", "model", "parameters"):
        value = start.get(name, ABSENT)
        facts[name] = f"{value:,}" if isinstance(value, int) else as_text(value)
    return facts


def settings(content: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """(dotted name, value) of every field of a configuration.

    Example:
        >>> dict(settings({"loop": {"seed": 0}, "loss": {"args": {}}}))
        {'loop.seed': '0'}
    """
    for name, value in content.items():
        if isinstance(value, Mapping):
            yield from settings(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", as_text(value)


def as_text(value: Any) -> str:
    """A value of a configuration as text.

    Example:
        >>> as_text("sgd"), as_text(None), as_text(True), as_text([512, 512])
        ('sgd', 'none', 'yes', '512, 512')
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(as_text, value)) if value else "none"
    if value is None:
        return "none"
    return str(value)


def differences(records: Sequence[RunRecord]) -> list[tuple[str, list[str]]]:
    """(what, its value in each run) of all that is not the same in every run."""
    identities = [_identity(record) for record in records]
    names = dict.fromkeys(name for each in identities for name in each)
    rows = [(name, [each.get(name, ABSENT) for each in identities]) for name in names]
    return [row for row in rows if len(set(row[1])) > 1]


def _identity(record: RunRecord) -> dict[str, str]:
    sums = record.data.get("sha256")
    sums = sums if isinstance(sums, Mapping) else {}
    return {
        **dict(settings(record.config)),
        **run_facts(record),
        **{f"sha256 of {name}": as_text(value) for name, value in sums.items()},
        **{f"version of {name}": value for name, value in record.versions.items()},
    }
