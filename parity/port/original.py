"""PyTorch's side as the comparison sees it: it runs now, or did so once."""

from typing import Protocol

from parity.port.case import Batch
from parity.port.outline import Outline
from parity.port.step import Arrays, Step


class Original(Protocol):
    """What a port is compared with, step by step."""

    outline: Outline
    clips: bool
    """Whether it says how it clips."""

    def start(self) -> Arrays:
        """Parameters and buffers before the first step, by PyTorch's names."""

    def step(self, batch: Batch) -> tuple[Step, Step | None]:
        """The next step, and the same in float64 where it is narrower."""
