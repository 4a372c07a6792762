"""A tree of plain values with arrays, as JSON that says of each value what it is."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np


def encoded(value: Any, path: str, arrays: dict[str, np.ndarray]) -> list[Any]:
    """[what it is, its JSON]; arrays are put in a dictionary, by their paths.

    Args:
        value: of dictionaries, lists, tuples, arrays and plain values.
        path: of the value, which names its arrays.
        arrays: to which they are added.

    Raises:
        TypeError: a value is none of these.

    Example:
        >>> found = {}
        >>> encoded({"w": np.ones(2), "n": 3}, "", found)
        ['dict', [['w', ['array', 'w']], ['n', ['value', 3]]]]
        >>> found
        {'w': array([1., 1.])}
    """
    if isinstance(value, np.ndarray | np.generic):
        name = path or "array"
        while name in arrays:
            name += "'"
        arrays[name] = np.asarray(value)
        return ["array", name]
    if isinstance(value, Mapping):
        items = [[k, encoded(v, _joined(path, k), arrays)] for k, v in value.items()]
        return ["dict", items]
    if isinstance(value, list | tuple):
        kind = "list" if isinstance(value, list) else "tuple"
        parts = enumerate(value)
        return [kind, [encoded(v, _joined(path, i), arrays) for i, v in parts]]
    if isinstance(value, float) and not math.isfinite(value):
        return ["float", str(value)]
    if value is None or isinstance(value, bool | int | float | str):
        return ["value", value]
    raise TypeError(f"a golden file cannot hold {path}, a {type(value).__name__}")


def decoded(tree: Any, arrays: Mapping[str, np.ndarray]) -> Any:
    """The value again.

    Args:
        tree: what `encoded` returned.
        arrays: by their paths.

    Raises:
        ValueError: it is not of `encoded`'s making.
        KeyError: an array is missing.
    """
    kind, value = tree
    if kind == "array":
        return arrays[value]
    if kind == "dict":
        return {key: decoded(item, arrays) for key, item in value}
    if kind in ("list", "tuple"):
        items = [decoded(item, arrays) for item in value]
        return items if kind == "list" else tuple(items)
    if kind == "float":
        return float(value)
    if kind == "value":
        return value
    raise ValueError(f"there is no {kind!r} in a tree")


def _joined(path: str, name: Any) -> str:
    return f"{path}/{name}" if path else str(name)
