"""A part of the configuration to JSON, and back with every type judged."""

import dataclasses
import math
import os
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jaxtrain.registry import ConfigError, check_name

_WORDS = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a word",
    Path: "a path",
}


def jsonable(value: Any) -> Any:
    """`value` as JSON can hold it.

    Example:
        >>> jsonable({"lr": float("inf"), "out": Path("runs")})
        {'lr': 'inf', 'out': 'runs'}
    """
    if isinstance(value, Mapping):
        return {key: jsonable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [jsonable(item) for item in value]
    # JSON has no infinity: it is written as the command line spells it.
    infinite = isinstance(value, float) and not math.isfinite(value)
    return str(value) if infinite or isinstance(value, Path) else value


def restored(kind: type, values: Any) -> dict[str, Any]:
    """The fields of a part, of the types that they are declared with.

    Raises:
        ConfigError: a field is unknown, or its value is of another type.
    """
    if not isinstance(values, Mapping):
        raise ConfigError(f"{kind.__name__} is a table of fields, but got {values!r}")
    fields = {field.name: field for field in dataclasses.fields(kind)}
    found = {}
    for name, value in values.items():
        check_name(f"field of {kind.__name__}", name, fields)
        found[name] = _of_type(fields[name].type, value, fields[name].metadata["flag"])
    return found


def _of_type(kind: Any, value: Any, flag: str) -> Any:
    if isinstance(kind, types.UnionType):
        if value is None:
            return None
        kind = next(each for each in kind.__args__ if each is not type(None))
    origin = typing.get_origin(kind)
    if origin is tuple:
        if not isinstance(value, list | tuple):
            raise ConfigError(f"{flag} must be a list, but got {value!r}")
        return tuple(_of_type(kind.__args__[0], item, flag) for item in value)
    if origin is not None:
        return _arguments(value, flag)
    return _scalar(kind, value, flag)


def _scalar(kind: type, value: Any, flag: str) -> Any:
    if kind is float and value in ("inf", "-inf", "nan"):
        return float(value)
    accepted = {float: (int, float), Path: (str, Path)}.get(kind, (kind,))
    # Python takes True for a number.
    if not isinstance(value, accepted) or (
        isinstance(value, bool) and kind is not bool
    ):
        raise ConfigError(f"{flag} must be {_WORDS[kind]}, but got {value!r}")
    try:
        if kind is Path and value == "":
            raise ValueError("give a path")
        if kind is Path and b"\0" in os.fsencode(str(value)):
            raise ValueError("it has a null byte in it")
        return value if kind is bool else kind(value)
    except (OverflowError, ValueError) as error:
        raise ConfigError(f"{flag} cannot be {str(value)!r:.50}: {error}") from error


def _arguments(value: Any, flag: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise ConfigError(f"{flag} must be a table of arguments, but got {value!r}")
    return {key: _argument(item, flag) for key, item in value.items()}


def _argument(value: Any, flag: str) -> Any:
    if isinstance(value, list | tuple):
        return tuple(_argument(item, flag) for item in value)
    if isinstance(value, Mapping):
        return {key: _argument(item, flag) for key, item in value.items()}
    if value is not None and not isinstance(value, bool | int | float | str):
        raise ConfigError(f"{flag}: {value!r} is no value that an argument can have")
    return float(value) if value in ("inf", "-inf") else value
