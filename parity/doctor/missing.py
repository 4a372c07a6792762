"""Parameters or buffers that only one side has."""

from collections.abc import Iterator

from parity.doctor.trial import Trial
from parity.port.mapping import MapError


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
    sizes = sorted(torch_left.values()), sorted(jax_left.values())
    yield Trial(
        "other shapes",
        "layers of the two sides have other sizes",
        "Compare the sizes of the layers that are listed.",
        0.0
        if len(sizes[0]) == len(sizes[1]) and sizes[0] != sizes[1]
        else float("inf"),
    )
    yield Trial(
        "missing layer",
        f"the port has nothing for {', '.join(torch_left)}",
        "Add the layer, or say Case(map={name: None}) if it is not needed.",
        only_torch,
    )
