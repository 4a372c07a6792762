"""The layers of a model that hold parameters or buffers, on either side."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flax import nnx

from parity.port.outline import Module, Outline, Tensor, outline_of

if TYPE_CHECKING:
    import torch


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
    """The NNX module, or the outline of PyTorch's."""
    shapes: dict[str, tuple[int, ...]]
    """By name within the layer, dotted where it is mapped as a whole."""

    def full(self, name: str) -> str:
        """The name within the model."""
        return join(self.path, name)


def join(path: str, name: str) -> str:
    """Two parts of a dotted name, of which either may be empty.

    Example:
        >>> join("", "fc"), join("fc", "weight")
        ('fc', 'fc.weight')
    """
    return f"{path}.{name}" if path and name else path or name


def torch_units(
    model: torch.nn.Module | Outline, whole: tuple[str, ...] = ("MultiheadAttention",)
) -> list[Unit]:
    """In the order of the modules; tied parameters count once.

    Args:
        model: PyTorch's, or its outline.
        whole: classes of `torch.nn` that are one unit with all that is in them.
    """
    outline = outline_of(model)
    buffers = {n: t for n, t in outline.buffers.items() if t.kept}
    names = outline.parameters | buffers
    own_names: set[str] = set()
    units = []
    for module in outline.modules:
        own = {
            name: names[join(module.path, name)].shape
            for name in _torch_names(module, names, module.is_a(*whole))
            if join(module.path, name) not in own_names
        }
        own_names |= {join(module.path, name) for name in own}
        if own:
            units.append(Unit(module.path, module, own))
    return units


def _torch_names(
    module: Module, names: dict[str, Tensor], whole: bool
) -> Iterator[str]:
    """Names within a module, of all that is in it or of its own."""
    start = f"{module.path}." if module.path else ""
    for name in names:
        inner = name.removeprefix(start)
        if name.startswith(start) and (whole or "." not in inner):
            yield inner


def jax_modules(model: nnx.Module) -> list[tuple[str, nnx.Module]]:
    """(dotted path, module), in the order in which attributes were set; each once."""
    modules: list[tuple[str, nnx.Module]] = []
    ids: set[int] = set()

    def walk(path: str, module: nnx.Module) -> None:
        if id(module) in ids:
            return
        ids.add(id(module))
        modules.append((path, module))
        for name, member in _members(module):
            if isinstance(member, nnx.Module):
                walk(join(path, name), member)

    walk("", model)
    return modules


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
            name: shapes.pop(join(path, name))
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
    return [name for name in own if join(path, name) in shapes]


def _members(module: nnx.Module) -> list[tuple[str, Any]]:
    # A merged module has its attributes by name; its record of them keeps the order.
    nodes = getattr(module, "_pytree__nodes", ())
    places = {name: place for place, name in enumerate(nodes)}
    members = [m for m in vars(module).items() if not m[0].startswith("_pytree__")]
    return sorted(members, key=lambda m: places.get(m[0], len(places)))


def _is_state(variable: Any) -> bool:
    # A variable is registered under its class; these come and go with a call.
    kind = getattr(variable, "type", type(variable))
    return not issubclass(kind, nnx.RngState | nnx.Intermediate | nnx.Cache)
