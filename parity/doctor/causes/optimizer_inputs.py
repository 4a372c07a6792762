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
    yield from _outside_wrt(steps)
    yield from _without_gradient(steps)
    yield from _other_clipping(evidence, steps)
    yield from _own_clipping(evidence, steps)
    yield from _accumulation(evidence, steps)
    yield from _schedules(evidence, steps)


def _outside_wrt(steps: OptimizerSteps) -> Iterator[Trial]:
    """Parameters of PyTorch's that the port keeps out of `wrt`."""
    outside = sorted(set(steps.before[0]) - set(steps.updates[0]))
    if outside:
        updates = [
            {n: np.zeros_like(x) if n in outside else x for n, x in one.items()}
            for one in steps.run()
        ]
        yield Trial(
            "untrained parameter",
            f"the port does not train {', '.join(outside)}, PyTorch does",
            "Declare it as nnx.Param, or let wrt= include it.",
            steps.error(updates),
        )


def _without_gradient(steps: OptimizerSteps) -> Iterator[Trial]:
    """Parameters without a gradient in PyTorch, with the port's, or with zero."""
    missing = {n for g in steps.gradients for n in steps.before[0] if g.get(n) is None}
    if not missing:
        return
    whole = replace(steps, groups={n: steps.groups.get(n, 0) for n in steps.before[0]})
    names = ", ".join(sorted(missing))
    remedy = "Freeze them: optax.multi_transform with optax.set_to_zero, or wrt=."
    own = whole.with_gradients(
        lambda i, g: {**{n: steps.own_gradients[i][n] for n in missing}, **_present(g)}
    )
    zero = whole.with_gradients(
        lambda i, g: {
            **{n: np.zeros_like(steps.before[0][n]) for n in missing},
            **_present(g),
        }
    )
    text = f"the port trains {names}, which PyTorch leaves alone"
    yield Trial("frozen parameters move", text, remedy, steps.error(own.run()))
    text = f"the port decays {names}, which have no gradient in PyTorch"
    yield Trial("frozen parameters decay", text, remedy, steps.error(zero.run()))


def _present(gradients: Tensors) -> Tensors:
    return {n: g for n, g in gradients.items() if g is not None}


def _other_clipping(evidence: Evidence, steps: OptimizerSteps) -> Iterator[Trial]:
    side = evidence.recording.case.torch
    if side.clip is None or side.accumulate > 1:
        return
    layout = evidence.recording.report.map
    for cause, text, remedy, clips in clippings(evidence):
        other = steps.with_gradients(
            _replace_gradients(map(layout.gradients_to_jax, clips))
        )
        yield Trial(cause, text, remedy, steps.error(other.run()))


def _own_clipping(evidence: Evidence, steps: OptimizerSteps) -> Iterator[Trial]:
    """The port clips at a norm that shows in the size of one of its updates."""
    side, layout = evidence.recording.case.torch, evidence.recording.report.map
    if side.accumulate > 1:
        return
    references = [theirs for theirs, _ in evidence.steps()]
    raw = [present(step.gradients) for step in references]
    largest = max(map(total_norm, raw))
    theirs = norm_limit(references) if side.clip else None
    says = "does not clip" if theirs is None else f"clips at {theirs:.6g}"
    for place, update in list(enumerate(steps.run()))[:STEPS]:
        norm = total_norm(present(references[place].clipped))
        limit = norm * ratio(update, steps.updates[place])
        if not 0 < limit < largest * (1 - 1e-9):
            continue
        # With PyTorch's 1e-6 the same update shows a limit that is larger by so much.
        ours = limit * (1 + 1e-6 / total_norm(raw[place]))
        for other in (
            [by_norm(g, limit) for g in raw],
            [as_torch(g, ours) for g in raw],
        ):
            attempt = steps.with_gradients(
                _replace_gradients(map(layout.gradients_to_jax, other)),
            )
            yield Trial(
                "limit of clipping" if side.clip else "additional clipping",
                f"the port clips the norm at {limit:.6g}, PyTorch {says}",
                "Give both the same max_norm, or none.",
                steps.error(attempt.run()),
            )


def _replace_gradients(
    gradients: Iterable[Tensors],
) -> Callable[[int, Tensors], Tensors]:
    replacements = list(gradients)
    return lambda step, original: replacements[step]


def _accumulation(evidence: Evidence, steps: OptimizerSteps) -> Iterator[Trial]:
    batches = evidence.recording.case.torch.accumulate
    if batches > 1:
        mean = steps.with_gradients(
            lambda i, g: {n: x / batches for n, x in _present(g).items()}
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


def _schedules(evidence: Evidence, steps: OptimizerSteps) -> Iterator[Trial]:
    for cause, text, remedy, rates in schedules(evidence, len(steps.lrs)):
        other = replace(
            steps,
            lrs=[np.full_like(lr, r) for lr, r in zip(steps.lrs, rates, strict=False)],
        )
        yield Trial(cause, text, remedy, steps.error(other.run()))
