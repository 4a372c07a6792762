"""Every layer through three training steps: outputs, gradients and buffers."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import jax

from parity.proof.layers import judge
from parity.proof.layers.cases import CASES, NAMES, LayerCase
from parity.proof.verdict import OnProgress, Task, Verdict

__all__ = ["NAMES", "control", "verdicts"]

REASONS = {
    "float64": "relative to the largest element: a few thousand roundings, no formula",
    "float32": (
        "units of the largest element: 4, or twice what moves as each operation is "
        "rounded at random, by no more than it may be on any machine"
    ),
}
UNITS = {"float64": "relative", "float32": "ulps"}


def verdicts(task: Task, on_progress: OnProgress) -> Iterator[Verdict]:
    """Every tensor of each case, at its worst step."""
    for name in task.names:
        cases = task.chosen(case for case in CASES if case.name == name)
        for dtype in task.dtypes(("float64", "float32")):
            on_progress(f"{name} in {dtype}")
            yield from _judged(cases, dtype)


def control() -> Verdict:
    """PyTorch's exact GELU against the form with tanh."""

    def other(case: LayerCase, dtype: str) -> Any:
        args = {**case.args, "approximate": "tanh"}
        return judge.our_layer(replace(case, args=args), dtype)

    case = next(c for c in CASES if c.name == "GELU" and "approximate" not in c.args)
    return next(_judged([case], "float32", other))


def _judged(
    cases: list[LayerCase],
    dtype: str,
    build: judge.Build = judge.our_layer,
) -> Iterator[Verdict]:
    with jax.enable_x64(dtype == "float64"):
        found = judge.measures(cases, dtype, build)
    yield from map(_verdict, found)


def _verdict(found: judge.Measure) -> Verdict:
    return Verdict(
        "layers",
        found.case.name,
        str(found.case).removeprefix(found.case.name),
        found.dtype,
        "one call",
        f"{found.tensor}, {UNITS[found.dtype]}",
        found.worst,
        found.bound,
        REASONS[found.dtype],
    )
