"""Updates that are PyTorch's times a number: what is left when nothing else fits."""

from collections.abc import Iterator

import numpy as np

from parity.doctor.evidence import Evidence
from parity.doctor.optimizer_steps import (
    OptimizerSteps,
    Tensors,
    optimizer_steps,
    ratio,
)
from parity.doctor.trial import Trial

KINDS = ("update",)

EQUAL = 1e-5
"""Factors that are not further apart, relatively, do not change."""


def trials(evidence: Evidence) -> Iterator[Trial]:
    """Times one number, then times one for each step."""
    steps = optimizer_steps(evidence)
    right = steps.run()
    ratios = [ratio(a, b) for a, b in zip(right, steps.updates, strict=True)]
    has_rates = any(row.kind == "lr" for row in evidence.recording.report.rows)
    # Updates come after the rate, which agrees where it is shown.
    cause = "scaled updates" if has_rates else "learning rate"
    remedy = (
        "The learning rates agree: look for a scale in the chain, or for clipping."
        if has_rates
        else "Compare the learning rates: JaxSide(lr=...) shows the port's."
    )
    same = np.ptp(ratios) <= EQUAL * abs(ratios[0])
    if same and abs(ratios[0] - 1) <= EQUAL:
        return
    says = f"{ratios[0]:.6g}"
    yield _scale(steps, cause, right, [ratios[0]] * len(ratios), says, remedy)
    if not same:
        says = "factors that change: " + ", ".join(f"{r:.6g}" for r in ratios[:6])
        yield _scale(steps, f"{cause} of each step", right, ratios, says, remedy)


def _scale(
    steps: OptimizerSteps,
    cause: str,
    right: list[Tensors],
    factors: list[float],
    says: str,
    remedy: str,
) -> Trial:
    updates = [
        {n: x * f for n, x in one.items()}
        for one, f in zip(right, factors, strict=True)
    ]
    text = f"the port's updates are PyTorch's times {says}"
    return Trial(cause, text, remedy, steps.error(updates))
