"""The outputs of every layer, in the order of the calls."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxtrain.nn import layer_outputs

if TYPE_CHECKING:
    import torch


Outputs = dict[str, list[Any]]
"""Module path -> every array that it returned, call by call."""


@contextmanager
def torch_taps(model: torch.nn.Module) -> Iterator[Outputs]:
    """Inside the block, what the model's modules return is collected."""
    outputs: Outputs = {}
    handles = []
    for path, module in model.named_modules():

        def hook(_module: Any, _inputs: Any, output: Any, path: str = path) -> None:
            # A later operation may work in place.
            outputs.setdefault(path, []).extend(
                x.detach().numpy().copy() for x in tensors(output)
            )

        handles.append(module.register_forward_hook(hook))
    try:
        yield outputs
    finally:
        for handle in handles:
            handle.remove()


def tensors(output: Any) -> Iterator[torch.Tensor]:
    """Every tensor in nested tuples, lists and dictionaries."""
    if is_tensor(output):
        yield output
    elif isinstance(output, Mapping):
        # By key, as JAX has a dictionary.
        for key in sorted(output):
            yield from tensors(output[key])
    elif isinstance(output, tuple | list):
        for part in output:
            yield from tensors(part)


jax_taps = layer_outputs
"""The same for an NNX module; the arrays may be traced."""


def is_tensor(value: Any) -> bool:
    """Whether PyTorch made it; no tensor is there where it was not imported."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def as_arrays(tree: Any) -> list[np.ndarray]:
    """Every array of a batch or output, on the host, in order."""
    if is_tensor(tree):
        return [np.asarray(tree.detach().cpu())]
    if isinstance(tree, Mapping):
        return [x for key in sorted(tree) for x in as_arrays(tree[key])]
    if isinstance(tree, tuple | list):
        return [x for part in tree for x in as_arrays(part)]
    return [np.asarray(tree)]
