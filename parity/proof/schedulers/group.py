"""Every scheduler on the host: learning rates and momenta, bit for bit."""

from collections.abc import Iterator

from parity.proof.schedulers.cases import CASES, PLATEAU
from parity.proof.schedulers.twins import TWINS
from parity.proof.schedulers.values import STEPS, judge, our_values
from parity.proof.verdict import OnProgress, Task, Verdict

__all__ = ["NAMES", "TWINS", "verdicts"]

ALL = (*CASES, *PLATEAU)
NAMES = tuple(dict.fromkeys(case.name for case in ALL))


def verdicts(task: Task, on_progress: OnProgress) -> Iterator[Verdict]:
    """How many steps are not PyTorch's to the last bit, in three groups at once."""
    if not task.dtypes(("float64",)):
        return
    steps = task.steps or STEPS
    for name in task.names:
        for case in task.choose(case for case in ALL if case.name == name):
            on_progress(str(case))
            yield judge(case, our_values(case, steps), steps)
