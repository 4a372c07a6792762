"""Every function through one call: outputs, gradients, statistics and draws."""

from collections.abc import Iterator

from parity.proof.functional.cases import CASES
from parity.proof.functional.judge import judge
from parity.proof.functional.twins import TWINS
from parity.proof.verdict import OnProgress, Task, Verdict

NAMES = tuple(dict.fromkeys(case.name for case in CASES))

__all__ = ["CASES", "NAMES", "TWINS", "verdicts"]


def verdicts(task: Task, on_progress: OnProgress) -> Iterator[Verdict]:
    """Every tensor of each call."""
    for name in task.names:
        cases = task.choose(case for case in CASES if case.name == name)
        for dtype in task.dtypes(("float64", "float32")):
            on_progress(f"{name} in {dtype}")
            yield from judge(cases, dtype)
