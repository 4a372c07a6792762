"""The value and every gradient of every loss."""

from collections.abc import Iterator
from typing import Any

from jaxtrain import losses
from parity.proof.losses import judge
from parity.proof.losses.cases import CASES, NAMES
from parity.proof.verdict import OnProgress, Task, Verdict

__all__ = ["NAMES", "control", "verdicts"]

REASONS = {
    "float64": "relative to the largest term: a few thousand roundings, no formula",
    "float32": "8 units of the largest term, some ten roundings, or PyTorch's error",
}
UNITS = {"float64": "relative", "float32": "ulps"}


def verdicts(task: Task, on_progress: OnProgress) -> Iterator[Verdict]:
    """Every tensor of each case; a loss's cases are compiled together."""
    for name in task.names:
        cases = task.chosen(case for case in CASES if case.name == name)
        for dtype in task.dtypes():
            on_progress(f"{name} in {dtype}")
            yield from map(_verdict, judge.judge(cases, dtype))


def control() -> Verdict:
    """A loss that is a hundred-thousandth too large."""

    def off(case: Any) -> Any:
        right = getattr(losses, case.name)
        return lambda *args, **kwargs: right(*args, **kwargs) * (1 + 1e-5)

    case = next(case for case in CASES if case.name == "mse_loss")
    return _verdict(judge.judge([case], "float32", off)[0])


def _verdict(found: judge.Measure) -> Verdict:
    kind = "value" if found.tensor == "value" else f"d {found.tensor}"
    return Verdict(
        "losses",
        found.case.name,
        str(found.case).removeprefix(found.case.name),
        found.dtype,
        "one call",
        f"{kind}, {UNITS[found.dtype]}",
        found.worst,
        found.bound,
        REASONS[found.dtype],
    )
