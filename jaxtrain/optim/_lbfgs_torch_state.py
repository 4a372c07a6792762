"""L-BFGS's state to and from PyTorch's dictionaries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxtrain.optim._groups import parameter_name
from jaxtrain.optim._lbfgs import LbfgsState, Memory


def host_array(value: Any) -> np.ndarray:
    """A tensor of PyTorch's, wherever it lies, or an array, as one of NumPy's.

    NumPy has no bfloat16 of its own and PyTorch refuses to hand one over; through
    float32 it arrives bit for bit. PyTorch itself is not needed.

    Example:
        >>> host_array(jnp.ones(2, jnp.bfloat16))
        array([1, 1], dtype=bfloat16)
    """
    if hasattr(value, "detach"):
        value = value.detach().cpu()
        if str(value.dtype) == "torch.bfloat16":
            return value.float().numpy().astype(jnp.bfloat16)
    return np.asarray(value)


COUNTS = ("func_evals", "n_iter")
VECTORS = ("d", "prev_flat_grad")
LISTS = ("old_dirs", "old_stps", "ro")
NUMBERS = ("t", "H_diag", "prev_loss")


def to_torch_entry(state: LbfgsState, order: Sequence[str]) -> dict[int, Any]:
    """PyTorch's `state`: nothing before the first update, else the entry 0."""
    if not int(state.func_evals):
        return {}
    entry: dict[str, Any] = {
        "func_evals": int(state.func_evals),
        "n_iter": int(state.n_iter),
    }
    if not int(state.n_iter):
        return {0: entry}
    memory, history = state.memory, len(state.memory.ro)
    count = int(memory.stored)
    slots = [i % history for i in range(max(0, count - history), count)]
    dirs, steps = (
        _flat(ring, order, axis=1) for ring in (memory.old_dirs, memory.old_stps)
    )
    if int(state.n_iter) > 1:
        entry["al"] = [None] * history  # Room for what each direction works out.
    return {
        0: {
            **entry,
            "d": _flat(state.d, order),
            "t": float(state.t),
            "old_dirs": [dirs[slot] for slot in slots],
            "old_stps": [steps[slot] for slot in slots],
            "ro": [np.array(memory.ro[slot]) for slot in slots],
            "H_diag": np.array(memory.H_diag),
            "prev_flat_grad": _flat(state.prev_flat_grad, order),
            "prev_loss": float(state.prev_loss),
        }
    }


def from_torch_entry(
    fresh: LbfgsState, entries: Mapping[int, Any], order: Sequence[str]
) -> LbfgsState:
    """The state that PyTorch's `state` tells, or `ValueError` with all its faults."""
    if not entries:
        return fresh
    entry = entries.get(0, {})
    faults = _faults(fresh, entries, entry)
    if faults:
        raise ValueError(f"lbfgs cannot load that state: {'; '.join(faults)}")
    fresh = fresh._replace(
        count=jnp.ones([], jnp.int32),
        func_evals=jnp.asarray(entry["func_evals"], jnp.int32),
        n_iter=jnp.asarray(entry["n_iter"], jnp.int32),
    )
    if not entry["n_iter"]:
        return fresh
    dtype = fresh.t.dtype
    return fresh._replace(
        t=jnp.asarray(float(entry["t"]), dtype),
        prev_loss=jnp.asarray(float(entry["prev_loss"]), dtype),
        memory=_memory(fresh.memory, entry, order),
        d=_tree(fresh.d, host_array(entry["d"]), order),
        prev_flat_grad=_tree(fresh.d, host_array(entry["prev_flat_grad"]), order),
    )


def _memory(fresh: Memory, entry: Mapping[str, Any], order: Sequence[str]) -> Memory:
    pairs = len(entry["ro"])

    def ring(template: Any, rows: Sequence[Any]) -> Any:
        if not rows:
            return template
        new = _tree(template, np.stack([host_array(row) for row in rows]), order)
        return jax.tree.map(lambda t, x: t.at[:pairs].set(x), template, new)

    ro = np.zeros(len(fresh.ro))
    ro[:pairs] = [float(value) for value in entry["ro"]]
    return Memory(
        ring(fresh.old_dirs, entry["old_dirs"]),
        ring(fresh.old_stps, entry["old_stps"]),
        jnp.asarray(ro, fresh.ro.dtype),
        jnp.asarray(pairs, jnp.int32),
        jnp.asarray(float(entry["H_diag"]), fresh.H_diag.dtype),
    )


def _faults(
    fresh: LbfgsState, entries: Mapping[int, Any], entry: Mapping[str, Any]
) -> list[str]:
    # Where the first gradient was small enough, PyTorch has counted and no more.
    has_steps = entry.get("n_iter") != 0
    names = (*COUNTS, *VECTORS, *LISTS, *NUMBERS) if has_steps else COUNTS
    faults = [f"missing {name!r}" for name in names if name not in entry]
    faults += [f"unexpected {name!r}" for name in entry if name not in (*names, "al")]
    if list(entries) != [0]:
        faults.insert(0, f"it has the entries {list(entries)}, and should have 0 alone")
    return faults + _misfits(fresh, entry)


def _misfits(fresh: LbfgsState, entry: Mapping[str, Any]) -> list[str]:
    size, faults = sum(leaf.size for leaf in jax.tree.leaves(fresh.d)), []
    names = [name for name in (*VECTORS, *LISTS[:2]) if name in entry]
    for name in names:
        rows = [entry[name]] if name in VECTORS else entry[name]
        sizes = {np.size(host_array(row)) for row in rows} - {size}
        faults += [f"{name!r} has {other} elements, not {size}" for other in sizes]
    lengths = {name: len(entry[name]) for name in LISTS if name in entry}
    if len(set(lengths.values())) > 1:
        faults.append(f"it remembers different numbers of pairs: {lengths}")
    if any(length > len(fresh.memory.ro) for length in lengths.values()):
        faults.append(
            f"it remembers {max(lengths.values())} pairs, and history_size is "
            f"{len(fresh.memory.ro)}"
        )
    return faults


def _leaves(tree: Any) -> dict[str, jax.Array]:
    paths = jax.tree_util.tree_leaves_with_path(tree)
    return {parameter_name(path): leaf for path, leaf in paths}


def _flat(tree: Any, order: Sequence[str], axis: int = 0) -> np.ndarray:
    """One vector of all leaves in PyTorch's order, after the first `axis` axes."""
    leaves = _leaves(tree)
    parts = [np.asarray(leaves[name]) for name in order]
    return np.concatenate([x.reshape(*x.shape[:axis], -1) for x in parts], axis)


def _tree(template: Any, flat: np.ndarray, order: Sequence[str]) -> Any:
    """The inverse of `_flat`; a template's own leading axis is not `flat`'s."""
    leaves, parts, start = _leaves(template), {}, 0
    lead = flat.ndim - 1
    for name in order:
        shape = leaves[name].shape[lead:]
        stop = start + int(np.prod(shape))
        parts[name] = flat[..., start:stop].reshape(*flat.shape[:-1], *shape)
        start = stop

    def one(path: Any, leaf: jax.Array) -> jax.Array:
        # Copied: PyTorch goes on to change its own tensors in place.
        return jnp.array(parts[parameter_name(path)], leaf.dtype)

    return jax.tree.map_with_path(one, template)
