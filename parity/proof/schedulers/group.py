"""Every scheduler on the host: learning rates and momenta, bit for bit."""

from collections.abc import Iterator
from dataclasses import replace

from parity.proof.schedulers.cases import CASES, PLATEAU, STEP, SchedulerCase
from parity.proof.schedulers.values import (
    STEPS,
    our_values,
    torch_values,
    unequal_steps,
)
from parity.proof.verdict import OnProgress, Task, Verdict

ALL = (*CASES, *PLATEAU)
NAMES = tuple(dict.fromkeys(case.name for case in ALL))
REASON = (
    "the same operations in Python's floats, in the same order: no rounding to allow"
)


def verdicts(task: Task, on_progress: OnProgress) -> Iterator[Verdict]:
    """How many steps are not PyTorch's to the last bit, in three groups at once."""
    if not task.dtypes(("float64",)):
        return
    for name in task.names:
        for case in task.chosen(case for case in ALL if case.name == name):
            on_progress(str(case))
            yield _verdict(case, case, task.steps or STEPS)


def control() -> Verdict:
    """A rate that falls one step late."""
    case = STEP[2]
    late = replace(case, args={**case.args, "step_size": case.args["step_size"] + 1})
    return _verdict(case, late, 60)


def _verdict(case: SchedulerCase, our_case: SchedulerCase, steps: int) -> Verdict:
    rates, momenta = torch_values(case, steps)
    our_rates, our_momenta = our_values(our_case, steps)
    wrong = len(unequal_steps(rates, our_rates))
    if our_momenta is not None:
        wrong += len(unequal_steps(momenta, our_momenta))
    config = f"{str(case).removeprefix(case.name)}, {len(rates)} steps"
    measure = "values that differ"
    return Verdict(
        "schedulers",
        case.name,
        config,
        "float64",
        "same bits",
        measure,
        float(wrong),
        0.0,
        REASON,
    )
