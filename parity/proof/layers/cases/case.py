"""What a case is, and how lists of cases are written."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Arguments = Mapping[str, Any]
Shape = tuple[int, ...]


@dataclass(frozen=True)
class Input:
    """One input: its shape, and what kind of numbers it holds."""

    shape: Shape
    kind: str = "real"
    """`"real"` (normal), `"wide"` (1e-3 … 1e2), `"grid"` (halves, on every kink),
    `"tied"` (whole and small), `"index"`, `"bool"` (true one time in four), `"places"`
    (indices, none twice in one plane), or `"offsets"` and `"ends"` (of bags: rising
    from 0, the latter up to `size`)."""
    size: int = 0
    """Indices are below it."""
    planes: int = 2
    """How many dimensions count planes, for `"places"`."""


@dataclass(frozen=True)
class LayerPart:
    """A layer that is an argument of another one."""

    name: str
    args: Arguments


@dataclass(frozen=True, eq=False)
class LayerCase:
    """One layer with one set of arguments, on inputs of one set of shapes.

    Each is its own, whatever it holds: what PyTorch computes is kept for it.
    """

    name: str
    args: Arguments
    inputs: tuple[Input, ...]
    train: bool = True
    call: Arguments = field(default_factory=dict)
    """Keyword arguments of the call."""
    nested: bool = False
    """Whether all inputs but the first make one tuple, as a state of two parts does."""
    lengths: tuple[int, ...] = ()
    """Of the sequences of the first input, which is packed if they are given."""

    @property
    def draws(self) -> bool:
        """Whether random masks may be drawn."""
        sets = [self.args]
        sets += [
            part.args for part in self.args.values() if isinstance(part, LayerPart)
        ]
        has_dropout = "Dropout" in self.name or any("dropout" in args for args in sets)
        return self.train and has_dropout

    @property
    def flax(self) -> str:
        """What Flax NNX does instead."""
        return FLAX.get(self.name, "")

    @property
    def arguments(self) -> str:
        """The arguments as they are written."""
        return ", ".join(f"{key}={value}" for key, value in self.args.items())

    def term(self, tensor: str) -> float:
        """Size of a term that went into a tensor, where less is left of it."""
        return max(TERMS.get(tensor, 0.0), TERMS.get(self.name, 0.0))

    def arrange(
        self, inputs: Sequence[Any], pack: Callable[..., Any] | None = None
    ) -> tuple[Any, ...]:
        """Positional arguments of the call; `pack` is the library's."""
        if self.lengths and pack is not None:
            first = self.args.get("batch_first", False)
            sequence = pack(inputs[0], self.lengths, first, enforce_sorted=False)
            inputs = (sequence, *inputs[1:])
        if self.nested and len(inputs) > 1:
            return (inputs[0], tuple(inputs[1:]))
        return tuple(inputs)

    def __str__(self) -> str:
        shapes = ", ".join(str(item.shape) for item in self.inputs)
        mode = "" if self.train else " eval"
        mode += f" {', '.join(self.call)}" if self.call else ""
        mode += f" packed {self.lengths}" if self.lengths else ""
        return f"{self.name}({self.arguments}) {shapes}{mode}"


FLAX = {
    "Linear": "kernel (in, out) from lecun_normal, bias 0",
    "GELU": "jax.nn.gelu is the tanh form by default",
    "Hardtanh": "gradient 1 at the bounds",
    "ReLU6": "gradient 1 at the bounds",
    "LayerNorm": "eps 1e-6; E[x²] - E[x]² by default",
    "RMSNorm": "eps 1e-6",
    "GroupNorm": "eps 1e-6; channels last",
    "BatchNorm1d": "biased running variance; momentum .99 of the old",
    "BatchNorm2d": "biased running variance; momentum .99 of the old; channels last",
    "BatchNorm3d": "biased running variance; momentum .99 of the old; channels last",
    "InstanceNorm1d": "eps 1e-6; no running statistics; channels last",
    "InstanceNorm2d": "eps 1e-6; no running statistics; channels last",
    "InstanceNorm3d": "eps 1e-6; no running statistics; channels last",
    "Embedding": "no padding_idx; spread 1/sqrt(embedding_dim)",
    "MultiheadAttention": "three maps of (in, heads, d), lecun_normal",
    "Dropout": "masks of jax.random alone",
    "Conv1d": "padding SAME; channels last; lecun_normal",
    "Conv2d": "padding SAME; channels last; lecun_normal",
    "Conv3d": "padding SAME; channels last; lecun_normal",
    "RNN": "one bias; one layer; orthogonal weight_hh",
    "GRU": "no bias of the state's part; one layer; orthogonal weight_hh",
    "LSTM": "one bias; one layer; orthogonal weight_hh",
}

# Inputs of size 1 are averaged to less; x - tanh x, y - y Σ y and the gradient of two
# or three normalised elements are what is left of terms of size 1.
TERMS = {"running_mean": 1.0, "Tanhshrink": 1.0, "Softmax": 1.0, "Softmin": 1.0}
TERMS |= {f"InstanceNorm{n}d": 1.0 for n in (1, 2, 3)}
# Queries and keys get what the softmax leaves of products as large as the values'.
TERMS |= {"MultiheadAttention": 1.0}


def make_arguments(args: Arguments, make: Callable[[Any], Any]) -> dict[str, Any]:
    """The arguments, with parts and arrays made into the library's by `make`."""
    return {
        key: make(value) if isinstance(value, LayerPart | np.ndarray) else value
        for key, value in args.items()
    }


def inputs_of(kind: str, *shapes: Shape) -> tuple[Input, ...]:
    return tuple(Input(shape, kind) for shape in shapes)


def cases_of(
    name: str, *pairs: tuple[Arguments, Shape], both: bool = False
) -> tuple[LayerCase, ...]:
    """A case for each (arguments, shape), in training and, for both, in evaluation."""
    modes = (True, False) if both else (True,)
    return tuple(
        LayerCase(name, arguments, inputs_of("real", shape), train)
        for arguments, shape in pairs
        for train in modes
    )
