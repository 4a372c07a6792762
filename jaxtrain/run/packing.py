"""A loader's state as a checkpoint holds it: arrays by name, and the rest as JSON."""

from collections.abc import Mapping
from typing import Any

import numpy as np

ARRAY = "array"
"""Key of an object that stands for an array."""


def pack(value: Any, name: str, arrays: dict[str, np.ndarray]) -> Any:
    """What JSON holds of a value; its arrays go into `arrays` under names.

    Example:
        >>> arrays = {}
        >>> pack({"order": np.arange(2), "seed": 3}, "pass", arrays), list(arrays)
        ({'order': {'array': 'pass/order'}, 'seed': 3}, ['pass/order'])
    """
    if isinstance(value, np.ndarray):
        arrays[name] = value
        return {ARRAY: name}
    if isinstance(value, Mapping):
        return {key: pack(item, f"{name}/{key}", arrays) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [pack(item, f"{name}/{i}", arrays) for i, item in enumerate(value)]
    return value.item() if isinstance(value, np.generic) else value


def unpack(value: Any, arrays: dict[str, np.ndarray]) -> Any:
    """What `pack` was given; the arrays are taken out of `arrays`.

    Raises:
        LookupError: an array is missing.
    """
    if isinstance(value, Mapping):
        if set(value) == {ARRAY}:
            return arrays.pop(value[ARRAY])
        return {key: unpack(item, arrays) for key, item in value.items()}
    return [unpack(x, arrays) for x in value] if isinstance(value, list) else value
