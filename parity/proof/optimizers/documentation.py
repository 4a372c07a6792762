"""`python -m parity docs optimizers`: the worst of level 1, and how far Optax is."""

import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from jaxtrain import optim
from parity.proof.optimizers.cases import CASES, OptimizerCase
from parity.proof.optimizers.one_step import Measure, judge
from parity.proof.optimizers.optax_nearest import NEAREST
from parity.proof.optimizers.trajectory import gap

DTYPES = ("float32", "float64")


@dataclass(frozen=True)
class Row:
    """What was seen of one optimiser."""

    name: str
    cases: int
    worst: dict[str, Measure]
    """The tensor nearest to its bound, for each type."""
    gap: float | None
    """How far Optax is from PyTorch after 60 steps, relative to the displacement."""

    @property
    def passed(self) -> bool:
        """Whether every tensor of every case kept to its bound."""
        return all(measure.passed for measure in self.worst.values())

    def __str__(self) -> str:
        arguments = ", ".join(inspect.signature(getattr(optim, self.name)).parameters)
        figures = " | ".join(
            f"{found.worst:.1f} of {found.bound:.1f} ({found.tensor})"
            for found in (self.worst[dtype] for dtype in DTYPES)
        )
        nearest = NEAREST[self.name]
        apart = "" if self.gap is None else f"{self.gap:.1g}"
        call = f"`{nearest.call}`: " if nearest.call else ""
        return (
            f"| `{self.name}` | {arguments} | {self.cases} | {figures} "
            f"| {call}{nearest.instead} | {apart} |"
        )


HEADER = (
    "| optimiser | PyTorch's arguments | cases | float32 | float64 | Optax instead "
    "| apart |\n|---|---|--:|---|---|---|--:|"
)


def rows(
    names: Sequence[str], on_progress: Callable[[str], None] = lambda text: None
) -> Iterator[Row]:
    """Judge every case of the optimisers: 100 steps from each start."""
    for name in names:
        cases = [case for case in CASES if case.name == name]
        worst: dict[str, Measure] = {}
        for case in cases:
            for dtype in DTYPES:
                on_progress(f"{case} in {dtype}")
                for found in judge(case, dtype):
                    if dtype not in worst or _share(found) > _share(worst[dtype]):
                        worst[dtype] = found
        yield Row(name, len(cases), worst, _optax_gap(name))


def _share(found: Measure) -> float:
    return found.worst / found.bound


def _optax_gap(name: str) -> float | None:
    make = NEAREST[name].make
    shape = (4, 6) if name in ("adafactor", "muon") else (8,)
    return None if make is None else gap(make(), OptimizerCase(name), shape=shape)
