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
    done, wanted = len(record.epochs), record.config.get("loop", {}).get("epochs")
    counted = f"{done} of {wanted} epochs" if wanted is not None else f"{done} epochs"
    if record.stopped is not None:
        told = f"Stopped after {counted}: {record.stopped}"
    elif record.ended:
        told = f"Finished: {counted}"
    else:
        told = (
            f"Not finished, {counted}: it is still going, or was killed. It last wrote "
            f"at {moment(record.written)}"
        )
    torn = " Its last line was cut off and is left out." if record.torn else ""
    return f"{told}.{torn}"


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
    found: dict[str, str] = {}
    if record.tested is not None:
        found["test accuracy, %"] = number(record.tested.accuracy, ".2f")
        found["test loss"] = number(record.tested.avg_loss, ".4f")
    if record.epochs:
        last = record.epochs[-1]
        if record.tested is None or images == "validation":
            found[f"{images} accuracy, %"] = number(last.accuracy, ".2f")
            found[f"{images} loss"] = number(last.avg_loss, ".4f")
        best = max(record.epochs, key=lambda e: np.nan_to_num(e.accuracy, nan=-1.0))
        found["best epoch"] = f"{best.epoch} ({number(best.accuracy, '.2f')} %)"
        found["training loss"] = number(last.train_loss, ".4f")
    found["epochs"] = f"{len(record.epochs):,}"
    found["steps"] = f"{int(record.steps.max(initial=-1)) + 1:,}"
    found |= _times(record)
    found["warnings"] = f"{len(record.warnings):,}"
    return found


def _times(record: RunRecord) -> dict[str, str]:
    if not record.epochs:
        return {}
    trained = np.array([epoch.train_seconds for epoch in record.epochs])
    tested = sum(epoch.test_seconds for epoch in record.epochs)
    known = np.isfinite(record.throughput) & np.isfinite(trained)
    images = (record.throughput * trained)[known].sum()
    rate = images / trained[known].sum() if known.any() else math.nan
    return {
        "training": duration(float(trained.sum())),
        "testing": duration(tested),
        "images/s": f"{rate:,.0f}" if math.isfinite(rate) else ABSENT,
    }


def about(record: RunRecord) -> dict[str, str]:
    """What the run is, beyond its configuration."""
    found = {"data set": shown(record.data.get("name", ABSENT))}
    found["data from"] = shown(record.data.get("source", ABSENT))
    started = record.started or {}
    for name in ("backend", "device", "model", "parameters"):
        value = started.get(name, ABSENT)
        found[name] = f"{value:,}" if isinstance(value, int) else shown(value)
    return found


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
            yield f"{prefix}{name}", shown(value)


def shown(value: Any) -> str:
    """A value of a configuration as text.

    Example:
        >>> shown("sgd"), shown(None), shown(True), shown([512, 512])
        ('sgd', 'none', 'yes', '512, 512')
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(shown, value)) if value else "none"
    if value is None:
        return "none"
    return str(value)


def differences(records: Sequence[RunRecord]) -> list[tuple[str, list[str]]]:
    """(what, its value in each run) of all that is not the same in every run."""
    held = [_identity(record) for record in records]
    names = dict.fromkeys(name for each in held for name in each)
    rows = [(name, [each.get(name, ABSENT) for each in held]) for name in names]
    return [row for row in rows if len(set(row[1])) > 1]


def _identity(record: RunRecord) -> dict[str, str]:
    sums = record.data.get("sha256")
    sums = sums if isinstance(sums, Mapping) else {}
    return {
        **dict(settings(record.config)),
        **about(record),
        **{f"sha256 of {name}": shown(value) for name, value in sums.items()},
        **{f"version of {name}": value for name, value in record.versions.items()},
    }
