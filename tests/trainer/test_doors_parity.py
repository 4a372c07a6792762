"""Every door trains as a plain PyTorch loop does, from the seed, at every step."""

import numpy as np
import pytest

pytest.importorskip("torch")

from door_cases import CASES, float64

BOUND = 1e-10
"""In float64: rounding has no time to grow in 21 steps, and a mistake shows at once."""


def distance(ours: list[float], theirs: list[float]) -> float:
    assert len(ours) == len(theirs)
    return float(np.abs(np.array(ours) - theirs).max())


def test_losses_are_those_of_pytorch_s_loop_and_of_no_twin() -> None:
    report = []
    with float64():
        for name, case in CASES.items():
            theirs = case.theirs()
            if not distance(case.ours(), theirs) <= BOUND:
                report.append(f"{name} departs")
            for twin in case.twins:
                if distance(case.ours(twin), theirs) <= 1e4 * BOUND:
                    report.append(f"{name}: {twin} passes")
    assert report == []
