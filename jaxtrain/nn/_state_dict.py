"""A module's parameters and buffers under PyTorch's names."""

from collections.abc import Iterator, Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np
from flax import nnx


def _variables(module: nnx.Module) -> dict[str, nnx.Variable]:
    flat = dict(nnx.to_flat_state(nnx.state(module)))
    # Flax sorts by name. What the walk cannot reach, as in a plain list, comes last.
    order = [path for path in _paths(module) if path in flat]
    order += [path for path in flat if path not in order]
    return {".".join(map(str, path)): flat[path] for path in order}


def _array(value: Any) -> np.ndarray:
    # A tensor that asks for gradients is none that NumPy takes.
    return np.asarray(value.detach() if hasattr(value, "detach") else value)


def _paths(module: nnx.Module) -> Iterator[tuple[str, ...]]:
    """Paths in PyTorch's order: own parameters, own buffers, then module by module."""
    members = vars(module).items()
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


def state_dict(module: nnx.Module) -> dict[str, np.ndarray]:
    """The module's parameters and buffers, by PyTorch's names and in its order.

    The order is that in which a module's members were set; a module that Flax has put
    together anew (`nnx.merge`, `nnx.clone`) has them by name.

    PyTorch: `torch.nn.Module.state_dict`.

    Example:
        >>> from jaxtrain import nn
        >>> list(state_dict(nn.Sequential(nn.Linear(3, 2), nn.ReLU())))
        ['0.weight', '0.bias']
    """
    return {
        name: np.asarray(variable[...]) for name, variable in _variables(module).items()
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
    own = _variables(module)
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
