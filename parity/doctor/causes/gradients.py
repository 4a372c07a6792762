"""Gradients that are stopped, scaled, or differ where a function has a kink."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from parity.doctor.causes.functions import Variant, try_variants
from parity.doctor.causes.loss_scale import factors
from parity.doctor.evidence import Evidence
from parity.doctor.trial import Trial
from parity.port.judge import SMALL, largest

KINDS = ("gradient",)


def trials(evidence: Evidence) -> Iterator[Trial]:
    """From the recorded gradients, then with kinks and embeddings changed."""
    yield from _zero_gradients(evidence)
    yield from _scale(evidence)
    yield from try_variants(evidence, _variants())


def _zero_gradients(evidence: Evidence) -> Iterator[Trial]:
    """Those of the port that are all zero, taken as zero."""
    rows = [r for r in evidence.recording.report.rows if r.kind == "gradient"]
    wrong = {r.name for r in rows if not r.passed}
    layout = evidence.recording.report.map
    zero = {
        leaf.path
        for leaf in layout.leaves
        if layout.name(leaf.path) in wrong
        and all(not ours.gradients[leaf.path].any() for _, ours in evidence.steps())
    }
    if zero:
        names = ", ".join(sorted(layout.name(path) for path in zero))
        yield Trial(
            "stopped gradient",
            f"no gradient reaches {names} in the port",
            "Look for stop_gradient, an integer or boolean step, or a copy of the "
            "value that is not traced.",
            error(evidence, dict.fromkeys(zero, 0.0)),
        )


def _scale(evidence: Evidence) -> Iterator[Trial]:
    for meaning, factor in factors(evidence.recording.theirs[0]).items():
        paths = [leaf.path for leaf in evidence.recording.report.map.leaves]
        yield Trial(
            "scaled gradient",
            f"the port's gradients are PyTorch's times {meaning}",
            "Look for a sum where PyTorch averages, such as over devices.",
            error(evidence, dict.fromkeys(paths, factor)),
        )


def error(evidence: Evidence, share: dict[str, float]) -> float:
    """What is left if some of PyTorch's gradients are multiplied.

    Args:
        evidence: with both sides' gradients.
        share: JAX path -> factor.
    """
    worst = 0.0
    layout = evidence.recording.report.map
    for theirs, ours in evidence.steps():
        gradients = layout.gradients_to_jax(theirs.gradients)
        least = SMALL * largest(gradients)
        for path, value in gradients.items():
            target = value * share.get(path, 1.0)
            apart = float(np.abs(ours.gradients[path] - target).max(initial=0.0))
            scale = max(float(np.abs(target).max(initial=0.0)), least)
            worst = max(worst, apart / scale if scale else apart)
    return worst


def _variants() -> Iterator[Variant]:
    yield Variant(
        "padding_idx",
        "the port gives the padding's row of the embedding a gradient",
        "Mask that row's gradient: PyTorch's padding_idx never moves.",
        {"embedding": _no_padding},
    )
    yield Variant(
        "gradient at a kink",
        "the port's gradient is 1/2 where an input lies on the kink",
        "PyTorch's ReLU has gradient 0 at 0, and its clamp 1 at a bound: use "
        "jax.nn.relu, not jnp.maximum.",
        {"relu": _half_at_zero, "clamp": _half_at_bounds, "hardtanh": _half_at_bounds},
    )


def _no_padding(func: Any, input: Any, weight: Any, *args: Any, **kwargs: Any) -> Any:
    return torch.nn.functional.embedding(input, weight)


def _half_at_zero(func: Any, x: Any, *args: Any, **kwargs: Any) -> Any:
    return torch.where(x == 0, x / 2, torch.relu(x))


def _half_at_bounds(
    func: Any, x: Any, low: Any = None, high: Any = None, **kw: Any
) -> Any:
    low, high = kw.get("min", low), kw.get("max", high)
    y = x
    for bound, smaller in ((low, True), (high, False)):
        if bound is not None:
            beyond = y < bound if smaller else y > bound
            y = torch.where(y == bound, (y + bound) / 2, y)
            y = torch.where(beyond, torch.full_like(y, bound), y)
    return y
