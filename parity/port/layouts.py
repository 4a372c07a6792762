"""From PyTorch's layout of a tensor to that of a JAX layer."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from flax import nnx

from parity.port.units import Unit

LayoutChange = Callable[..., np.ndarray]


@dataclass(frozen=True)
class Leaf:
    """One JAX variable, and the PyTorch tensors that it is made of.

    Every change of layout is linear, so it serves for values, gradients and updates.
    """

    path: str
    sources: tuple[str, ...]
    change: LayoutChange
    layout: str
    """In words."""
    gradient: LayoutChange | None = None
    """For gradients, where the variable stands for a sum of PyTorch's parameters."""

    @property
    def name(self) -> str:
        """What reports call it: PyTorch's name, and the path where one is split."""
        return " + ".join(self.sources)


def same(*tensors: np.ndarray) -> np.ndarray:
    """As it is.

    Example:
        >>> same(np.ones(2))
        array([1., 1.])
    """
    (tensor,) = tensors
    return tensor


def transpose(x: np.ndarray) -> np.ndarray:
    """A `Linear` weight (out, in) as a kernel (in, out)."""
    return x.T


def channels_last_kernel(x: np.ndarray) -> np.ndarray:
    """A `ConvNd` weight (out, in, *k) as a kernel (*k, in, out).

    Example:
        >>> channels_last_kernel(np.ones((8, 3, 5, 7))).shape
        (5, 7, 3, 8)
    """
    return np.moveaxis(x, (1, 0), (-2, -1))


def flip_kernel(x: np.ndarray) -> np.ndarray:
    """A `ConvTransposeNd` weight (in, out, *k) as a kernel (*k, in, out).

    PyTorch's layer is the gradient of a convolution, Flax's is a convolution of the
    input spread out: the one kernel is the other's mirror image.

    Example:
        >>> flip_kernel(np.arange(3.0).reshape(1, 1, 3)).ravel()
        array([2., 1., 0.])
    """
    mirror = np.flip(x, tuple(range(2, x.ndim)))
    return np.moveaxis(mirror, (0, 1), (-2, -1))


def gradient_kernel(x: np.ndarray) -> np.ndarray:
    """The same for Flax's `transpose_kernel=True`: (*k, out, in), not mirrored."""
    return np.moveaxis(x, (1, 0), (-2, -1))


def activation_layouts(x: np.ndarray) -> Iterator[np.ndarray]:
    """What a tensor (N, C, *S) may look like: itself, and with channels last.

    Example:
        >>> [y.shape for y in activation_layouts(np.ones((2, 3, 4, 5)))]
        [(2, 3, 4, 5), (2, 4, 5, 3)]
    """
    yield x
    if x.ndim > 2:
        yield np.moveaxis(x, 1, -1)


def torch_recurrent(unit: Unit) -> bool:
    """Whether it is a recurrent layer or cell of PyTorch's."""
    return unit.module.is_a("RNNBase", "RNNCellBase")


def by_layer(unit: Unit) -> list[Unit]:
    """A recurrent layer of several levels and directions, each as a cell's unit."""
    if not unit.module.is_a("RNNBase"):
        return [unit]
    ends = [n.removeprefix("weight_ih") for n in unit.shapes if "weight_ih" in n]
    return [
        replace(unit, shapes={n: s for n, s in unit.shapes.items() if n.endswith(end)})
        if end.endswith("_reverse")
        else replace(
            unit,
            shapes={
                n: s
                for n, s in unit.shapes.items()
                if n.endswith(end) and not n.endswith("_reverse")
            },
        )
        for end in ends
    ]


def flax_cell(unit: Unit) -> Callable[[Unit, Unit], list[Leaf] | None] | None:
    """The rule for a cell of Flax's, or None."""
    kinds: list[tuple[Any, Any]] = [
        (nnx.LSTMCell, _separate_gates),
        (nnx.OptimizedLSTMCell, _join_gates),
        (nnx.GRUCell, _join_gates),
        (nnx.SimpleCell, _join_gates),
    ]
    return next((rule for kind, rule in kinds if isinstance(unit.module, kind)), None)


def _name_from(unit: Unit, start: str) -> str | None:
    return next((n for n in unit.shapes if n.startswith(start)), None)


def _join_gates(ours: Unit, theirs: Unit) -> list[Leaf] | None:
    """Kernels (in, gates·hidden) in PyTorch's order of the gates."""
    result = []
    for jax_name, shape in theirs.shapes.items():
        dense, kind = jax_name.split(".")
        start = "ih" if dense == "dense_i" else "hh"
        if kind == "kernel":
            one = _weight(ours, theirs, start, jax_name, slice(None), shape)
        else:
            one = _bias(ours, theirs, jax_name, slice(None), shape)
        if one is None:
            return None
        result.append(one)
    return result


def _separate_gates(ours: Unit, theirs: Unit) -> list[Leaf] | None:
    """A kernel for each gate, in PyTorch's order i, f, g, o."""
    result = []
    for jax_name, shape in theirs.shapes.items():
        dense, kind = jax_name.split(".")
        size = ours.module.sizes["hidden_size"]
        place = "ifgo".index(dense[1])
        rows = slice(place * size, (place + 1) * size)
        start = "ih" if dense[0] == "i" else "hh"
        if kind == "kernel":
            one = _weight(ours, theirs, start, jax_name, rows, shape)
        else:
            one = _bias(ours, theirs, jax_name, rows, shape)
        if one is None:
            return None
        result.append(one)
    return result


