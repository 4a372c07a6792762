"""One cause that was tried."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Trial:
    """What was computed as if a cause were true, and how near the port it came."""

    cause: str
    """A short name, such as `"eps inside the root"`."""
    text: str
    """What the port does, and what PyTorch does."""
    remedy: str
    error: float
    """What is left of the difference, relative to the largest element."""
    enough: float = 1e-9
    """What may be left. More than a comparison allows where a cause is itself a
    rounding, of which this computation does other ones."""

    @property
    def explains(self) -> bool:
        """Whether it leaves nothing but rounding."""
        # Asked this way round, NaN does not.
        return self.error <= self.enough and math.isfinite(self.error)

    def __str__(self) -> str:
        return f"{self.text}; that agrees to {self.error:.1g}. {self.remedy}"
