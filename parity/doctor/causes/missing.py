"""Parameters or buffers that only one side has."""

import itertools
from collections.abc import Iterator, Mapping

from parity.doctor.trial import Trial
from parity.port.mapping import MapError

Shapes = Mapping[str, tuple[int, ...]]


def _sizes(left: Shapes) -> list[tuple[int, ...]]:
    """Shapes in an order that does not depend on the layout."""
    return sorted(tuple(sorted(shape)) for shape in left.values())


def _entries(torch_left: Shapes, jax_left: Shapes) -> str:
    """Of the map, in order, each with the first layout that fits."""
    free, made = dict(jax_left), []
    for name, shape in torch_left.items():
        fitting = [n for n, s in free.items() if sorted(s) == sorted(shape)]
        if fitting:
            path = fitting[0]
            axes = _axes(shape, free.pop(path))
            moved = ".T" if axes == (1, 0) else f".transpose{axes}"
            plain = axes == tuple(range(len(axes)))
            place = f"{path!r}" if plain else f"({path!r}, lambda w: w{moved})"
            made.append(f"{name!r}: {place}")
    return ", ".join(made)


def _axes(shape: tuple[int, ...], wanted: tuple[int, ...]) -> tuple[int, ...]:
    """An (out, in, ...) weight is (..., in, out) in JAX, where the sizes allow it."""
    n = len(shape)
    usual = (*range(2, n), 1, 0) if n > 1 else tuple(range(n))
    orders = [usual, *itertools.permutations(range(n))]
    return next(o for o in orders if tuple(shape[i] for i in o) == wanted)


def trials(error: MapError) -> Iterator[Trial]:
    """From the names and shapes that are left over on both sides."""
    torch_left, jax_left = error.torch_left, error.jax_left
    biases = [n for n in torch_left if "bias" in n.rsplit(".", 1)[-1]]
    only_torch = 0.0 if torch_left and not jax_left else float("inf")
    yield Trial(
        "missing bias",
        f"the port has no {', '.join(biases)}",
        "Build the layer with a bias: use_bias=True.",
        only_torch if biases and len(biases) == len(torch_left) else float("inf"),
    )
    extra = [n for n in jax_left if n.rsplit(".", 1)[-1] == "bias"]
    yield Trial(
        "additional bias",
        f"the port's {', '.join(extra)} has no counterpart in PyTorch",
        "Build the layer without a bias: use_bias=False.",
        0.0
        if extra and len(extra) == len(jax_left) and not torch_left
        else float("inf"),
    )
    sizes = _sizes(torch_left), _sizes(jax_left)
    yield Trial(
        "other shapes",
        "layers of the two sides have other sizes",
        "Compare the sizes of the layers that are listed.",
        0.0
        if len(sizes[0]) == len(sizes[1]) and sizes[0] != sizes[1]
        else float("inf"),
    )
    yield Trial(
        "parameters of a layer of its own",
        "the sizes are the same, but no known layer of the port holds them, and they "
        "may be transposed",
        f"Say where they belong, as in Case(map={{{_entries(torch_left, jax_left)}}}).",
        0.0 if sizes[0] and sizes[0] == sizes[1] else float("inf"),
    )
    yield Trial(
        "missing layer",
        f"the port has nothing for {', '.join(torch_left)}",
        "Add the layer, or say Case(map={name: None}) if it is not needed.",
        only_torch,
    )
