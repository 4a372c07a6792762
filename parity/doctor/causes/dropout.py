"""Dropout that is off, has another rate, or is not scaled."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any
from unittest.mock import patch

import torch

from parity.doctor.evidence import Change, Evidence
from parity.doctor.trial import Trial

KINDS = ("output", "dropout")


def trials(evidence: Evidence) -> Iterator[Trial]:
    """Recompute the forward pass with PyTorch's masks, used otherwise."""
    step = evidence.recording.theirs[evidence.first.step]
    requests = evidence.recording.ours[evidence.first.step].asked
    if evidence.first.kind == "dropout":
        yield from _other_requests(evidence.first.note, len(requests) - len(step.masks))
        return
    if not step.masks:
        return
    if not requests:
        yield Trial(
            "dropout is off",
            "the port asks for no dropout mask: it is in evaluation mode",
            "Call model.train() on the port, or pass deterministic=False.",
            evidence.error(_dropout(lambda x, noise, p: x)),
        )
    for keep in dict.fromkeys(p for _, p in requests):
        yield Trial(
            "dropout rate",
            f"the port keeps an element with probability {keep:g}, PyTorch with "
            f"{step.masks[0].keep:g}",
            "Both take the rate of what is dropped, not of what is kept.",
            evidence.error(_dropout(_scale(keep))),
        )
    yield Trial(
        "dropout without scaling",
        "the port does not divide what it keeps by 1 - p",
        "Divide by the keep probability in training.",
        evidence.error(_dropout(lambda x, noise, p: x * (noise != 0))),
    )
    yield Trial(
        "dropout scaled twice",
        "the port divides what it keeps by 1 - p twice",
        "Divide by the keep probability once.",
        evidence.error(_dropout(lambda x, noise, p: x * noise / (1 - p))),
    )


def _other_requests(note: str, more: int) -> Iterator[Trial]:
    """The output agrees with PyTorch's masks, which the port would not draw."""
    for cause, says, remedy, holds in (
        (
            "additional dropout",
            "the port drops where PyTorch does not",
            "Leave it out: all it drops itself was kept in this comparison.",
            more > 0,
        ),
        (
            "missing dropout",
            "the port drops in fewer places than PyTorch",
            "Add the dropout.",
            more < 0,
        ),
        (
            "dropout of other elements",
            "the port's mask has other axes",
            "Draw one number for each element, or for each channel, as PyTorch does.",
            "shape" in note,
        ),
        (
            "dropout rate",
            "the port draws its mask with another probability than it divides by",
            "Keep with probability 1 - p, and divide by 1 - p.",
            "probability" in note,
        ),
    ):
        yield Trial(cause, f"{says} ({note})", remedy, 0.0 if holds else float("inf"))


def _scale(keep: float) -> Callable[..., Any]:
    def drop(x: torch.Tensor, noise: torch.Tensor, p: float) -> torch.Tensor:
        mask = noise != 0
        # The port's mask of what is dropped, where its probability says so.
        mask = ~mask if abs(keep - (1 - p)) > abs(keep - p) else mask
        return x * mask / keep

    return drop


def _dropout(drop: Callable[..., torch.Tensor]) -> Change:
    """Inside the context, dropout is what `drop` makes of input, noise and rate."""

    def change(model: torch.nn.Module) -> AbstractContextManager[Any]:
        return patch("parity.port.masks.apply_mask", drop)

    return change
