"""The value and every gradient of every loss."""

from collections.abc import Iterator

from parity.proof.losses.cases import CASES, NAMES
from parity.proof.losses.judge import judge
from parity.proof.losses.twins import TWINS
from parity.proof.verdict import OnProgress, Task, Verdict

__all__ = ["CASES", "NAMES", "TWINS", "verdicts"]


def verdicts(task: Task, on_progress: OnProgress) -> Iterator[Verdict]:
    """Every tensor of each case; a loss's cases are compiled together."""
    for name in task.names:
        cases = task.choose(case for case in CASES if case.name == name)
        for dtype in task.dtypes():
            on_progress(f"{name} in {dtype}")
            yield from judge(cases, dtype)
