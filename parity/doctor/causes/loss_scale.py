"""Losses that are a multiple of PyTorch's: mean or sum, half a square, a penalty."""

from collections.abc import Iterator

import numpy as np

from parity.doctor.evidence import Evidence, relative
from parity.doctor.trial import Trial
from parity.port.step import Step

KINDS = ("loss",)


def trials(evidence: Evidence) -> Iterator[Trial]:
    """The recorded losses times a number that has a meaning."""
    pairs = list(evidence.steps())
    ours = [np.asarray(b.loss) for _, b in pairs]
    for meaning, factor in factors(pairs[0][0]).items():
        yield Trial(
            "mean or sum of the loss",
            f"the port's loss is PyTorch's times {meaning}",
            "Reduce as PyTorch does: by the mean over all elements, unless told "
            "otherwise; optax.l2_loss is half a square.",
            relative(ours, [np.asarray(a.loss * factor) for a, _ in pairs]),
        )
    yield from _penalties(evidence, ours)


def factors(step: Step) -> dict[str, float]:
    """Numbers by which a loss may be multiplied, by their meaning."""
    size = step.output[0].shape
    rest = float(np.prod(size[1:])) if len(size) > 1 else 1.0
    numbers = {
        "the batch size": float(size[0]),
        "the number of outputs": rest,
        "the number of elements": size[0] * rest,
        "2": 2.0,
    }
    below = {f"1 / {name}": 1 / value for name, value in numbers.items()}
    both = {**numbers, **below}
    return {name: value for name, value in both.items() if value != 1.0}


def _penalties(evidence: Evidence, ours: list[np.ndarray]) -> Iterator[Trial]:
    """With the penalty that PyTorch's side adds to the loss taken otherwise."""
    if evidence.recording.case.torch.penalty is None:
        return
    run = evidence.run
    steps = evidence.recording.theirs
    values = []
    for step in steps:
        run.restore(step)
        penalty = run.side.penalty
        assert penalty is not None
        values.append(float(penalty(run.model).detach()))
    for share, says in ((0.0, "no penalty"), (0.5, "half the penalty"), (2.0, "twice")):
        candidates = [
            np.asarray(step.loss + (share - 1) * value)
            for step, value in zip(steps, values, strict=True)
        ]
        yield Trial(
            "penalty in the loss",
            f"the port's loss has {says} of PyTorch's",
            "Add the same penalty to the port's loss.",
            relative(ours, candidates[: len(ours)]),
        )
