"""Rows of a batch put together: PyTorch's nesting, NumPy's arrays."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from typing import Any

import numpy as np

from jaxtrain.data import tree


def default_collate(batch: Sequence[Any]) -> Any:
    """One batch of its rows: arrays and numbers stacked, structures of them kept.

    What the first row is decides. Arrays of shape s become one (n, *s), of their
    dtype; numbers an array (n,): int64, float64, bool, or the dtype of NumPy's. Of
    dictionaries the first one's keys are taken; named tuples stay such, other tuples
    become lists, as in PyTorch; texts stay what they are. Tensors of PyTorch become
    NumPy's arrays; arrays of JAX are stacked where they are.

    Raises:
        TypeError: rows of a type that cannot be put together.
        ValueError: no rows, or rows of several shapes, lengths or keys.

    PyTorch: `torch.utils.data.default_collate`.

    Example:
        >>> default_collate([(np.zeros(2), 1), (np.ones(2), 0)])
        [array([[0., 0.],
               [1., 1.]]), array([1, 0])]
    """
    if len(batch) == 0:
        raise ValueError("there are no rows to put together")
    first = batch[0]
    if isinstance(first, str | bytes):
        return batch
    if isinstance(first, bool | int | float | np.bool_ | np.number):
        return _numbers(batch)
    if _is_array(first):
        return _stack(batch)
    if isinstance(first, Mapping):
        return _mapping(first, batch)
    if isinstance(first, Sequence):
        return _sequence(first, batch)
    raise _refusal(type(first))


def default_convert(item: Any) -> Any:
    """What becomes of a row where nothing is put together: arrays become NumPy's.

    PyTorch: `torch.utils.data.default_convert`.

    Example:
        >>> default_convert((1, np.float32(2), "a"))
        [1, array(2., dtype=float32), 'a']
    """
    if isinstance(item, np.generic):
        return item if isinstance(item, np.str_ | np.bytes_) else np.asarray(item)
    if isinstance(item, str | bytes):
        return item
    if _is_array(item):
        return item if tree.on_device(item) else np.asarray(item)
    if isinstance(item, Mapping):
        values = {key: default_convert(item[key]) for key in item}
        return _like_mapping(item, values)
    if isinstance(item, Sequence):
        return _like_sequence(item, [default_convert(value) for value in item])
    return item


def _is_array(value: Any) -> bool:
    return hasattr(value, "__array__") and hasattr(value, "shape")


def _numbers(batch: Sequence[Any]) -> np.ndarray:
    first = batch[0]
    # PyTorch: a Python float makes all of them float64, but where it comes later.
    if isinstance(first, float) and not isinstance(first, np.generic):
        return np.array(batch, np.float64)
    kinds = {type(value) for value in batch}
    try:
        return np.array(batch, _common(map(_number_type, kinds)))
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"numbers of a batch do not go together: {error}") from None


def _number_type(kind: type) -> np.dtype:
    """What one number alone becomes in PyTorch, whose default float is float32."""
    if issubclass(kind, np.generic):
        return np.dtype(kind)
    for plain, dtype in ((bool, "bool"), (int, "int64"), (float, "float32")):
        if issubclass(kind, plain):
            return np.dtype(dtype)
    raise TypeError(f"{kind.__name__} is no number")


def _common(dtypes: Iterable[np.dtype]) -> np.dtype:
    """As PyTorch promotes: of int64 and float32 it makes float32, NumPy float64."""
    found = set(dtypes)
    floats = {dtype for dtype in found if dtype.kind in "fc"}
    return np.result_type(*(floats or found))


def _stack(batch: Sequence[Any]) -> Any:
    first = batch[0]
    for place, value in enumerate(batch):
        if getattr(value, "shape", None) != first.shape:
            raise ValueError(
                f"rows of one batch have one shape, got {tuple(first.shape)} first and "
                f"{tuple(np.shape(value))} at place {place}: give a collate_fn that "
                "pads them"
            )
    if tree.on_device(first):
        import jax.numpy as jnp

        return jnp.stack(batch)
    arrays = [np.asarray(value) for value in batch]
    dtypes = {array.dtype for array in arrays}
    for dtype in dtypes:
        if dtype.kind not in "biufcV":
            raise _refusal(dtype)
    if len(dtypes) == 1:
        return np.stack(arrays)
    return np.stack(arrays, dtype=_common(dtypes))


def _mapping(first: Mapping[Any, Any], batch: Sequence[Any]) -> Any:
    values = {}
    for key in first:
        try:
            column = [row[key] for row in batch]
        except KeyError:
            raise ValueError(
                f"rows of one batch have one set of keys, and one lacks {key!r}"
            ) from None
        values[key] = default_collate(column)
    return _like_mapping(first, values)


def _sequence(first: Sequence[Any], batch: Sequence[Any]) -> Any:
    lengths = [len(row) for row in batch]
    if len(set(lengths)) > 1:
        raise ValueError(
            f"rows of one batch have one length, got {min(lengths)} and {max(lengths)}"
        )
    columns = zip(*batch, strict=True)
    return _like_sequence(first, [default_collate(column) for column in columns])


def _like_mapping(first: Mapping[Any, Any], values: dict[Any, Any]) -> Any:
    """Of the first one's type where that can be made, with what else it holds."""
    if type(first) is dict:
        return values
    if isinstance(first, MutableMapping):
        return _or(values, lambda: _updated(first, values))
    return _or(values, lambda: type(first)(values))  # type: ignore[call-arg]


def _updated(first: Any, values: dict[Any, Any]) -> Any:
    clone = copy.copy(first)
    clone.update(values)
    return clone


def _like_sequence(first: Sequence[Any], values: list[Any]) -> Any:
    if isinstance(first, tuple) and hasattr(first, "_fields"):
        return type(first)(*values)
    if isinstance(first, list | tuple):
        return values
    return _or(values, lambda: type(first)(values))  # type: ignore[call-arg]


def _or(values: Any, make: Callable[[], Any]) -> Any:
    try:
        return make()
    except TypeError:
        return values


def _refusal(kind: Any) -> TypeError:
    name = kind.__name__ if isinstance(kind, type) else str(kind)
    return TypeError(
        "rows of a batch hold arrays, numbers, texts, and dictionaries, lists and "
        f"tuples of them, got {name}: give a collate_fn that puts them together"
    )
