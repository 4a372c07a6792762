"""PyTorch's classes by our names."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import torch

from jaxtrain.errors import ConfigError


def torch_class(kind: str, name: str, module: ModuleType) -> Callable[..., Any]:
    """PyTorch's class for our name: `step_lr` is `StepLR`.

    Raises:
        ConfigError: the installed PyTorch has none.

    Example:
        >>> torch_class("optimizer", "sparse_adam", torch.optim).__name__
        'SparseAdam'
    """
    names = {key.lower(): key for key in vars(module) if key[:1].isupper()}
    key = name.replace("_", "")
    if key not in names:
        raise ConfigError(f"PyTorch {torch.__version__} has no {kind} {name!r}")
    return getattr(module, names[key])


def torch_optimizer(name: str) -> Callable[..., torch.optim.Optimizer]:
    """PyTorch's optimiser of our name; see `torch_class`."""
    return torch_class("optimizer", name, torch.optim)


def torch_gradient(name: str, grad: torch.Tensor) -> torch.Tensor:
    """A gradient as PyTorch's optimiser of our name takes it.

    SparseAdam takes none but sparse ones; here the rows that are not all zero.
    """
    return grad.to_sparse(1) if name == "sparse_adam" else grad
