"""What is asked of a group, and what it says: measured, allowed, and why so much."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from jaxtrain.run.history import History
from jaxtrain.store import codec

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
    first: bool = False
    """Whether a limit takes the first argument sets rather than evenly spread ones."""

    def dtypes(self, choices: Sequence[str] = DTYPES) -> list[str]:
        """Those of a group's types that are asked for.

        Example:
            >>> Task(["sgd"], dtype="float32").dtypes(), Task([]).dtypes(["float64"])
            (['float32'], ['float64'])
        """
        return [kind for kind in choices if self.dtype in (None, kind)]

    def choose(self, cases: Iterable[Case]) -> list[Case]:
        """As many cases as are asked for, evenly spread: the plain and the crowded.

        Example:
            >>> Task([], limit=3).choose("abcdefg"), Task([]).choose("ab")
            (['a', 'd', 'g'], ['a', 'b'])
        """
        items = list(cases)
        if self.limit is None or len(items) <= self.limit:
            return items
        if self.first:
            return items[: self.limit]
        last = len(items) - 1
        gaps = max(self.limit - 1, 1)
        return [items[round(turn * last / gaps)] for turn in range(self.limit)]


@dataclass(frozen=True)
class Twins:
    """Two runs of one configuration, for the plots."""

    name: str
    reference: History
    """PyTorch's."""
    candidate: History
    bound: float
    others: tuple[History, ...] = ()
    """PyTorch's runs that start an ulp away, where these are the measure."""


@dataclass(frozen=True)
class Verdict:
    """One measure of one case, against its bound.

    Example:
        >>> seen = Verdict("losses", "mse_loss", "()", "float64", "one call", "value",
        ...                2e-13, 1e-12, "some thousand roundings")
        >>> seen.passed, round(seen.share, 3)
        (True, 0.2)
    """

    group: str
    name: str
    """The function, layer, draw or run."""
    config: str
    """Its arguments, and what it was given."""
    dtype: str
    level: str
    """What kind of evidence it is."""
    measure: str
    """What was measured, and in which unit."""
    value: float
    bound: float
    reason: str
    """Why the bound is what it is."""
    twins: Twins | None = field(default=None, repr=False, compare=False)
    rounding: float = 0.0
    """How far PyTorch's own roundings move it, in the same unit, where it is known."""

    @property
    def tensor(self) -> str:
        """What was measured, without its unit."""
        return self.measure.rpartition(", ")[0] or self.measure

    @property
    def passed(self) -> bool:
        """Whether the value keeps to a bound that allows something less than all."""
        return self.value <= self.bound < math.inf

    @property
    def share(self) -> float:
        """The value as a part of what is allowed; infinite where it is not a number."""
        if self.bound > 0:
            share = self.value / self.bound
            return share if share == share else math.inf
        return 0.0 if self.value == 0 == self.bound else math.inf

    def to_dict(self) -> dict[str, Any]:
        """The fields but for the curves, with null for numbers that JSON cannot hold.

        Example:
            >>> nan = float("nan")
            >>> found = Verdict("g", "n", "c", "d", "l", "m", nan, 1.0, "r").to_dict()
            >>> found["value"], found["passed"]
            (None, False)
        """
        fields = {k: v for k, v in vars(self).items() if k != "twins"}
        return codec.jsonable({**fields, "passed": self.passed}, figures=True)


@dataclass
class Findings:
    """What has been judged so far, of each group."""

    verdicts: dict[str, list[Verdict]] = field(default_factory=dict)
    controls: dict[str, list[Verdict]] = field(default_factory=dict)
    """The broken twins that it has seen; the first is its control."""

    @property
    def all(self) -> list[Verdict]:
        """Of all groups."""
        return [verdict for group in self.verdicts.values() for verdict in group]

    @property
    def passed(self) -> bool:
        """Whether there is something, and all of it keeps to its bounds."""
        return bool(self.all) and all(verdict.passed for verdict in self.all)


def worst(verdicts: Sequence[Verdict]) -> Verdict:
    """The one nearest to its bound, or furthest beyond it; failures come first.

    Raises:
        ValueError: there are none: nothing is proved by a check that never ran.
    """
    if not verdicts:
        raise ValueError("there is no verdict to choose from")
    return max(verdicts, key=lambda verdict: (not verdict.passed, verdict.share))
