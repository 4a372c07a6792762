"""PyTorch's recurrent layers laid out in Flax's cells.

Flax has one bias where PyTorch has two, so its value is their sum. Each of the two has
the gradient of the sum, so under SGD the sum moves twice as fast in PyTorch;
`nnx.GRUCell` also has no bias inside the reset gate. Training parity needs cells with
two biases.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from flax import nnx

from parity.port.layout import Leaf
from parity.port.units import Unit


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
        (nnx.OptimizedLSTMCell, _joined_gates),
        (nnx.GRUCell, _joined_gates),
        (nnx.SimpleCell, _joined_gates),
    ]
    return next((rule for kind, rule in kinds if isinstance(unit.module, kind)), None)


def _named(unit: Unit, start: str) -> str | None:
    return next((n for n in unit.shapes if n.startswith(start)), None)


def _joined_gates(ours: Unit, theirs: Unit) -> list[Leaf] | None:
    """Kernels (in, gates·hidden) in PyTorch's order of the gates."""
    found = []
    for jax_name, shape in theirs.shapes.items():
        dense, kind = jax_name.split(".")
        start = "ih" if dense == "dense_i" else "hh"
        if kind == "kernel":
            one = _weight(ours, theirs, start, jax_name, slice(None), shape)
        else:
            one = _bias(ours, theirs, jax_name, slice(None), shape)
        if one is None:
            return None
        found.append(one)
    return found


def _separate_gates(ours: Unit, theirs: Unit) -> list[Leaf] | None:
    """A kernel for each gate, in PyTorch's order i, f, g, o."""
    found = []
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
        found.append(one)
    return found


def _weight(
    ours: Unit,
    theirs: Unit,
    start: str,
    jax_name: str,
    rows: slice,
    shape: Sequence[int],
) -> Leaf | None:
    name = _named(ours, f"weight_{start}")
    if name is None or ours.shapes[name][1] != shape[0]:
        return None

    def change(x: np.ndarray) -> np.ndarray:
        return x[rows].T

    return Leaf(theirs.full(jax_name), (ours.full(name),), change, "transposed")


def _bias(
    ours: Unit, theirs: Unit, jax_name: str, rows: slice, shape: Sequence[int]
) -> Leaf | None:
    names = [_named(ours, f"bias_{start}") for start in ("ih", "hh")]
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
