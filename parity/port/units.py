"""The layers of a model that hold parameters or buffers, on either side."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from flax import nnx

WHOLE_IN_FLAX = (
    nnx.MultiHeadAttention,
    nnx.LSTMCell,
    nnx.OptimizedLSTMCell,
    nnx.GRUCell,
    nnx.SimpleCell,
)
"""Layers that are mapped as a whole, with all that is in them."""


@dataclass(frozen=True)
class Unit:
    """A layer with its own parameters and buffers."""

    path: str
    """Dotted; empty for the model itself."""
    module: Any
    shapes: dict[str, tuple[int, ...]]
    """By name within the layer, dotted where it is mapped as a whole."""

    def full(self, name: str) -> str:
        """The name within the model."""
        return joined(self.path, name)


def joined(path: str, name: str) -> str:
    """Two parts of a dotted name, of which either may be empty.

    Example:
        >>> joined("", "fc"), joined("fc", "weight")
        ('fc', 'fc.weight')
    """
    return f"{path}.{name}" if path and name else path or name


def torch_units(
    model: torch.nn.Module, whole: tuple[type, ...] = (torch.nn.MultiheadAttention,)
) -> list[Unit]:
    """In the order of the modules; tied parameters count once.

    Args:
        model: PyTorch's.
        whole: classes that are one unit with all that is in them.
    """
    kept = set(model.state_dict())
    names = {name for name, _ in model.named_parameters()}
    names |= {name for name, _ in model.named_buffers() if name in kept}
    taken: set[str] = set()
    units = []
    for path, module in model.named_modules():
        own = {
            name: tuple(tensor.shape)
            for name, tensor in _torch_tensors(module, isinstance(module, whole))
            if joined(path, name) in names - taken
        }
        taken |= {joined(path, name) for name in own}
        if own:
            units.append(Unit(path, module, own))
    return units


def _torch_tensors(
    module: torch.nn.Module, whole: bool
) -> Iterator[tuple[str, torch.Tensor]]:
    yield from module.named_parameters(recurse=whole)
    yield from module.named_buffers(recurse=whole)


def jax_modules(model: nnx.Module) -> list[tuple[str, nnx.Module]]:
    """(dotted path, module), in the order in which attributes were set; each once."""
    found: list[tuple[str, nnx.Module]] = []
    seen: set[int] = set()

    def walk(path: str, module: nnx.Module) -> None:
        if id(module) in seen:
            return
        seen.add(id(module))
        found.append((path, module))
        for name, member in _members(module):
            if isinstance(member, nnx.Module):
                walk(joined(path, name), member)

    walk("", model)
    return found


def jax_units(model: nnx.Module) -> list[Unit]:
    """In the order of the modules; shared variables count once."""
    shapes = {
        ".".join(map(str, path)): tuple(variable.shape)
        for path, variable in nnx.to_flat_state(nnx.state(model))
        if _is_state(variable)
    }
    units: list[Unit] = []
    modules = jax_modules(model)
    whole = [path for path, module in modules if isinstance(module, WHOLE_IN_FLAX)]
    for path, module in modules:
        inside = any(path.startswith(f"{outer}.") for outer in whole)
        own = {
            name: shapes.pop(joined(path, name))
            for name in ([] if inside else _names(path, module, shapes))
        }
        if own:
            units.append(Unit(path, module, own))
    # What the walk cannot reach, as in a plain list or a dictionary.
    rest = [Unit("", model, {name: shape}) for name, shape in shapes.items()]
    return units + rest


def _names(path: str, module: nnx.Module, shapes: dict[str, Any]) -> list[str]:
    start = f"{path}." if path else ""
    if isinstance(module, WHOLE_IN_FLAX):
        return [n.removeprefix(start) for n in list(shapes) if n.startswith(start)]
    own = [name for name, member in _members(module)]
    return [name for name in own if joined(path, name) in shapes]


def _members(module: nnx.Module) -> list[tuple[str, Any]]:
    # A merged module has its attributes by name; its record of them keeps the order.
    recorded = getattr(module, "_pytree__nodes", ())
    places = {name: place for place, name in enumerate(recorded)}
    members = [m for m in vars(module).items() if not m[0].startswith("_pytree__")]
    return sorted(members, key=lambda m: places.get(m[0], len(places)))


def _is_state(variable: Any) -> bool:
    # A variable is registered under its class; these come and go with a call.
    kind = getattr(variable, "type", type(variable))
    return not issubclass(kind, nnx.RngState | nnx.Intermediate | nnx.Cache)
