"""Gradient clipping: without eps, by another norm, by value, or not at all."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from parity.doctor.evidence import Evidence, relative
from parity.doctor.trial import Trial
from parity.port.step import Step

KINDS = ("clipped",)

Gradients = dict[str, np.ndarray]
LIMITS = (1.0, 0.5, 5.0, 10.0, 0.1, 0.25, 2.0, 0.01)
"""That recipes have."""
Clip = Callable[[Gradients, float], Gradients]


def trials(evidence: Evidence) -> Iterator[Trial]:
    """Clip PyTorch's recorded gradients in every known way."""
    layout = evidence.recording.report.map
    right = [
        ours.clipped[leaf.path]
        for _, ours in evidence.steps()
        for leaf in layout.leaves
    ]
    for cause, text, remedy, clips in clippings(evidence):
        candidates = [
            layout.gradients_to_jax(step)[leaf.path]
            for step in clips
            for leaf in layout.leaves
        ]
        yield Trial(cause, text, remedy, relative(right, candidates))


def clippings(
    evidence: Evidence,
) -> Iterator[tuple[str, str, str, list[Gradients]]]:
    """(cause, text, remedy, clipped gradients of each step by PyTorch's names)."""
    steps = [theirs for theirs, _ in evidence.steps()]
    limit = norm_limit(steps)
    same = "Use jaxtrain.optim.clip_grad_norm."
    ways: list[tuple[str, str, str, Clip]] = [
        (
            "eps of clipping",
            "the port scales by max_norm / norm, PyTorch by max_norm / (norm + 1e-6)",
            f"optax.clip_by_global_norm has no 1e-6. {same}",
            by_norm,
        ),
        ("no clipping", "the port does not clip", f"{same}", lambda g, m: g),
        (
            "clipping of each tensor",
            "the port clips every tensor by its own norm, PyTorch all by their total",
            f"{same}",
            _by_own_norms,
        ),
        (
            "clipping by value",
            "the port clips every element to the limit, PyTorch the total norm",
            f"{same}",
            lambda g, m: {n: np.clip(x, -m, m) for n, x in g.items()},
        ),
        (
            "clipping always scales",
            "the port scales gradients to the limit when they are smaller, too",
            f"Scale by min(1, ...). {same}",
            lambda g, m: {n: x * m / total_norm(g) for n, x in g.items()},
        ),
    ]
    for cause, text, remedy, clip in ways:
        if limit is not None or cause == "no clipping":
            clips = [clip(present(step.gradients), limit or 0.0) for step in steps]
            yield cause, text, remedy, clips
    for other in (*_own_limit(evidence), *LIMITS):
        if limit is not None and abs(other - limit) > 1e-6:
            yield (
                "limit of clipping",
                f"the port clips the norm at {other:g}, PyTorch at {limit:.6g}",
                "Give both the same max_norm.",
                [as_torch(present(step.gradients), other) for step in steps],
            )
    yield from _by_value_limit(steps)


def _by_value_limit(
    steps: list[Step],
) -> Iterator[tuple[str, str, str, list[Gradients]]]:
    """Where PyTorch clips values: the port clips by the norm."""
    limit = max(
        (
            np.abs(x).max(initial=0.0)
            for s in steps
            for x in present(s.clipped).values()
        ),
        default=0.0,
    )
    text = "the port clips the total norm, PyTorch every element"
    clips = [by_norm(present(step.gradients), float(limit)) for step in steps]
    yield "clipping by norm", text, "Use jaxtrain.optim.clip_grad_value.", clips


def norm_limit(steps: list[Step]) -> float | None:
    """PyTorch's `max_norm`, from a step in which it clipped; None where none did."""
    for step in steps:
        before, after = (total_norm(present(g)) for g in (step.gradients, step.clipped))
        if after < before * (1 - 1e-7):
            return after / before * (before + 1e-6)
    return None


def total_norm(gradients: Gradients) -> float:
    """Of all tensors together.

    Example:
        >>> total_norm({"a": np.array([3.0]), "b": np.array([4.0])})
        5.0
    """
    return float(np.sqrt(sum(float(np.square(x).sum()) for x in gradients.values())))


def present(gradients: dict[str, Any]) -> Gradients:
    """Without those that PyTorch does not have."""
    return {n: x for n, x in gradients.items() if x is not None}


def by_norm(gradients: Gradients, limit: float) -> Gradients:
    """Scaled to a total norm where theirs is larger, without PyTorch's 1e-6."""
    norm = total_norm(gradients)
    factor = limit / norm if norm > limit else 1.0
    return {n: x * factor for n, x in gradients.items()}


def _own_limit(evidence: Evidence) -> list[float]:
    """The port's limit: the largest norm that it leaves, where it shows."""
    if evidence.recording.case.jax.clip is None:
        return []
    steps = [ours for _, ours in evidence.steps()]
    pairs = [(total_norm(s.gradients), total_norm(s.clipped)) for s in steps]
    return [max(after * (1 + 1e-6 / raw) for raw, after in pairs if raw)]


def as_torch(gradients: Gradients, limit: float) -> Gradients:
    """As `torch.nn.utils.clip_grad_norm_`."""
    factor = min(1.0, limit / (total_norm(gradients) + 1e-6))
    return {n: x * factor for n, x in gradients.items()}


def _by_own_norms(gradients: Gradients, limit: float) -> Gradients:
    return {n: by_norm({n: x}, limit)[n] for n, x in gradients.items()}
