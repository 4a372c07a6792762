"""What a deliberately broken port is: one defect, and what must be found."""

from collections.abc import Callable
from dataclasses import dataclass

from parity.port import Case


@dataclass(frozen=True)
class Broken:
    """One defect.

    `step` and `kind` are where it must first show, `tensor` is the name of what departs
    there (None where any will do), and `cause` what the doctor must call it.
    """

    name: str
    make: Callable[[], Case]
    step: int
    kind: str
    cause: str
    tensor: str | None = None
