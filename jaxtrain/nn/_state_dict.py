"""A module's parameters and buffers under PyTorch's names."""

from collections.abc import Iterator, Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np
from flax import nnx


def named_variables(module: nnx.Module) -> dict[str, nnx.Variable]:
    """Every parameter and buffer, by PyTorch's names and in its order.

    Example:
        >>> from jaxtrain import nn
        >>> list(named_variables(nnx.clone(nn.Linear(3, 2))))
        ['weight', 'bias']
    """
    flat = {
        ".".join(map(str, path)): variable
        for path, variable in nnx.to_flat_state(nnx.state(module))
    }
    # Flax sorts by name. What the walk cannot reach, as in a plain list, comes last.
    order = [name for name in map(".".join, _paths(module)) if name in flat]
    return {name: flat[name] for name in dict.fromkeys([*order, *flat])}


def _array(value: Any) -> np.ndarray:
    # A tensor that asks for gradients is none that NumPy takes.
    return np.asarray(value.detach() if hasattr(value, "detach") else value)


def _paths(module: nnx.Module) -> Iterator[tuple[str, ...]]:
    """Paths in PyTorch's order: own parameters, own buffers, then module by module."""
    members = _members(module)
    buffers = []
    for name, member in members:
        if isinstance(member, nnx.Param):
            yield (name,)
        elif isinstance(member, nnx.Variable):
            buffers.append((name,))
    yield from buffers
    for name, member in members:
        if isinstance(member, nnx.Module):
            yield from ((name, *path) for path in _paths(member))


def _members(module: nnx.Module) -> list[tuple[str, Any]]:
    """Attributes, in the order in which they were first set.

    Flax puts a module together anew (`nnx.merge`, `nnx.clone`) with its attributes by
    name. What it keeps in the old order is its record of which of them are data.
    """
    recorded = getattr(module, "_pytree__nodes", ())
    places = {name: place for place, name in enumerate(recorded)}
    # A sort is stable: without a record the order is that of the attributes.
    return sorted(vars(module).items(), key=lambda m: places.get(m[0], len(places)))


def state_dict(module: nnx.Module) -> dict[str, np.ndarray]:
    """The module's parameters and buffers, by PyTorch's names and in its order.

    The order is that in which a module's members were set: own parameters, own buffers,
    then module by module. It outlasts `nnx.split`, `nnx.merge` and `nnx.clone`.

    PyTorch: `torch.nn.Module.state_dict`.

    Example:
        >>> from jaxtrain import nn
        >>> list(state_dict(nn.Sequential(nn.Linear(3, 2), nn.ReLU())))
        ['0.weight', '0.bias']
    """
    return {
        name: np.asarray(variable[...])
        for name, variable in named_variables(module).items()
    }


def load_state_dict(module: nnx.Module, state: Mapping[str, Any]) -> None:
    """Copy parameters and buffers into the module, in the module's own dtypes.

    Args:
        module: changed in place.
        state: arrays (NumPy, JAX, or CPU tensors) by PyTorch's dotted names.

    Raises:
        ValueError: names are missing or unexpected, or shapes differ; the message lists
            all of them, and nothing is changed.

    PyTorch: `torch.nn.Module.load_state_dict`.

    Example:
        >>> from jaxtrain import nn
        >>> load_state_dict(nn.Linear(1, 1), {"weight": np.ones((1, 1))})
        Traceback (most recent call last):
            ...
        ValueError: Linear cannot load this state: missing 'bias'
    """
    own = named_variables(module)
    given = {name: _array(value) for name, value in state.items()}
    faults = [f"missing {name!r}" for name in own if name not in given]
    faults += [f"unexpected {name!r}" for name in given if name not in own]
    faults += [
        f"{name!r} is {given[name].shape}, not {own[name].shape}"
        for name in own
        if name in given and given[name].shape != own[name].shape
    ]
    if faults:
        raise ValueError(
            f"{type(module).__name__} cannot load this state: {'; '.join(faults)}"
        )
    target = nnx.state(module)
    for path, variable in nnx.to_flat_state(target):
        name = ".".join(map(str, path))
        # Copied: the caller may go on to change what was given, in place.
        variable[...] = jnp.array(given[name], variable.dtype)
    nnx.update(module, target)
