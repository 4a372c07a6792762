"""Arrays nested in dictionaries, lists and tuples, as a batch holds them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np


def map_batch(function: Callable[[Any], Any], tree: Any) -> Any:
    """`function` of each array, nested as `default_collate` nests: tuples as lists.

    Example:
        >>> map_batch(len, ({"a": np.zeros(2)}, np.zeros(3)))
        [{'a': 2}, 3]
    """
    if isinstance(tree, Mapping):
        return {key: map_batch(function, value) for key, value in tree.items()}
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return type(tree)(*(map_batch(function, value) for value in tree))
    if isinstance(tree, list | tuple):
        return [map_batch(function, value) for value in tree]
    return function(tree)


def leaves(tree: Any) -> Iterator[Any]:
    """The arrays of a tree, in its order.

    Example:
        >>> list(leaves([{"a": 1}, (2, 3)]))
        [1, 2, 3]
    """
    if isinstance(tree, Mapping):
        tree = tuple(tree.values())
    if isinstance(tree, list | tuple):
        for value in tree:
            yield from leaves(value)
    else:
        yield tree


def on_device(value: Any) -> bool:
    """Whether it is an array of JAX, which is not imported for the question."""
    jax = sys.modules.get("jax")
    return jax is not None and isinstance(value, jax.Array)


def as_array(value: Any) -> Any:
    """An array of NumPy, or JAX's own, which stays on its device.

    Raises:
        TypeError: it is a number, a text or anything else that is no array.

    Example:
        >>> as_array(np.zeros(2)).shape
        (2,)
    """
    if isinstance(value, np.ndarray) or on_device(value):
        return value
    if not hasattr(value, "shape") or not hasattr(value, "__array__"):
        raise TypeError(f"not an array: {type(value).__name__}")
    return np.asarray(value)
