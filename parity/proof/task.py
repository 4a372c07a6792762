"""What a group is asked to judge."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

Case = TypeVar("Case")
OnProgress = Callable[[str], None]

DTYPES = ("float32", "float64")


@dataclass(frozen=True)
class Task:
    """Which cases of a group, and how much of each.

    Args:
        names: of functions, layers, draws or runs.
        dtype: the only type to judge in, or None for each that the group has.
        steps: of optimisers, schedulers and runs; None for as many as the tests take.
        limit: how many argument sets of each name at most, or how many of PyTorch's
            runs say what its noise is; None for all.
    """

    names: Sequence[str]
    dtype: str | None = None
    steps: int | None = None
    limit: int | None = None

    def dtypes(self, having: Sequence[str] = DTYPES) -> list[str]:
        """Those of a group's types that are asked for.

        Example:
            >>> Task(["sgd"], dtype="float32").dtypes(), Task([]).dtypes(["float64"])
            (['float32'], ['float64'])
        """
        return [kind for kind in having if self.dtype in (None, kind)]

    def chosen(self, cases: Iterable[Case]) -> list[Case]:
        """As many cases as are asked for, evenly spread: the plain and the crowded.

        Example:
            >>> Task([], limit=3).chosen("abcdefg"), Task([]).chosen("ab")
            (['a', 'd', 'g'], ['a', 'b'])
        """
        held = list(cases)
        if self.limit is None or len(held) <= self.limit:
            return held
        last = len(held) - 1
        gaps = max(self.limit - 1, 1)
        return [held[round(turn * last / gaps)] for turn in range(self.limit)]
