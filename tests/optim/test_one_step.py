"""Level 1: one step of `jaxtrain.optim` from the state of `torch.optim`."""

import pytest

from jaxtrain import optim
from jaxtrain.optim._radam import _factor

torch = pytest.importorskip("torch")

import numpy as np

from parity.proof.optimizers.cases import CASES, OptimizerCase
from parity.proof.optimizers.one_step import judge
from parity.proof.report.table import failures
from parity.pytorch.names import torch_optimizer

ELEMENTWISE_SHAPES = ((), (7,), (6, 5), (2, 3, 4))


@pytest.mark.long
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_hundred_steps_of_every_shape(case: OptimizerCase, dtype: str) -> None:
    shapes = case.shapes if len(case.shapes) > 1 else ELEMENTWISE_SHAPES
    assert failures(judge([case], dtype, 100, shapes)) == ""


@pytest.mark.long  # A newer PyTorch may add one: no reason to stop everybody's push.
def test_every_optimiser_of_the_installed_pytorch_is_here() -> None:
    kinds = {kind for kind in vars(torch.optim).values() if isinstance(kind, type)}
    theirs = kinds - {torch.optim.Optimizer}
    assert {torch_optimizer(name) for name in optim.OPTIMIZERS} == theirs


def test_radam_rectifies_above_5_and_not_at_5() -> None:
    """Optax rectifies from 5 on. No step shows it: no beta near 2/3 ends at 5."""
    at, above = np.float64(5), np.nextafter(5.0, 6)
    assert _factor(at, np.float64(9), np.sqrt, np.where) == 0
    assert _factor(above, np.float64(9), np.sqrt, np.where) > 0
