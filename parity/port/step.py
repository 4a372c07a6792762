"""What one side computes in one step, and PyTorch's side as the comparison sees it."""

from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from parity.port.case import Batch
from parity.port.masks import Mask
from parity.port.outline import Outline

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Step:
    """One step of one side; tensors by PyTorch's names or by JAX paths."""

    batch: list[np.ndarray]
    """After preparation: inputs, then targets."""
    layers: dict[str, list[np.ndarray]]
    """Module path -> what it returned; `""` is the model."""
    output: list[np.ndarray]
    loss: float
    before: Arrays
    """Parameters at the start."""
    gradients: dict[str, Any]
    """Of this batch; None where PyTorch has none."""
    clipped: dict[str, Any]
    """What the optimiser is given."""
    lr: np.ndarray | None
    """Of each group; None where it cannot be seen."""
    updates: Arrays
    """What was added to the parameters."""
    buffers_before: Arrays
    buffers: Arrays
    masks: list[Mask] = field(default_factory=list)
    asked: list[tuple[tuple[int, ...], float]] = field(default_factory=list)
    """(shape, keep probability) of each dropout mask that the port asked for."""
    updated: bool = True
    """Whether the optimiser was called at this step."""


class Original(Protocol):
    """What a port is compared with, step by step."""

    outline: Outline
    clips: bool
    """Whether it says how it clips."""

    def start(self) -> Arrays:
        """Parameters and buffers before the first step, by PyTorch's names."""

    def step(self, batch: Batch) -> tuple[Step, Step | None]:
        """The next step, and the same in float64 where it is narrower."""
