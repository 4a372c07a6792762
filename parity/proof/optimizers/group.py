"""Level 1 for every optimiser: one step, from PyTorch's own state and gradient."""

from collections.abc import Iterator

from parity.proof.optimizers.cases import CASES
from parity.proof.optimizers.one_step import judge
from parity.proof.optimizers.twins import TWINS
from parity.proof.verdict import OnProgress, Task, Verdict

__all__ = ["CASES", "NAMES", "TWINS", "verdicts"]

# L-BFGS looks at all parameters and several losses: its tests are its own.
NAMES = tuple(dict.fromkeys(case.name for case in CASES))
STEPS = 100


def verdicts(task: Task, on_progress: OnProgress) -> Iterator[Verdict]:
    """The parameter and every state tensor of each case, at their worst step."""
    for name in task.names:
        cases = task.choose(case for case in CASES if case.name == name)
        for dtype in task.dtypes():
            on_progress(f"{name} in {dtype}")
            yield from judge(cases, dtype, task.steps or STEPS)
