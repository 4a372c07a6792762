"""Cases of a layer, and what the judge of layers has to say of them."""

from collections.abc import Sequence

import jax

from parity.proof.layers.cases import CASES, LayerCase
from parity.proof.layers.judge import measures


def cases_of(name: str) -> list[LayerCase]:
    return [case for case in CASES if case.name == name]


def failures(cases: Sequence[LayerCase], dtype: str) -> str:
    """A line for every tensor that is too far from PyTorch's."""
    with jax.enable_x64(dtype == "float64"):
        judged = measures(cases, dtype)
    return "\n".join(
        f"{m.case}: {m.tensor} is {m.worst:g} off, allowed {m.bound:g}"
        for m in judged
        if not m.passed
    )
