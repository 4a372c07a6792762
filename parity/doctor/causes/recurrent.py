"""Recurrent cells with one bias, or with the reset gate elsewhere."""

from collections.abc import Iterator
from typing import Any

import torch

from parity.doctor.causes.functions import Variant, try_variants
from parity.doctor.evidence import Evidence, relative
from parity.doctor.trial import Trial

KINDS = ("output", "update")
REMEDY = "Use jaxtrain.nn's GRU and LSTM, which have PyTorch's two biases."


def trials(evidence: Evidence) -> Iterator[Trial]:
    """For outputs: without the bias in the gate; for updates: with one bias of two."""
    if evidence.first.kind == "output":
        variant = Variant(
            "no bias in the reset gate",
            "the port's GRU has no bias inside the reset gate, as nnx.GRUCell",
            REMEDY,
            {"gru": _gru, "gru_cell": _gru_cell},
        )
        yield from try_variants(evidence, iter([variant]))
    elif " + " in evidence.first.name:
        yield _one_bias(evidence)


def _one_bias(evidence: Evidence) -> Trial:
    """Each of PyTorch's two biases moves as one alone does."""
    leaves = [leaf for leaf in evidence.recording.report.map.leaves if leaf.gradient]
    pairs = [
        (
            ours.updates[leaf.path],
            leaf.gradient(*(theirs.updates[n] for n in leaf.sources)),
        )
        for theirs, ours in evidence.steps()
        for leaf in leaves
        if leaf.gradient
    ]
    return Trial(
        "single bias in a recurrent cell",
        "the port has one bias where PyTorch has two, which together move twice "
        "as fast",
        REMEDY,
        relative(*zip(*pairs, strict=True)),
    )


def _zero_bias(bias: torch.Tensor) -> torch.Tensor:
    size = len(bias) // 3
    return torch.cat([bias[: 2 * size], torch.zeros_like(bias[2 * size :])])


def _gru(func: Any, input: Any, hx: Any, weights: Any, *rest: Any) -> Any:
    others = [_zero_bias(w) if place % 4 == 3 else w for place, w in enumerate(weights)]
    return func(input, hx, others, *rest)


def _gru_cell(func: Any, *args: Any) -> Any:
    return func(*args[:5], _zero_bias(args[5]))
