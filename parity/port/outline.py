"""What the map of the weights has to know of a PyTorch model, without PyTorch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


SIZES = ("embed_dim", "hidden_size")
"""Attributes of a module that a rule of the layouts asks for."""


@dataclass(frozen=True)
class Module:
    """A module: its place, and what it is."""

    path: str
    """Dotted; empty for the model itself."""
    kinds: tuple[str, ...]
    """Names of those of its classes that are PyTorch's, the nearest first."""
    sizes: dict[str, int]

    def is_a(self, *names: str) -> bool:
        """Whether it is of one of some classes of `torch.nn`, or derived from it."""
        return any(name in self.kinds for name in names)


@dataclass(frozen=True)
class Tensor:
    """A parameter or buffer."""

    shape: tuple[int, ...]
    dtype: str
    trained: bool = False
    """Whether it requires a gradient."""
    kept: bool = True
    """Whether it is in the state_dict."""


@dataclass(frozen=True)
class Outline:
    """A model: modules, parameters and buffers by name; what is shared counts once."""

    modules: tuple[Module, ...]
    parameters: dict[str, Tensor]
    buffers: dict[str, Tensor]


def outline_of(model: torch.nn.Module | Outline) -> Outline:
    """The outline of a model; one that is an outline already stays.

    Example:
        >>> import torch
        >>> outline_of(torch.nn.Linear(3, 2)).parameters["weight"]
        Tensor(shape=(2, 3), dtype='float32', trained=True, kept=True)
    """
    if isinstance(model, Outline):
        return model
    names = set(model.state_dict())
    return Outline(
        tuple(_module(path, module) for path, module in model.named_modules()),
        {
            name: Tensor(tuple(p.shape), _dtype(p), bool(p.requires_grad))
            for name, p in model.named_parameters()
        },
        {
            name: Tensor(tuple(b.shape), _dtype(b), kept=name in names)
            for name, b in model.named_buffers()
        },
    )


def _module(path: str, module: torch.nn.Module) -> Module:
    kinds = (c.__name__ for c in type(module).__mro__ if _is_torchs(c))
    sizes = {name: getattr(module, name, None) for name in SIZES}
    result = {name: size for name, size in sizes.items() if isinstance(size, int)}
    return Module(path, tuple(kinds), result)


def _is_torchs(kind: type) -> bool:
    return kind.__module__.partition(".")[0] == "torch"


def _dtype(tensor: torch.Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")
