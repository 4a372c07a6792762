"""State to and from PyTorch's dictionaries."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxtrain.optim._groups import FROZEN, parameter_name, parameter_names
from jaxtrain.optim._lbfgs import LbfgsState, most_evaluations
from jaxtrain.optim._lbfgs_torch_state import (
    from_torch_entry,
    host_array,
    to_torch_entry,
)

IMPLEMENTATION: dict[str, dict[str, Any]] = {
    name: {"foreach": None, "capturable": False, "differentiable": False}
    for name in ("adadelta", "adamax", "asgd", "nadam", "radam", "rmsprop", "rprop")
}
IMPLEMENTATION |= {
    "adam": {
        "foreach": None,
        "capturable": False,
        "differentiable": False,
        "fused": None,
    },
    "adagrad": {"foreach": None, "differentiable": False, "fused": None},
    "sgd": {"foreach": None, "differentiable": False, "fused": None},
}
IMPLEMENTATION |= {
    "adafactor": {"foreach": None},
    "lbfgs": {},
    "muon": {},
    "sparse_adam": {},
}
IMPLEMENTATION["adamw"] = {**IMPLEMENTATION["adam"], "decoupled_weight_decay": True}
"""Entries of PyTorch's groups that choose an implementation, at their defaults."""

EAGER = ("adagrad",)
"""PyTorch makes these states with the optimiser; the others at the first step."""

STEPLESS = ("muon", "sgd")
"""PyTorch does not say how many steps these have taken."""


def to_torch_state_dict(
    optimizer: Callable[..., optax.GradientTransformationExtraArgs],
    state: Any,
    order: Sequence[str],
    groups: Sequence[Mapping[str, Any]] | None = None,
    **arguments: Any,
) -> dict[str, Any]:
    """What `state_dict()` of PyTorch's optimiser would hold, with NumPy arrays.

    Args:
        optimizer: the function that made the transformation, such as `optim.adam`.
        state: of the transformation.
        order: names of all parameters, without buffers, as PyTorch's model lists
            them, say `list(nn.state_dict(model))`.
        groups: as given to `param_groups`, if it made the transformation.
        arguments: those that the transformation was made with; of a schedule, the
            value in force is saved.

    Returns:
        `{"state": {number: {name: array}}, "param_groups": [{…, "params": numbers}]}`.

    Raises:
        ValueError: the order lacks a parameter of the state, or names another.

    PyTorch: `torch.optim.Optimizer.state_dict`; to load it, wrap the arrays in tensors.

    Example:
        >>> from jaxtrain import optim
        >>> state = optim.sgd(momentum=0.9).init({"weight": jnp.zeros(1)})
        >>> d = to_torch_state_dict(optim.sgd, state, ["weight"], momentum=0.9)
        >>> d["param_groups"][0]["momentum"], d["param_groups"][0]["params"]
        (0.9, [0])
    """
    if isinstance(state, LbfgsState):
        _check_order(order, parameter_names(state.d))
        values = _describe(optimizer, arguments, state.count, list(range(len(order))))
        if values["max_eval"] is None:
            values["max_eval"] = most_evaluations(values["max_iter"])
        return {"state": to_torch_entry(state, order), "param_groups": [values]}
    by_number: dict[int, dict[str, Any]] = {}
    descriptions, start = [], 0
    for group, own in _own_states(state, groups):
        members = [p for p in order if _belongs(p, group)]
        numbers = range(start, start + len(members))
        entries = _entries(optimizer.__name__, own, members)
        by_number |= {n: e for n, e in zip(numbers, entries, strict=True) if e}
        descriptions.append(
            _describe(optimizer, {**arguments, **group}, own.count, list(numbers))
        )
        start += len(members)
    return {"state": by_number, "param_groups": descriptions}


def from_torch_state_dict(
    state_dict: Mapping[str, Any],
    optimizer: optax.GradientTransformationExtraArgs,
    params: optax.Params,
    order: Sequence[str],
    groups: Sequence[Mapping[str, Any]] | None = None,
) -> Any:
    """The state with which our transformation goes on where PyTorch's optimiser was.

    The hyper-parameters stay those that the transformation was made with.

    Args:
        state_dict: of PyTorch's optimiser; tensors, on whatever device, or arrays.
        optimizer: the transformation.
        params: of the model.
        order: as for `to_torch_state_dict`.
        groups: as given to `param_groups`, if it made the transformation.

    Raises:
        ValueError: the dictionary is not one of this optimiser over these parameters,
            and the message lists all that is missing, unexpected or misshaped; or the
            order lacks a parameter or names one that is not there.

    PyTorch's SGD, Muon and L-BFGS do not say how many steps they have taken: `count`,
    at which a schedule is called, is then 1; `state._replace(count=…)` sets it right.

    PyTorch: `torch.optim.Optimizer.load_state_dict`.
    """
    if not {"state", "param_groups"} <= state_dict.keys():
        raise ValueError(
            "an optimiser's state_dict has 'state' and 'param_groups', not "
            f"{list(state_dict)}"
        )
    _check_order(order, parameter_names(params))
    fresh, start, faults = optimizer.init(params), 0, []
    if isinstance(fresh, LbfgsState):
        return from_torch_entry(fresh, state_dict["state"], order)
    sizes = [len(group["params"]) for group in state_dict["param_groups"]]
    states = []
    for group, own in _own_states(fresh, groups):
        members = [p for p in order if _belongs(p, group)]
        numbers = range(start, start + len(members))
        start += len(members)
        entries = {
            member: dict(state_dict["state"].get(number, {}))
            for number, member in zip(numbers, members, strict=True)
        }
        faults += _faults(own, entries)
        if not faults:
            states.append(_fill(own, entries))
    if sum(sizes) != start:
        faults.insert(0, f"it holds {sum(sizes)} parameters, not {start}")
    if faults:
        raise ValueError(f"this optimiser cannot load that state: {'; '.join(faults)}")
    return _put_back(fresh, states, groups)


