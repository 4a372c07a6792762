"""A tree of plain values with arrays, as flat arrays and the rest as JSON."""

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

SEPARATOR = "/"
"""Between the steps of a path. A flat state dict needs none: its names stay."""
ARRAY, DICT, TUPLE, FLOAT = "$array", "$dict", "$tuple", "$float"
"""Marks of what JSON has no notation for."""


class TreeError(ValueError):
    """A value that no checkpoint holds, or a description of other arrays."""


def flattened(tree: Any) -> tuple[dict[str, np.ndarray], str]:
    """Arrays by path, and the tree as JSON with their paths in their places.

    Raises:
        TreeError: a leaf is neither array, number, text, truth value nor None, or two
            paths read alike.

    Example:
        >>> arrays, text = flattened({"w": np.ones(2), "epoch": 3})
        >>> arrays, text
        ({'w': array([1., 1.])}, '{"w": {"$array": "w"}, "epoch": 3}')
    """
    arrays: dict[str, np.ndarray] = {}
    encoded = _encoded(tree, (), arrays)
    return arrays, json.dumps(encoded, allow_nan=False)


def restored(arrays: Mapping[str, np.ndarray], text: str) -> Any:
    """The tree again.

    Raises:
        TreeError: the text is not of `flattened`'s making, or names other arrays.

    Example:
        >>> restored({"w": np.ones(2)}, '{"w": {"$array": "w"}, "epoch": 3}')
        {'w': array([1., 1.]), 'epoch': 3}
    """
    rest = dict(arrays)
    try:
        tree = _decoded(json.loads(text), rest)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise TreeError(f"its description cannot be read: {error!r}") from error
    if rest:
        raise TreeError(f"its description leaves out {', '.join(sorted(rest))}")
    return tree


def _encoded(value: Any, path: tuple[Any, ...], arrays: dict[str, np.ndarray]) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        return {ARRAY: _stored(np.asarray(value), path, arrays)}
    if isinstance(value, Mapping):
        return _encoded_dict(value, path, arrays)
    if isinstance(value, list | tuple):
        items = [_encoded(item, (*path, i), arrays) for i, item in enumerate(value)]
        return items if isinstance(value, list) else {TUPLE: items}
    if isinstance(value, float) and not math.isfinite(value):
        return {FLOAT: str(value)}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    where = SEPARATOR.join(map(str, path)) or "the checkpoint"
    raise TreeError(f"{where} is a {type(value).__name__}, which is no plain value")


def _encoded_dict(
    value: Mapping[Any, Any], path: tuple[Any, ...], arrays: dict[str, np.ndarray]
) -> Any:
    items = {key: _encoded(item, (*path, key), arrays) for key, item in value.items()}
    plain = all(isinstance(key, str) for key in items)
    if plain and not items.keys() & {ARRAY, DICT, TUPLE, FLOAT}:
        return items
    # Keys that are numbers, as in an optimiser's state, or that read like marks.
    return {DICT: [[_encoded(key, path, {}), item] for key, item in items.items()]}


def _stored(
    value: np.ndarray, path: tuple[Any, ...], arrays: dict[str, np.ndarray]
) -> str:
    name = SEPARATOR.join(map(str, path))
    if name in arrays:
        raise TreeError(f"two tensors would both be called {name}")
    arrays[name] = value
    return name


def _decoded(value: Any, arrays: dict[str, np.ndarray]) -> Any:
    if isinstance(value, list):
        return [_decoded(item, arrays) for item in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {ARRAY}:
        return arrays.pop(value[ARRAY])
    if value.keys() == {TUPLE}:
        return tuple(_decoded(item, arrays) for item in value[TUPLE])
    if value.keys() == {FLOAT}:
        return float(value[FLOAT])
    if value.keys() == {DICT}:
        return {_decoded(k, {}): _decoded(v, arrays) for k, v in value[DICT]}
    return {key: _decoded(item, arrays) for key, item in value.items()}
