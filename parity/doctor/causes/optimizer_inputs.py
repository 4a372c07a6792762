"""PyTorch's optimiser, given something else: rates, clipped or summed gradients."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

import numpy as np

from parity.doctor.causes.clipping import (
    as_torch,
    by_norm,
    clippings,
    norm_limit,
    present,
    total_norm,
)
from parity.doctor.causes.learning_rate import schedules
from parity.doctor.evidence import STEPS, Evidence
from parity.doctor.optimizer_steps import (
    OptimizerSteps,
    Tensors,
    optimizer_steps,
    ratio,
)
from parity.doctor.trial import Trial

KINDS = ("update",)


def trials(evidence: Evidence) -> Iterator[Trial]:
    """Run PyTorch's optimiser on what the port's may have been given."""
    steps = optimizer_steps(evidence)
    yield from _untrained(steps)
    yield from _frozen(steps)
    yield from _clipped(evidence, steps)
    yield from _own_clipping(evidence, steps)
    yield from _accumulated(evidence, steps)
    yield from _scheduled(evidence, steps)


def _untrained(steps: OptimizerSteps) -> Iterator[Trial]:
    """Parameters of PyTorch's that the port keeps out of `wrt`."""
    left = sorted(set(steps.before[0]) - set(steps.updates[0]))
    if left:
        found = [
            {n: np.zeros_like(x) if n in left else x for n, x in one.items()}
            for one in steps.run()
        ]
        yield Trial(
            "untrained parameter",
            f"the port does not train {', '.join(left)}, PyTorch does",
            "Declare it as nnx.Param, or let wrt= include it.",
            steps.error(found),
        )


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


def _own_clipping(evidence: Evidence, steps: OptimizerSteps) -> Iterator[Trial]:
    """The port clips at a norm that shows in the size of one of its updates."""
    side, layout = evidence.recording.case.torch, evidence.recording.report.map
    if side.accumulate > 1:
        return
    taken = [theirs for theirs, _ in evidence.steps()]
    raw = [present(step.gradients) for step in taken]
    largest = max(map(total_norm, raw))
    theirs = norm_limit(taken) if side.clip else None
    says = "does not clip" if theirs is None else f"clips at {theirs:.6g}"
    for place, made in list(enumerate(steps.run()))[:STEPS]:
        kept = total_norm(present(taken[place].clipped))
        limit = kept * ratio(made, steps.updates[place])
        if not 0 < limit < largest * (1 - 1e-9):
            continue
        # With PyTorch's 1e-6 the same update shows a limit that is larger by so much.
        ours = limit * (1 + 1e-6 / total_norm(raw[place]))
        for other in (
            [by_norm(g, limit) for g in raw],
            [as_torch(g, ours) for g in raw],
        ):
            given = steps.with_gradients(
                _instead(map(layout.gradients_to_jax, other)),
            )
            yield Trial(
                "limit of clipping" if side.clip else "additional clipping",
                f"the port clips the norm at {limit:.6g}, PyTorch {says}",
                "Give both the same max_norm, or none.",
                steps.error(given.run()),
            )


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