def _own_states(
    state: Any, groups: Sequence[Mapping[str, Any]] | None
) -> Iterator[tuple[Mapping[str, Any], Any]]:
    """(group, its optimiser's state), without the frozen ones."""
    if groups is None:
        yield {}, state
        return
    for index, group in enumerate(groups):
        if not group.get(FROZEN):
            yield group, state.inner_states[str(index)].inner_state


def _put_back(
    state: Any, states: list[Any], groups: Sequence[Mapping[str, Any]] | None
) -> Any:
    if groups is None:
        return states[0]
    live = [str(i) for i, group in enumerate(groups) if not group.get(FROZEN)]
    inner = dict(state.inner_states)
    for label, own in zip(live, states, strict=True):
        inner[label] = inner[label]._replace(inner_state=own)
    return optax.PartitionState(inner)


def _check_order(order: Sequence[str], names: Sequence[str]) -> None:
    faults = [f"lacks {name!r}" for name in dict.fromkeys(names) if name not in order]
    for name in dict.fromkeys(order):
        if name not in names:
            faults.append(f"names {name!r}, which is no parameter")
        elif list(order).count(name) > 1:
            faults.append(f"names {name!r} more than once")
    if faults:
        raise ValueError(f"the order of the parameters {'; it '.join(faults)}")


def _belongs(name: str, group: Mapping[str, Any]) -> bool:
    return "params" not in group or group["params"](name)


def _fields(state: Any) -> Iterator[str]:
    """Names of the state tensors that this optimiser keeps."""
    for name in state._fields:
        if name != "count" and getattr(state, name) is not None:
            yield name


def _tensors(state: Any) -> dict[str, dict[str, jax.Array]]:
    """State tensor -> parameter -> value."""
    return {
        name: {
            parameter_name(path): leaf
            for path, leaf in jax.tree_util.tree_leaves_with_path(getattr(state, name))
        }
        for name in _fields(state)
    }


def _entries(name: str, state: Any, members: Sequence[str]) -> list[dict[str, Any]]:
    """PyTorch's entry for each parameter of a group; empty ones are not saved."""
    tensors = _tensors(state)
    if tensors:
        held = [member for column in tensors.values() for member in column]
        _check_order(members, held)
    if name not in EAGER and not int(state.count):
        return [{} for _ in members]
    return [
        _with_step(
            name,
            {key: np.array(t[member]) for key, t in tensors.items() if member in t},
            int(state.count),
        )
        for member in members
    ]


def _with_step(name: str, entry: dict[str, Any], count: int) -> dict[str, Any]:
    if name in STEPLESS:
        return entry
    # PyTorch's `step` is a float32 tensor, SparseAdam's an integer.
    step = count if name == "sparse_adam" else np.float32(count)
    return {"step": step, **entry}


def _describe(
    optimizer: Callable[..., Any],
    arguments: Mapping[str, Any],
    count: jax.Array,
    numbers: list[int],
) -> dict[str, Any]:
    keywords = {key: v for key, v in arguments.items() if key not in ("params", FROZEN)}
    bound = inspect.signature(optimizer).bind(**keywords)
    bound.apply_defaults()

    def in_force(value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(map(in_force, value))
        return float(value(count)) if callable(value) else value

    values = {key: in_force(value) for key, value in bound.arguments.items()}
    return {**values, **IMPLEMENTATION[optimizer.__name__], "params": numbers}


def _faults(state: Any, entries: Mapping[str, Mapping[str, Any]]) -> list[str]:
    if not any(entries.values()):
        return []
    faults, tensors = [], _tensors(state)
    for member, entry in entries.items():
        own = [key for key in tensors if member in tensors[key]]
        for key in own:
            if key not in entry:
                faults.append(f"{member}: missing {key!r}")
            elif np.shape(entry[key]) != tensors[key][member].shape:
                shape = tensors[key][member].shape
                faults.append(
                    f"{member}: {key!r} is {tuple(entry[key].shape)}, not {shape}"
                )
        unexpected = [key for key in entry if key not in (*own, "step")]
        # PyTorch keeps an empty momentum where there is none.
        faults += [
            f"{member}: unexpected {key!r}"
            for key in unexpected
            if entry[key] is not None
        ]
    steps = {float(entry["step"]) for entry in entries.values() if "step" in entry}
    if len(steps) > 1:
        faults.append(f"its parameters have taken different numbers of steps: {steps}")
    return faults


def _fill(state: Any, entries: Mapping[str, Mapping[str, Any]]) -> Any:
    if not any(entries.values()):
        return state

    def fill(name: str) -> Any:
        def one(path: Any, leaf: jax.Array) -> jax.Array:
            # Copied: PyTorch goes on to change its own tensors in place.
            value = host_array(entries[parameter_name(path)][name])
            return jnp.array(value, leaf.dtype)

        return jax.tree.map_with_path(one, getattr(state, name))

    # Plain SGD counts nothing; all that its state tells is that it has begun.
    step = next(iter(entries.values())).get("step", 1)
    fields = {name: fill(name) for name in _fields(state)}
    return state._replace(count=jnp.asarray(int(step), jnp.int32), **fields)
