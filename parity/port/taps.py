"""The outputs of every layer, in the order of the calls."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

import jax
import numpy as np
import torch
from flax import nnx

from parity.port.units import jax_modules

Outputs = dict[str, list[Any]]
"""Module path -> every array that it returned, call by call."""


@contextmanager
def torch_taps(model: torch.nn.Module) -> Iterator[Outputs]:
    """Inside the block, what the model's modules return is collected."""
    found: Outputs = {}
    handles = []
    for path, module in model.named_modules():

        def hook(_module: Any, _inputs: Any, output: Any, path: str = path) -> None:
            # A later operation may work in place.
            found.setdefault(path, []).extend(
                x.detach().numpy().copy() for x in tensors(output)
            )

        handles.append(module.register_forward_hook(hook))
    try:
        yield found
    finally:
        for handle in handles:
            handle.remove()


def tensors(output: Any) -> Iterator[torch.Tensor]:
    """Every tensor in nested tuples, lists and dictionaries."""
    if isinstance(output, torch.Tensor):
        yield output
    elif isinstance(output, Mapping):
        # By key, as JAX has a dictionary.
        for key in sorted(output):
            yield from tensors(output[key])
    elif isinstance(output, tuple | list):
        for part in output:
            yield from tensors(part)


@contextmanager
def jax_taps(model: nnx.Module) -> Iterator[Outputs]:
    """The same for an NNX module; the arrays may be traced."""
    found: Outputs = {}
    names = {id(module): path for path, module in jax_modules(model)}
    active: list[int] = []
    kinds = {type(module) for _, module in jax_modules(model)}

    def tapped(kind: Any) -> Any:
        original = kind.__call__

        def call(self: Any, *args: Any, **kwargs: Any) -> Any:
            # A subclass calls its parent's, of which the outer call is the layer's.
            outer = id(self) in names and id(self) not in active
            active.append(id(self))
            try:
                output = original(self, *args, **kwargs)
            finally:
                active.pop()
            if outer:
                arrays = [x for x in jax.tree.leaves(output) if hasattr(x, "shape")]
                found.setdefault(names[id(self)], []).extend(arrays)
            return output

        return call

    with ExitStack() as stack:
        for kind in kinds:
            if callable(getattr(kind, "__call__", None)):  # noqa: B004
                stack.enter_context(patch.object(kind, "__call__", tapped(kind)))
        yield found


def as_arrays(tree: Any) -> list[np.ndarray]:
    """Every array of a batch or output, on the host, in order."""
    if isinstance(tree, torch.Tensor):
        return [np.asarray(tree.detach().cpu())]
    if isinstance(tree, Mapping):
        return [x for key in sorted(tree) for x in as_arrays(tree[key])]
    if isinstance(tree, tuple | list):
        return [x for part in tree for x in as_arrays(part)]
    return [np.asarray(tree)]
