"""PyTorch's optimiser, given something else: rates, clipped or summed gradients."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

import numpy as np

from parity.doctor.clipping import clippings
from parity.doctor.evidence import Evidence
from parity.doctor.learning_rate import schedules
from parity.doctor.optimizer_steps import OptimizerSteps, Tensors, optimizer_steps
from parity.doctor.trial import Trial

KINDS = ("update",)


def trials(evidence: Evidence) -> Iterator[Trial]:
    """Run PyTorch's optimiser on what the port's may have been given."""
    steps = optimizer_steps(evidence)
    yield from _frozen(steps)
    yield from _clipped(evidence, steps)
    yield from _accumulated(evidence, steps)
    yield from _scheduled(evidence, steps)


def _frozen(steps: OptimizerSteps) -> Iterator[Trial]:
    """Parameters without a gradient in PyTorch, with the port's, or with zero."""
    missing = {n for g in steps.gradients for n in steps.before[0] if g.get(n) is None}
    if not missing:
        return
    whole = replace(steps, groups={n: steps.groups.get(n, 0) for n in steps.before[0]})
    names = ", ".join(sorted(missing))
    remedy = "Freeze them: optax.multi_transform with optax.set_to_zero, or wrt=."
    own = whole.with_gradients(
        lambda i, g: {**{n: steps.own_gradients[i][n] for n in missing}, **_given(g)}
    )
    zero = whole.with_gradients(
        lambda i, g: {
            **{n: np.zeros_like(steps.before[0][n]) for n in missing},
            **_given(g),
        }
    )
    text = f"the port trains {names}, which PyTorch leaves alone"
    yield Trial("frozen parameters move", text, remedy, steps.error(own.run()))
    text = f"the port decays {names}, which have no gradient in PyTorch"
    yield Trial("frozen parameters decay", text, remedy, steps.error(zero.run()))


def _given(gradients: Tensors) -> Tensors:
    return {n: g for n, g in gradients.items() if g is not None}


def _clipped(evidence: Evidence, steps: OptimizerSteps) -> Iterator[Trial]:
    side = evidence.recording.case.torch
    if side.clip is None or side.accumulate > 1:
        return
    layout = evidence.recording.report.map
    for cause, text, remedy, clipped in clippings(evidence):
        other = steps.with_gradients(_instead(map(layout.gradients_to_jax, clipped)))
        yield Trial(cause, text, remedy, steps.error(other.run()))


def _instead(gradients: Iterable[Tensors]) -> Callable[[int, Tensors], Tensors]:
    made = list(gradients)
    return lambda step, given: made[step]


def _accumulated(evidence: Evidence, steps: OptimizerSteps) -> Iterator[Trial]:
    batches = evidence.recording.case.torch.accumulate
    if batches > 1:
        mean = steps.with_gradients(
            lambda i, g: {n: x / batches for n, x in _given(g).items()}
        )
        yield Trial(
            "mean or sum of accumulated gradients",
            f"the port averages the gradients of {batches} batches, PyTorch sums them",
            "jaxtrain.optim.accumulate sums, and optax.MultiSteps with "
            "use_grad_mean=False.",
            steps.error(mean.run()),
            # optax.MultiSteps adds up in float32 unless told otherwise.
            enough=1e-6,
        )


def _scheduled(evidence: Evidence, steps: OptimizerSteps) -> Iterator[Trial]:
    for cause, text, remedy, rates in schedules(evidence, len(steps.lrs)):
        other = replace(
            steps,
            lrs=[np.full_like(lr, r) for lr, r in zip(steps.lrs, rates, strict=False)],
        )
        yield Trial(cause, text, remedy, steps.error(other.run()))
