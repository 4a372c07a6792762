"""The value and every gradient of every loss."""

from collections.abc import Iterator
from typing import Any

from jaxtrain import losses
from parity.proof.losses.cases import CASES, NAMES
from parity.proof.losses.judge import judge
from parity.proof.verdict import OnProgress, Task, Verdict

__all__ = ["CASES", "NAMES", "control", "verdicts"]


def verdicts(task: Task, on_progress: OnProgress) -> Iterator[Verdict]:
    """Every tensor of each case; a loss's cases are compiled together."""
    for name in task.names:
        cases = task.chosen(case for case in CASES if case.name == name)
        for dtype in task.dtypes():
            on_progress(f"{name} in {dtype}")
            yield from judge(cases, dtype)


def control() -> Verdict:
    """A loss that is a hundred-thousandth too large."""

    def off(case: Any) -> Any:
        right = getattr(losses, case.name)
        return lambda *args, **kwargs: right(*args, **kwargs) * (1 + 1e-5)

    case = next(case for case in CASES if case.name == "mse_loss")
    return judge([case], "float32", off)[0]
