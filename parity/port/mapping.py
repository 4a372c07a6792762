"""Which PyTorch tensors fill which JAX variable, found by name, order and shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from flax import nnx

from jaxtrain.errors import nearest
from parity.port import layouts
from parity.port.case import Placement
from parity.port.layouts import Leaf, by_layer, same, torch_recurrent
from parity.port.outline import Outline, outline_of
from parity.port.units import Unit, jax_modules, jax_units, torch_units

if TYPE_CHECKING:
    import torch


Arrays = dict[str, np.ndarray]


class MapError(ValueError):
    """Parameters or buffers on one side have no counterpart on the other.

    Args:
        torch_left: PyTorch's names, each with a shape.
        jax_left: JAX paths, each with a shape.
    """

    def __init__(
        self,
        torch_left: Mapping[str, tuple[int, ...]],
        jax_left: Mapping[str, tuple[int, ...]],
    ):
        self.torch_left, self.jax_left = dict(torch_left), dict(jax_left)
        sides = [
            f"{side}: " + ", ".join(f"{n} {s}" for n, s in rest.items())
            for side, rest in (("PyTorch", torch_left), ("JAX", jax_left))
            if rest
        ]
        super().__init__(
            f"without a counterpart are, in {'; in '.join(sides)}. "
            "Case(map={PyTorch's name: JAX path or None}) says where they belong"
        )


@dataclass(frozen=True)
class WeightMap:
    """The map of a whole model."""

    leaves: tuple[Leaf, ...]
    layers: tuple[tuple[str, str], ...]
    """(PyTorch's module, JAX module) whose outputs are compared."""

    def to_jax(self, tensors: Mapping[str, Any]) -> Arrays:
        """Values or updates by PyTorch's names -> by JAX paths; others are left out."""
        return {
            leaf.path: leaf.change(*(tensors[n] for n in leaf.sources))
            for leaf in self.leaves
            if all(tensors.get(n) is not None for n in leaf.sources)
        }

    def gradients_to_jax(self, tensors: Mapping[str, Any]) -> Arrays:
        """The same for gradients."""
        return {
            leaf.path: (leaf.gradient or leaf.change)(
                *(tensors[n] for n in leaf.sources)
            )
            for leaf in self.leaves
            if all(tensors.get(n) is not None for n in leaf.sources)
        }

    def name(self, path: str) -> str:
        """What reports call a JAX variable."""
        leaf = next(leaf for leaf in self.leaves if leaf.path == path)
        split = sum(other.sources == leaf.sources for other in self.leaves) > 1
        return f"{leaf.name} ({path})" if split else leaf.name

    def __str__(self) -> str:
        width = max(len(leaf.name) for leaf in self.leaves)
        return "\n".join(
            f"{leaf.name:<{width}}  {leaf.path}  {leaf.layout}" for leaf in self.leaves
        )


def weight_map(
    model: torch.nn.Module | Outline,
    jax_model: nnx.Module,
    placements: Mapping[str, Placement] | None = None,
    jax_only: Sequence[str] = (),
) -> WeightMap:
    """Pair the layers of two models: those of one name first, the others in order.

    A layer fits where a rule for its kind gives the shapes that the JAX layer has.

    Args:
        model: PyTorch's, or its outline.
        jax_model: the port.
        placements: PyTorch's name -> JAX path, (path, change of layout) or None.
        jax_only: JAX paths that have no counterpart.

    Raises:
        MapError: something is left over on either side; the message lists all of it.
        ValueError: `placements` or `jax_only` holds a name that there is not.

    Example:
        >>> import torch
        >>> port = nnx.Linear(3, 2, rngs=nnx.Rngs(0))
        >>> print(weight_map(torch.nn.Linear(3, 2), port))
        weight  kernel  transposed
        bias    bias  as it is
    """
    placements = placements or {}
    outline = outline_of(model)
    theirs = jax_units(jax_model)
    ours = torch_units(outline, _whole(theirs))
    leaves = _placement_leaves(placements, ours, theirs)
    _check_names("jax_only", jax_only, [u.full(n) for u in theirs for n in u.shapes])
    paths = {leaf.path for leaf in leaves} | set(jax_only)
    ours = _drop_names(ours, set(placements))
    theirs = _drop_names(theirs, paths)
    pairs = _pairs(_split(ours, theirs), theirs)
    for one, other, group in pairs:
        del one, other
        leaves += group
    _check_whole(ours, theirs, leaves)
    layers = [(one.path, other.path) for one, other, _ in pairs]
    return WeightMap(tuple(leaves), _layers(outline, jax_model, layers))


def _whole(theirs: list[Unit]) -> tuple[str, ...]:
    """Attention is one layer where it is one of Flax's, which has other parts."""
    flax = any(isinstance(unit.module, nnx.MultiHeadAttention) for unit in theirs)
    return ("MultiheadAttention",) if flax else ()


def _placement_leaves(
    placements: Mapping[str, Placement], ours: list[Unit], theirs: list[Unit]
) -> list[Leaf]:
    _check_names("map", list(placements), [u.full(n) for u in ours for n in u.shapes])
    leaves = []
    paths = {u.full(n): (u, n) for u in theirs for n in u.shapes}
    names = {u.full(n): (u, n) for u in ours for n in u.shapes}
    for name, place in placements.items():
        if place is None:
            continue
        path = place if isinstance(place, str) else place[0]
        _check_names(f"map[{name!r}]", [path], list(paths))
        if isinstance(place, str):
            leaves.append(_one_leaf(*names[name], *paths[path]))
        else:
            leaves.append(Leaf(path, (name,), place[1], "as given"))
    return leaves


def _one_leaf(ours: Unit, name: str, theirs: Unit, jax_name: str) -> Leaf:
    """A tensor put in a place by the user, in the layout of that layer."""
    a = replace(ours, shapes={name: ours.shapes[name]})
    b = replace(theirs, shapes={jax_name: theirs.shapes[jax_name]})
    leaves = layouts.leaves(a, b)
    if leaves:
        return leaves[0]
    if ours.shapes[name] != theirs.shapes[jax_name]:
        full = ours.full(name), theirs.full(jax_name)
        raise ValueError(
            f"map[{full[0]!r}]: {ours.shapes[name]} does not fit {full[1]!r}, which is "
            f"{theirs.shapes[jax_name]}: give (path, function that changes the layout)"
        )
    return Leaf(theirs.full(jax_name), (ours.full(name),), same, "as it is")


def _check_names(what: str, names: Sequence[str], choices: Sequence[str]) -> None:
    for name in names:
        if name not in choices:
            near = nearest(name, choices)
            hint = f"; did you mean {near!r}?" if near else f": {', '.join(choices)}"
            raise ValueError(f"{what}: there is no {name!r}{hint}")


def _drop_names(units: list[Unit], names: set[str]) -> list[Unit]:
    rest = [
        Unit(
            unit.path,
            unit.module,
            {n: s for n, s in unit.shapes.items() if unit.full(n) not in names},
        )
        for unit in units
    ]
    return [unit for unit in rest if unit.shapes]


def _split(ours: list[Unit], theirs: list[Unit]) -> list[Unit]:
    """A recurrent layer counts as its cells where the other side has cells."""
    if not any(isinstance(u.module, nnx.nn.recurrent.RNNCellBase) for u in theirs):
        return ours
    return [
        cell
        for unit in ours
        for cell in (by_layer(unit) if torch_recurrent(unit) else [unit])
    ]


UnitPair = tuple[Unit, Unit, list[Leaf]]


def _pairs(ours: list[Unit], theirs: list[Unit]) -> list[UnitPair]:
    rest = list(theirs)
    matches: dict[int, UnitPair] = {}
    for by_name in (True, False):
        for place, unit in enumerate(ours):
            for other in [] if place in matches else rest:
                if by_name and plain_path(unit.path) != plain_path(other.path):
                    continue
                leaves = layouts.leaves(unit, other)
                if leaves:
                    matches[place] = (unit, other, leaves)
                    rest.remove(other)
                    break
    return [matches[place] for place in sorted(matches)]


def plain_path(path: str) -> str:
    """A path without the attribute in which `nnx.Sequential` keeps its layers.

    Example:
        >>> plain_path("net.layers.0"), plain_path("net.0")
        ('net.0', 'net.0')
    """
    return ".".join(part for part in path.split(".") if part != "layers")


def _check_whole(ours: list[Unit], theirs: list[Unit], leaves: list[Leaf]) -> None:
    sources = {name for leaf in leaves for name in leaf.sources}
    paths = {leaf.path for leaf in leaves}
    torch_rest = {
        unit.full(n): s
        for unit in ours
        for n, s in unit.shapes.items()
        # A counter that only a cumulative average needs; Flax has none.
        if unit.full(n) not in sources and n.split(".")[-1] != "num_batches_tracked"
    }
    jax_rest = {
        unit.full(n): s
        for unit in theirs
        for n, s in unit.shapes.items()
        if unit.full(n) not in paths
    }
    if torch_rest or jax_rest:
        raise MapError(torch_rest, jax_rest)


def _layers(
    outline: Outline, jax_model: nnx.Module, pairs: list[tuple[str, str]]
) -> tuple[tuple[str, str], ...]:
    """Paired layers, and others that have one name on both sides."""
    layers = dict(pairs)
    others = {plain_path(path): path for path, _ in jax_modules(jax_model)}
    for path in (module.path for module in outline.modules):
        if path not in layers and plain_path(path) in others:
            layers[path] = others[plain_path(path)]
    return tuple(layers.items())
