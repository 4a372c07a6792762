"""`python -m parity docs layers`: the worst tensor of each layer after three steps."""

import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import jax

from jaxtrain import nn
from parity.proof.layers.cases import CASES
from parity.proof.layers.judge import Measure, measures

DTYPES = ("float64", "float32")


@dataclass(frozen=True)
class Row:
    """One line of the documentation's table."""

    name: str
    cases: int
    worst: dict[str, Measure]
    """The tensor nearest to its bound, for each type."""
    flax: str
    """What Flax does instead, where it is known."""

    @property
    def passed(self) -> bool:
        """Whether every tensor of every case kept to its bound."""
        return all(measure.passed for measure in self.worst.values())

    def __str__(self) -> str:
        wide, narrow = (self.worst[dtype] for dtype in DTYPES)
        own = {"self", "generator", "dtype", "args", "kwargs"}
        parameters = inspect.signature(getattr(nn, self.name).__init__).parameters
        arguments = ", ".join(name for name in parameters if name not in own)
        return (
            f"| `{self.name}` | {arguments} | {self.cases} | {wide.worst:.1g} "
            f"({wide.tensor}) | {narrow.worst:.1f} of {narrow.bound:.1f} "
            f"({narrow.tensor}) | {self.flax} |"
        )


HEADER = (
    "| layer | arguments | cases | float64, relative | float32, ulps | Flax instead |\n"
    "|---|---|--:|---|---|---|"
)


def rows(
    names: Sequence[str], on_progress: Callable[[str], None] = lambda text: None
) -> Iterator[Row]:
    """Judge every case of each layer in both types, and sum up."""
    for name in names:
        cases = [case for case in CASES if case.name == name]
        worst = {}
        for dtype in DTYPES:
            on_progress(f"{name} in {dtype}")
            with jax.enable_x64(dtype == "float64"):
                found = measures(cases, dtype)
            worst[dtype] = max(found, key=lambda m: m.worst / m.bound)
        yield Row(name, len(cases), worst, cases[0].flax)
