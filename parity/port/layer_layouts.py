"""How each kind of PyTorch layer is laid out in a JAX layer: the rules of the map."""

from collections.abc import Callable, Iterator

import numpy as np
from flax import nnx

from parity.port.layout import (
    Change,
    Leaf,
    channels_last_kernel,
    flipped_kernel,
    gradient_kernel,
    same,
    transposed,
)
from parity.port.recurrent_layouts import flax_cell, torch_recurrent
from parity.port.units import Unit

Rule = Callable[[Unit, Unit], list[Leaf] | None]
"""(PyTorch's unit, the JAX unit) -> the leaves; None where they do not fit."""

FLAX_NAMES = {
    "weight": "scale",
    "bias": "bias",
    "running_mean": "mean",
    "running_var": "var",
}
"""Of normalisations."""


def leaves(ours: Unit, theirs: Unit) -> list[Leaf] | None:
    """The leaves by which a PyTorch layer fills a JAX layer, or None.

    Args:
        ours: PyTorch's.
        theirs: the JAX side's.
    """
    for rule in (_identity, _attention, _recurrent, _flax):
        found = rule(ours, theirs)
        if found:
            return found
    return None


def leaf(
    ours: Unit, theirs: Unit, name: str, jax_name: str, change: Change, layout: str
) -> Leaf:
    """A leaf made of one tensor."""
    return Leaf(theirs.full(jax_name), (ours.full(name),), change, layout)


def _identity(ours: Unit, theirs: Unit) -> list[Leaf] | None:
    """The same names and shapes: `jaxtrain.nn`, and modules written after PyTorch's."""
    common = {n for n, s in theirs.shapes.items() if ours.shapes.get(n) == s}
    if common != set(theirs.shapes):
        return None
    return [leaf(ours, theirs, n, n, same, "as it is") for n in theirs.shapes]


def _flax(ours: Unit, theirs: Unit) -> list[Leaf] | None:
    """Flax's layers by their names `kernel`, `scale`, `embedding`."""
    found = list(_by_names(ours, theirs))
    fits = all(
        one.change(np.empty(ours.shapes[name])).shape == theirs.shapes[jax_name]
        for one, name, jax_name in found
    )
    return [one for one, _, _ in found] if fits else None


def _by_names(ours: Unit, theirs: Unit) -> Iterator[tuple[Leaf, str, str]]:
    for name in ours.shapes:
        for jax_name, change, layout in _places(ours, theirs, name):
            if jax_name in theirs.shapes:
                one = leaf(ours, theirs, name, jax_name, change, layout)
                yield one, name, jax_name


def _places(ours: Unit, theirs: Unit, name: str) -> Iterator[tuple[str, Change, str]]:
    module = ours.module
    if name == "weight" and "kernel" in theirs.shapes:
        yield ("kernel", *_kernel(ours, theirs))
    elif name == "weight" and module.is_a("Embedding"):
        yield "embedding", same, "as it is"
    elif name == "bias" and isinstance(theirs.module, nnx.LinearGeneral):
        shape = theirs.shapes.get("bias", ())
        yield "bias", lambda x: x.reshape(shape), f"reshaped to {shape}"
    elif name in FLAX_NAMES:
        yield FLAX_NAMES[name], same, "as it is"


def _kernel(ours: Unit, theirs: Unit) -> tuple[Change, str]:
    module, shape = ours.module, theirs.shapes["kernel"]
    if module.is_a("_ConvTransposeNd"):
        if getattr(theirs.module, "transpose_kernel", False):
            return gradient_kernel, "(*k, out, in)"
        return flipped_kernel, "mirrored, (*k, in, out)"
    if module.is_a("_ConvNd"):
        return channels_last_kernel, "(*k, in, out)"
    if isinstance(theirs.module, nnx.LinearGeneral):
        return lambda x: x.T.reshape(shape), f"transposed, {shape}"
    return transposed, "transposed"


def _attention(ours: Unit, theirs: Unit) -> list[Leaf] | None:
    """`MultiheadAttention` to Flax's, whose kernels have an axis of heads."""
    if not ours.module.is_a("MultiheadAttention"):
        return None
    if not isinstance(theirs.module, nnx.MultiHeadAttention):
        return None
    found = []
    for place, part in enumerate(("query", "key", "value")):
        for jax_name in (f"{part}.kernel", f"{part}.bias"):
            if jax_name in theirs.shapes:
                name, change = _projection(ours, theirs, place, jax_name)
                found.append(leaf(ours, theirs, name, jax_name, change, f"{part} part"))
    for end in ("weight", "bias"):
        jax_name = {"weight": "out.kernel", "bias": "out.bias"}[end]
        if jax_name in theirs.shapes:
            shape = theirs.shapes[jax_name]
            change = _shaped(shape, turned=end == "weight")
            name = f"out_proj.{end}"
            found.append(leaf(ours, theirs, name, jax_name, change, f"{shape}"))
    return found


def _projection(
    ours: Unit, theirs: Unit, place: int, jax_name: str
) -> tuple[str, Change]:
    part, kind = jax_name.split(".")
    shape = theirs.shapes[jax_name]
    change = _shaped(shape, turned=kind == "kernel")
    if kind == "kernel" and "in_proj_weight" not in ours.shapes:
        return f"{part[0]}_proj_weight", change
    size = ours.module.sizes["embed_dim"]
    rows = slice(place * size, (place + 1) * size)
    name = "in_proj_weight" if kind == "kernel" else "in_proj_bias"
    return name, lambda x: change(x[rows])


def _shaped(shape: tuple[int, ...], turned: bool) -> Change:
    return lambda x: (x.T if turned else x).reshape(shape)


def _recurrent(ours: Unit, theirs: Unit) -> list[Leaf] | None:
    rule = flax_cell(theirs)
    return rule(ours, theirs) if rule and torch_recurrent(ours) else None
