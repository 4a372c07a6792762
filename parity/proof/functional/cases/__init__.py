"""Calls of all public functions of `torch.nn.functional` but the losses.

Products of scaled and grouped matrices are left out: they are PyTorch's for its GPUs.
"""

from parity.proof.functional.cases import (
    activations,
    attention,
    convolutions,
    norms,
    pools,
    resizing,
    sparse,
)
from parity.proof.functional.cases.case import DType, FunctionCase, Recipe, tensor

CASES: tuple[FunctionCase, ...] = (
    *activations.CASES,
    *convolutions.CASES,
    *pools.CASES,
    *norms.CASES,
    *attention.CASES,
    *resizing.CASES,
    *sparse.CASES,
)

__all__ = ["CASES", "DType", "FunctionCase", "Recipe", "tensor"]
