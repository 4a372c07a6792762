"""Parameters or buffers that only one side has."""

import itertools
from collections.abc import Iterator, Mapping

from parity.doctor.trial import Trial
from parity.port.mapping import MapError

Shapes = Mapping[str, tuple[int, ...]]


def _sizes(shapes: Shapes) -> list[tuple[int, ...]]:
    """Shapes in an order that does not depend on the layout."""
    return sorted(tuple(sorted(shape)) for shape in shapes.values())


def _entries(torch_rest: Shapes, jax_rest: Shapes) -> str:
    """Of the map, in order, each with the first layout that fits."""
    free, entries = dict(jax_rest), []
    for name, shape in torch_rest.items():
        candidates = [n for n, s in free.items() if sorted(s) == sorted(shape)]
        if candidates:
            path = candidates[0]
            axes = _axes(shape, free.pop(path))
            change = ".T" if axes == (1, 0) else f".transpose{axes}"
            plain = axes == tuple(range(len(axes)))
            place = f"{path!r}" if plain else f"({path!r}, lambda w: w{change})"
            entries.append(f"{name!r}: {place}")
    return ", ".join(entries)


def _axes(shape: tuple[int, ...], target: tuple[int, ...]) -> tuple[int, ...]:
    """An (out, in, ...) weight is (..., in, out) in JAX, where the sizes allow it."""
    n = len(shape)
    usual = (*range(2, n), 1, 0) if n > 1 else tuple(range(n))
    orders = [usual, *itertools.permutations(range(n))]
    return next(o for o in orders if tuple(shape[i] for i in o) == target)


def trials(error: MapError) -> Iterator[Trial]:
    """From the names and shapes that are left over on both sides."""
    torch_rest, jax_rest = error.torch_left, error.jax_left
    biases = [n for n in torch_rest if "bias" in n.rsplit(".", 1)[-1]]
    only_torch = 0.0 if torch_rest and not jax_rest else float("inf")
    yield Trial(
        "missing bias",
        f"the port has no {', '.join(biases)}",
        "Build the layer with a bias: use_bias=True.",
        only_torch if biases and len(biases) == len(torch_rest) else float("inf"),
    )
    extra = [n for n in jax_rest if n.rsplit(".", 1)[-1] == "bias"]
    yield Trial(
        "additional bias",
        f"the port's {', '.join(extra)} has no counterpart in PyTorch",
        "Build the layer without a bias: use_bias=False.",
        0.0
        if extra and len(extra) == len(jax_rest) and not torch_rest
        else float("inf"),
    )
    sizes = _sizes(torch_rest), _sizes(jax_rest)
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
        f"Say where they belong, as in Case(map={{{_entries(torch_rest, jax_rest)}}}).",
        0.0 if sizes[0] and sizes[0] == sizes[1] else float("inf"),
    )
    yield Trial(
        "missing layer",
        f"the port has nothing for {', '.join(torch_rest)}",
        "Add the layer, or say Case(map={name: None}) if it is not needed.",
        only_torch,
    )
