"""Which kinds of rows there are, and what each must hold."""

import math
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

from jaxtrain.events import Epoch, to_json
from jaxtrain.run_folder._files import Row


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
_STARTED: dict[str, _Check] = {
    "time": _text,
    "backend": _text,
    "device": _text,
    "model": _text,
    "parameters": _count,
}
_KINDS: dict[str, dict[str, _Check]] = {
    "step": {**_PLACE, "step": _count, "loss": _number, "lr": _rate},
    "epoch": {
        **{part.name: _number for part in fields(Epoch)},
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
    "started": _STARTED,
    "resumed": {
        **_STARTED,
        "source": _text,
        "steps": _count,
        "epochs": _count,
        "problems": _texts,
    },
}
_OPTIONAL: dict[str, _Check] = {"momentum": _number}


def checked(content: Mapping[str, Any]) -> Row:
    """A row as it is in memory: NaN for null where a number is meant.

    Raises:
        ValueError: its kind is unknown, or it does not hold what its kind holds.

    Example:
        >>> checked({"kind": "tested", "accuracy": 90, "avg_loss": None})
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
    if kind == "step":
        checks = checks | _OPTIONAL
    for name in content:
        if name not in checks:
            raise ValueError(f"a {kind} row has a {name!r:.50}")
    return {"kind": kind} | {n: checks[n](value) for n, value in content.items()}


def make_row(kind: str, content: Mapping[str, Any]) -> Row:
    """A row to be written: what could not be read back is refused before it is."""
    return checked(to_json({"kind": kind, **content}))
