"""Cases of a layer, and what the judge of layers has to say of them."""

from collections.abc import Sequence

from parity.proof.layers.cases import CASES, LayerCase
from parity.proof.layers.judge import judge


def cases_of(name: str) -> list[LayerCase]:
    return [case for case in CASES if case.name == name]


def failures(cases: Sequence[LayerCase], dtype: str) -> str:
    """A line for every tensor that is too far from PyTorch's."""
    return "\n".join(
        f"{v.name}{v.config}: {v.tensor} is {v.value:g} off, allowed {v.bound:g}"
        for v in judge(cases, dtype)
        if not v.passed
    )
