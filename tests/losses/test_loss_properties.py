"""Any shape, reduction and argument: ours is PyTorch's."""

from dataclasses import replace

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

torch = pytest.importorskip("torch")
pytest.importorskip("torchvision")

from parity.proof.losses.cases import CASES, LossCase, Shape
from parity.proof.losses.judge import judge

LAST_IS_FIXED = ("iou_loss", "linear_cross_entropy")
"""Four corners, and as many features as the layer's weights have."""


def resized(case: LossCase, sizes: list[int]) -> Shape:
    """The same number of dimensions, of other sizes."""
    shape = tuple(sizes[: len(case.shape)])
    if case.name == "ctc_loss":
        # Three sequences, and four frames and three classes at least.
        return (shape[0] + 4, *case.shape[1:-1], shape[-1] + 2)
    if case.name.endswith(LAST_IS_FIXED):
        return (*shape[:-1], case.shape[-1])
    return shape


@st.composite
def other_cases(draw: st.DrawFn) -> LossCase:
    case = draw(st.sampled_from(CASES))
    sizes = draw(st.lists(st.integers(1, 9), min_size=4, max_size=4))
    if "reduction" in case.args:
        reduction = draw(st.sampled_from(["none", "mean", "sum"]))
        case = replace(case, args={**case.args, "reduction": reduction})
    return replace(case, shape=resized(case, sizes))


@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(other_cases())
def test_values_and_gradients_of_any_shape(case: LossCase) -> None:
    for found in judge([case], "float64"):
        assert found.passed, found
