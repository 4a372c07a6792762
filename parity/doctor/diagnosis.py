"""The doctor's round: where a port departs, and which known cause explains it."""

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from parity.doctor.causes import (
    activations,
    batches,
    clipping,
    dropout,
    gradients,
    initial_weights,
    learning_rate,
    loss_arguments,
    loss_scale,
    missing,
    normalisation,
    optax_optimizers,
    optimizer_arguments,
    optimizer_formulas,
    optimizer_inputs,
    optimizer_scale,
    precision,
    recurrent,
    shapes,
)
from parity.doctor.evidence import Evidence
from parity.doctor.trial import Trial
from parity.port.case import Case
from parity.port.comparison import Recording, record
from parity.port.mapping import MapError
from parity.port.report import Report

FAMILIES: tuple[Any, ...] = (
    batches,
    initial_weights,
    dropout,
    normalisation,
    activations,
    shapes,
    recurrent,
    precision,
    loss_arguments,
    loss_scale,
    gradients,
    clipping,
    learning_rate,
    optimizer_inputs,
    optimizer_arguments,
    optax_optimizers,
    optimizer_formulas,
    optimizer_scale,
)
"""Modules with `KINDS` of quantities and `trials(evidence)`: add a cause there, or a
module here."""


@dataclass(frozen=True)
class Diagnosis:
    """What was found."""

    report: Report | None
    """None where the weights could not even be mapped."""
    trials: tuple[Trial, ...]
    """Every cause that was tried, those that explain the departure first."""
    evidence: str = ""
    """What is known where nothing explains it."""

    @property
    def explanations(self) -> tuple[Trial, ...]:
        """Causes that leave nothing but rounding, the best first."""
        return tuple(trial for trial in self.trials if trial.explains)

    @property
    def cause(self) -> str | None:
        """The short name of the best explanation."""
        return self.explanations[0].cause if self.explanations else None

    def __str__(self) -> str:
        lines = [self.evidence if self.report is None else str(self.report)]
        if self.report is not None and self.report.first is None:
            return "\n".join(lines)
        if self.explanations:
            best, *others = self.explanations
            lines += ["", f"cause: {best.cause}", _wrap(str(best))]
            distinct = [t for t in others if t.cause != best.cause]
            lines += [_wrap(f"or {t.cause}: {t}") for t in distinct[:3]]
        else:
            summary = f"none of {len(self.trials)} known causes explains it"
            lines += ["", *([summary] if self.trials else [])]
            lines += [self.evidence] if self.report is not None else []
        return "\n".join(lines)


def diagnose(case: Case, *, steps: int | None = None) -> Diagnosis:
    """Compare a port in float64 and, where it departs, try every known cause.

    Each cause is executed: PyTorch's side, or its recorded gradients, with one thing
    changed. It explains the departure if the result agrees with the port to rounding,
    at several steps.

    Args:
        case: the port and its original.
        steps: how many; as many as there are batches if not given.
    """
    try:
        recording = record(case, steps=steps, stop=False)
    except MapError as error:
        result = _sort(missing.trials(error))
        return Diagnosis(None, result, str(error))
    if recording.report.first is None:
        return Diagnosis(recording.report, ())
    evidence = Evidence(recording)
    result = _sort(_trials(evidence))
    return Diagnosis(recording.report, result, describe(recording))


def _trials(evidence: Evidence) -> Iterator[Trial]:
    # A port that fails at its first step leaves nothing to compare numbers with.
    failure = evidence.first.step >= len(evidence.recording.ours)
    for family in FAMILIES:
        if evidence.first.kind in family.KINDS and not (
            failure and family is not batches
        ):
            yield from family.trials(evidence)


def _sort(trials: Iterator[Trial]) -> tuple[Trial, ...]:
    """Those that explain first, as they came: the more specific families come first."""
    return tuple(sorted(trials, key=lambda t: (not t.explains, _rank(t))))


def _rank(trial: Trial) -> float:
    # Of several that agree to rounding none agrees better than another.
    return max(trial.error, 1e-12) if trial.error == trial.error else np.inf


def _wrap(text: str) -> str:
    return textwrap.fill(
        text, 88, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False
    )


def describe(recording: Recording) -> str:
    """The evidence: sizes, ratios and neighbours of the first departure."""
    first = recording.report.first
    if first is None:
        return ""
    lines = [f"evidence at {first}"]
    bad = [r for r in recording.report.rows if r.kind == first.kind and not r.passed]
    steps = sorted({row.step for row in bad})
    names = list(dict.fromkeys(row.name for row in bad))
    lines.append(f"  departs at steps {steps}, in {', '.join(map(repr, names[:8]))}")
    good = [r.name for r in recording.report.rows if r.kind == first.kind and r.passed]
    same = [name for name in dict.fromkeys(good) if name not in names]
    lines.append(f"  agrees in {', '.join(map(repr, same[:8])) or 'no other'}")
    if first.kind == "loss":
        pairs = zip(recording.theirs, recording.ours, strict=False)
        ratios = ", ".join(f"{b.loss / a.loss:.6g}" for a, b in pairs if a.loss)
        lines.append(f"  the port's loss over PyTorch's: {ratios}")
    if first.step >= len(recording.ours):
        lines.append("  compare its padding, strides and sizes with PyTorch's layer")
    if 1e-9 < first.error < 1e-6:
        lines.append(
            "  it is the size of a float32 rounding: look for a float32 constant"
        )
    return "\n".join(lines)