def _weight(
    ours: Unit,
    theirs: Unit,
    start: str,
    jax_name: str,
    rows: slice,
    shape: Sequence[int],
) -> Leaf | None:
    name = _name_from(ours, f"weight_{start}")
    if name is None or ours.shapes[name][1] != shape[0]:
        return None

    def change(x: np.ndarray) -> np.ndarray:
        return x[rows].T

    return Leaf(theirs.full(jax_name), (ours.full(name),), change, "transposed")


def _bias(
    ours: Unit, theirs: Unit, jax_name: str, rows: slice, shape: Sequence[int]
) -> Leaf | None:
    names = [_name_from(ours, f"bias_{start}") for start in ("ih", "hh")]
    if None in names:
        return None
    gru_n = isinstance(theirs.module, nnx.GRUCell)

    def value(ih: np.ndarray, hh: np.ndarray) -> np.ndarray:
        both = ih + hh
        if gru_n:  # b_hn stands inside the reset gate, where Flax has none.
            size = len(ih) // 3
            both = np.concatenate([both[: 2 * size], ih[2 * size :]])
        return both[rows]

    def gradient(ih: np.ndarray, hh: np.ndarray) -> np.ndarray:
        return ih[rows]

    sources = tuple(ours.full(n) for n in names if n is not None)
    return Leaf(theirs.full(jax_name), sources, value, "sum of two", gradient)


LayoutRule = Callable[[Unit, Unit], list[Leaf] | None]
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
        result = rule(ours, theirs)
        if result:
            return result
    return None


def leaf(
    ours: Unit,
    theirs: Unit,
    name: str,
    jax_name: str,
    change: LayoutChange,
    layout: str,
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
    pairs = list(_by_names(ours, theirs))
    fits = all(
        one.change(np.empty(ours.shapes[name])).shape == theirs.shapes[jax_name]
        for one, name, jax_name in pairs
    )
    return [one for one, _, _ in pairs] if fits else None


def _by_names(ours: Unit, theirs: Unit) -> Iterator[tuple[Leaf, str, str]]:
    for name in ours.shapes:
        for jax_name, change, layout in _places(ours, theirs, name):
            if jax_name in theirs.shapes:
                one = leaf(ours, theirs, name, jax_name, change, layout)
                yield one, name, jax_name


def _places(
    ours: Unit, theirs: Unit, name: str
) -> Iterator[tuple[str, LayoutChange, str]]:
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


def _kernel(ours: Unit, theirs: Unit) -> tuple[LayoutChange, str]:
    module, shape = ours.module, theirs.shapes["kernel"]
    if module.is_a("_ConvTransposeNd"):
        if getattr(theirs.module, "transpose_kernel", False):
            return gradient_kernel, "(*k, out, in)"
        return flip_kernel, "mirrored, (*k, in, out)"
    if module.is_a("_ConvNd"):
        return channels_last_kernel, "(*k, in, out)"
    if isinstance(theirs.module, nnx.LinearGeneral):
        return lambda x: x.T.reshape(shape), f"transposed, {shape}"
    return transpose, "transposed"


def _attention(ours: Unit, theirs: Unit) -> list[Leaf] | None:
    """`MultiheadAttention` to Flax's, whose kernels have an axis of heads."""
    if not ours.module.is_a("MultiheadAttention"):
        return None
    if not isinstance(theirs.module, nnx.MultiHeadAttention):
        return None
    result = []
    for place, part in enumerate(("query", "key", "value")):
        for jax_name in (f"{part}.kernel", f"{part}.bias"):
            if jax_name in theirs.shapes:
                name, change = _projection(ours, theirs, place, jax_name)
                result.append(
                    leaf(ours, theirs, name, jax_name, change, f"{part} part")
                )
    for end in ("weight", "bias"):
        jax_name = {"weight": "out.kernel", "bias": "out.bias"}[end]
        if jax_name in theirs.shapes:
            shape = theirs.shapes[jax_name]
            change = _reshape(shape, turn=end == "weight")
            name = f"out_proj.{end}"
            result.append(leaf(ours, theirs, name, jax_name, change, f"{shape}"))
    return result


def _projection(
    ours: Unit, theirs: Unit, place: int, jax_name: str
) -> tuple[str, LayoutChange]:
    part, kind = jax_name.split(".")
    shape = theirs.shapes[jax_name]
    change = _reshape(shape, turn=kind == "kernel")
    if kind == "kernel" and "in_proj_weight" not in ours.shapes:
        return f"{part[0]}_proj_weight", change
    size = ours.module.sizes["embed_dim"]
    rows = slice(place * size, (place + 1) * size)
    name = "in_proj_weight" if kind == "kernel" else "in_proj_bias"
    return name, lambda x: change(x[rows])


def _reshape(shape: tuple[int, ...], turn: bool) -> LayoutChange:
    return lambda x: (x.T if turn else x).reshape(shape)


def _recurrent(ours: Unit, theirs: Unit) -> list[Leaf] | None:
    rule = flax_cell(theirs)
    return rule(ours, theirs) if rule and torch_recurrent(ours) else None
