"""A tree of JAX arrays as named arrays, and back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from jaxtrain.registry import ConfigError

if TYPE_CHECKING:
    import jax

Tree = TypeVar("Tree")

_MOST_TOLD = 4
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
        told = [*faults[:_MOST_TOLD]]
        if len(faults) > _MOST_TOLD:
            told.append(f"and {len(faults) - _MOST_TOLD} more")
        raise ConfigError(f"the checkpoint does not fit: {', '.join(told)}")
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
        _weak(leaf, array) if getattr(leaf, "weak_type", False) else jnp.array(array)
    )
    if value.dtype != array.dtype:
        raise ConfigError(
            f"the checkpoint does not fit: {name!r} is {array.dtype}, which JAX has "
            "only with jax_enable_x64"
        )
    if _is_key(leaf):
        return jax.random.wrap_key_data(value, impl=jax.random.key_impl(leaf))
    return value


def _weak(leaf: Any, array: np.ndarray) -> jax.Array:
    """Keep what decides the type of a sum: weak float32 and bfloat16 give bfloat16."""
    import jax

    return jax.lax.full_like(leaf, 0).at[...].set(array)
