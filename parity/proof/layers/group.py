"""Every layer through three training steps: outputs, gradients and buffers."""

from collections.abc import Iterator

from parity.proof.layers.cases import CASES, NAMES
from parity.proof.layers.judge import judge
from parity.proof.layers.twins import TWINS
from parity.proof.verdict import OnProgress, Task, Verdict

__all__ = ["CASES", "NAMES", "TWINS", "verdicts"]


def verdicts(task: Task, on_progress: OnProgress) -> Iterator[Verdict]:
    """Every tensor of each case, at its worst step."""
    for name in task.names:
        cases = task.choose(case for case in CASES if case.name == name)
        for dtype in task.dtypes(("float64", "float32")):
            on_progress(f"{name} in {dtype}")
            yield from judge(cases, dtype)
