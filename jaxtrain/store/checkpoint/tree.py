"""Trees of arrays as named arrays, in files and back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from jaxtrain.errors import ConfigError
from jaxtrain.store.codec import Damage, parse, unique

if TYPE_CHECKING:
    import jax


_CODES = {
    "bool": "BOOL",
    "int8": "I8",
    "int16": "I16",
    "int32": "I32",
    "int64": "I64",
    "uint8": "U8",
    "uint16": "U16",
    "uint32": "U32",
    "uint64": "U64",
    "float16": "F16",
    "bfloat16": "BF16",
    "float32": "F32",
    "float64": "F64",
}
_NAMES = {code: name for name, code in _CODES.items()}
_FIELDS = {"dtype", "shape", "data_offsets"}
_LARGEST_HEADER = 2**24
"""Bytes; some 100,000 arrays. A hostile header must not cost gigabytes to parse."""


def encode(arrays: Mapping[str, np.ndarray]) -> bytes:
    """The bytes of a safetensors file.

    Raises:
        TypeError: a value is no plain NumPy array; the message names it.
        ValueError: it is of a type that is not stored (objects, strings, complex
            numbers, big-endian numbers), or the name is not possible.

    Example:
        >>> decode(encode({"step": np.array(3), "w": np.zeros((0, 2), np.float16)}))
        {'step': array(3), 'w': array([], shape=(0, 2), dtype=float16)}
    """
    import safetensors.numpy

    for name, array in arrays.items():
        _check(name, array)
    # By name, so that equal content is equal bytes. The library reads memory as if it
    # were contiguous; `ascontiguousarray` would give a 0-d array a dimension.
    whole = {name: np.asarray(arrays[name], order="C") for name in sorted(arrays)}
    return safetensors.numpy.save(whole)


def decode(data: bytes) -> dict[str, np.ndarray]:
    """The arrays, by name in order, from bytes that may be anything.

    Raises:
        Damage: the bytes are not those that `encode` gives.
    """
    import safetensors

    _check_header(data)
    try:
        entries = safetensors.deserialize(data)
        return {name: _array(fields) for name, fields in sorted(entries)}
    except Damage:
        raise
    except Exception as error:
        reason = str(error).partition("\n")[0]
        raise Damage(f"is no safetensors file ({reason})") from None


def _check(name: object, array: object) -> None:
    if not isinstance(name, str) or name == "__metadata__":
        raise ValueError(f"an array cannot be named {name!r}")
    try:
        name.encode()
    except UnicodeEncodeError:
        raise ValueError(f"an array cannot be named {name!r}") from None
    if type(array) is not np.ndarray:
        kind = type(array).__name__
        raise TypeError(f"{name!r} is of type {kind}; it must be a NumPy array")
    if not (array.dtype.name in _CODES and array.dtype == _dtype(array.dtype.name)):
        raise ValueError(
            f"{name!r} is of type {array.dtype}, which is not stored; it must be one "
            f"of {', '.join(_CODES)}, in little-endian order"
        )
    if not _is_plain(array):
        raise ValueError(f"{name!r} holds truth values other than 0 and 1")


def _dtype(name: str) -> np.dtype[Any]:
    if name == "bfloat16":
        import ml_dtypes

        return np.dtype(ml_dtypes.bfloat16)
    return np.dtype(name).newbyteorder("<")


def _is_plain(array: np.ndarray) -> bool:
    """Whether truth values are 0 and 1: NumPy is undefined on any other byte."""
    return array.dtype != np.bool_ or bool((array.view(np.uint8) < 2).all())


def _check_header(data: bytes) -> None:
    # The library lets the last of two arrays of one name win, and notes that anyone
    # may have left; both could hide what another reader sees.
    length = int.from_bytes(data[:8], "little")
    if len(data) < 8 or length > min(len(data) - 8, _LARGEST_HEADER):
        raise Damage("is no safetensors file (its header does not fit)")
    try:
        header = parse(data[8 : 8 + length].decode(), unique)
    except UnicodeDecodeError:
        raise Damage("is no safetensors file (its header is no text)") from None
    if not isinstance(header, dict) or "__metadata__" in header:
        raise Damage("has another header than arrays have here")
    if not all(isinstance(f, dict) and set(f) == _FIELDS for f in header.values()):
        raise Damage("has another header than arrays have here")


def _array(fields: Mapping[str, Any]) -> np.ndarray:
    if fields["dtype"] not in _NAMES:
        raise Damage(f"holds numbers of type {fields['dtype']}, which is not stored")
    dtype = _dtype(_NAMES[fields["dtype"]])
    array = np.frombuffer(fields["data"], dtype).reshape(fields["shape"])
    if not _is_plain(array):
        raise Damage("holds truth values other than 0 and 1")
    return array


Tree = TypeVar("Tree")

_MOST_FAULTS = 4
_SCALARS = (bool, int, float)


def flatten(tree: Any) -> dict[str, np.ndarray]:
    """The leaves of a tree by name, as NumPy arrays.

    A name is the path to the leaf: `opt_state/0/exp_avg/linear.weight`. Parts of one
    dictionary, and so of an `nnx.State`, are joined by dots, as in a `state_dict`. A
    typed `jax.random` key is stored as its data, its kind added to its name.

    Args:
        tree: any pytree of arrays and numbers.

    Returns:
        Arrays that may share the memory of the tree's own.

    Raises:
        ValueError: two leaves have the same name.

    Example:
        >>> import jax.numpy as jnp
        >>> flatten(({"w": jnp.ones(2)}, 3))
        {'0/w': array([1., 1.], dtype=float32), '1': array(3)}
    """
    arrays: dict[str, np.ndarray] = {}
    for name, leaf in _named_leaves(tree):
        if name in arrays:
            raise ValueError(f"two leaves of the tree are named {name!r}")
        arrays[name] = _to_numpy(leaf)
    return arrays


def restore(tree_like: Tree, arrays: Mapping[str, np.ndarray]) -> Tree:
    """The tree that `flatten` was given.

    Args:
        tree_like: a tree of the same structure, names, shapes and types; of
            its values none is used. Its leaves, but for typed keys, may be
            `jax.ShapeDtypeStruct`s.
        arrays: what `flatten` gave.

    Returns:
        The tree with JAX arrays, copied to the default device; a NumPy array or a
        Python number where `tree_like` has one.

    Raises:
        ConfigError: a name is missing or unexpected, or a shape or a type differs; the
            message names the first few.

    Example:
        >>> import jax.numpy as jnp
        >>> restore({"w": jnp.zeros(2)}, {"w": np.float32([1, 2])})
        {'w': Array([1., 2.], dtype=float32)}
    """
    import jax

    leaves = list(_named_leaves(tree_like))
    faults = _faults(dict(leaves), arrays)
    if faults:
        lines = [*faults[:_MOST_FAULTS]]
        if len(faults) > _MOST_FAULTS:
            lines.append(f"and {len(faults) - _MOST_FAULTS} more")
        raise ConfigError(f"the checkpoint does not fit: {', '.join(lines)}")
    values = [_from_numpy(name, leaf, arrays[name]) for name, leaf in leaves]
    return jax.tree.unflatten(jax.tree.structure(tree_like), values)


def _faults(leaves: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> list[str]:
    faults = [f"missing {name!r}" for name in leaves if name not in arrays]
    faults += [f"unexpected {name!r}" for name in arrays if name not in leaves]
    for name, leaf in leaves.items():
        if name in arrays:
            is_, must = _kind(arrays[name]), _kind(_data(leaf))
            if is_ != must:
                faults.append(f"{name!r} is {is_}, not {must}")
    return faults


def _kind(array: Any) -> str:
    return f"{array.dtype} {tuple(array.shape)}"


def _named_leaves(tree: Any) -> Iterator[tuple[str, Any]]:
    import jax

    for path, leaf in jax.tree_util.tree_flatten_with_path(tree)[0]:
        name = _name(path)
        if _is_key(leaf):
            name += f"#{jax.random.key_impl(leaf)}"
        yield name, leaf


def _name(path: tuple[Any, ...]) -> str:
    from jax.tree_util import DictKey, GetAttrKey, keystr

    # What an nnx.Variable holds is the variable's, whatever Flax calls the attribute.
    if len(path) > 1 and path[-1] == GetAttrKey("value"):
        path = path[:-1]
    name = keystr(path[:1], simple=True)
    for before, key in pairwise(path):
        joint = "." if isinstance(before, DictKey) and isinstance(key, DictKey) else "/"
        name += joint + keystr((key,), simple=True)
    return name


def _is_key(leaf: Any) -> bool:
    import jax

    dtype = getattr(leaf, "dtype", None)
    return dtype is not None and jax.dtypes.issubdtype(dtype, jax.dtypes.prng_key)


def _data(leaf: Any) -> Any:
    """What has the shape and the type that is stored."""
    import jax

    if _is_key(leaf):
        return jax.eval_shape(jax.random.key_data, leaf)
    return leaf if hasattr(leaf, "dtype") else np.asarray(leaf)


def _to_numpy(leaf: Any) -> np.ndarray:
    import jax

    return np.asarray(jax.random.key_data(leaf) if _is_key(leaf) else leaf)


def _from_numpy(name: str, leaf: Any, array: np.ndarray) -> Any:
    import jax
    import jax.numpy as jnp

    if isinstance(leaf, _SCALARS) and not isinstance(leaf, np.generic):
        return array.item()
    if isinstance(leaf, np.ndarray | np.generic):
        return array.copy()
    value = (
        _weak_array(leaf, array)
        if getattr(leaf, "weak_type", False)
        else jnp.array(array)
    )
    if value.dtype != array.dtype:
        raise ConfigError(
            f"the checkpoint does not fit: {name!r} is {array.dtype}, which JAX has "
            "only with jax_enable_x64"
        )
    if _is_key(leaf):
        return jax.random.wrap_key_data(value, impl=jax.random.key_impl(leaf))
    return value


def _weak_array(leaf: Any, array: np.ndarray) -> jax.Array:
    """Keep what decides the type of a sum: weak float32 and bfloat16 give bfloat16."""
    import jax

    return jax.lax.full_like(leaf, 0).at[...].set(array)
