"""Updates that are PyTorch's times a number: what is left when nothing else fits."""

from collections.abc import Iterator

import numpy as np

from parity.doctor.evidence import Evidence
from parity.doctor.optimizer_steps import Tensors, optimizer_steps
from parity.doctor.trial import Trial

KINDS = ("update",)


def trials(evidence: Evidence) -> Iterator[Trial]:
    """Times one number, then times one for each step."""
    steps = optimizer_steps(evidence)
    right = steps.run()
    ratios = [_ratio(a, b) for a, b in zip(right, steps.updates, strict=True)]
    for cause, factors, says in (
        ("learning rate", [ratios[0]] * len(ratios), f"{ratios[0]:.6g}"),
        (
            "learning rate of each step",
            ratios,
            "factors that change: " + ", ".join(f"{r:.6g}" for r in ratios[:6]),
        ),
    ):
        found = [
            {n: x * f for n, x in one.items()}
            for one, f in zip(right, factors, strict=True)
        ]
        yield Trial(
            cause,
            f"the port's updates are PyTorch's times {says}",
            "Compare the learning rates: JaxSide(lr=...) shows the port's.",
            steps.error(found),
        )


def _ratio(theirs: Tensors, ours: Tensors) -> float:
    a, b = (np.concatenate([x[n].ravel() for n in theirs]) for x in (theirs, ours))
    return float(a @ b / (a @ a)) if a.any() else 1.0
