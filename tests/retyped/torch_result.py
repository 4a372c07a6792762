"""What the PyTorch side of a retyped script returns."""

import functools
from collections.abc import Callable, Iterable

import numpy as np
import pytest

pytest.importorskip("torch")
import torch

Result = tuple[list[float], dict[str, np.ndarray]]
"""The losses of the steps, and the parameters after the last by name."""
Script = Callable[[int], Result]


def double(script: Script) -> Script:
    """The script with float64 as PyTorch's default dtype."""

    @functools.wraps(script)
    def run(seed: int) -> Result:
        before = torch.get_default_dtype()
        torch.set_default_dtype(torch.float64)
        try:
            return script(seed)
        finally:
            torch.set_default_dtype(before)

    return run


def numbers(*modules: torch.nn.Module) -> dict[str, np.ndarray]:
    """Parameters by name; those of a second module and so on are numbered."""
    return named(
        (f"{place}.{name}" if len(modules) > 1 else name, parameter)
        for place, module in enumerate(modules)
        for name, parameter in module.named_parameters()
    )


def named(pairs: Iterable[tuple[str, torch.Tensor]]) -> dict[str, np.ndarray]:
    return {name: value.detach().numpy().copy() for name, value in pairs}
