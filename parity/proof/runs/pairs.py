"""Level 2: optimisers under schedulers, free-running in float64, at every step."""

from collections.abc import Iterator

from jaxtrain.data import Dataset
from parity.proof.runs import runs
from parity.proof.runs.fashion_cases import FLOAT64_BOUND, FLOAT64_REASON
from parity.proof.runs.histories import part_of
from parity.proof.runs.pairs_cases import BATCHES, PAIRS, configure
from parity.proof.runs.runs import images
from parity.proof.verdict import OnProgress, Task, Verdict

NAMES = tuple("+".join(pair) for pair in PAIRS)
STEPS = 500
CONTROL_STEPS = 60


def verdicts(task: Task, on_progress: OnProgress) -> Iterator[Verdict]:
    """Each pair's two runs on a small part of the images."""
    if not task.dtypes(("float64",)):
        return
    steps = task.steps or STEPS
    # Whole epochs.
    steps -= steps % BATCHES if steps > BATCHES else 0
    for name in task.names:
        on_progress(f"{name}, {steps} steps in both frameworks")
        run = _run(name, steps)
        pair = runs.twins(run, _dataset(steps))
        yield from runs.verdicts(run, pair, _describe(steps))


def control() -> Verdict:
    """A rate that falls by a ten-millionth less than it should."""
    run = _run("sgd+step_lr", CONTROL_STEPS)
    off = configure("sgd", "step_lr", CONTROL_STEPS, gamma=0.7000001)
    pair = runs.twins(run, _dataset(CONTROL_STEPS), off)
    return next(runs.verdicts(run, pair, _describe(CONTROL_STEPS)))


def _run(name: str, steps: int) -> runs.RunCase:
    optimizer, scheduler = name.split("+")
    config = configure(optimizer, scheduler, steps)
    level = "float64 run"
    return runs.RunCase("pairs", name, config, level, FLOAT64_BOUND, FLOAT64_REASON)


def _dataset(steps: int) -> Dataset:
    return part_of(images(), 64 * min(steps, BATCHES), 64)


def _describe(steps: int) -> str:
    kind = "drawn images, no Fashion-MNIST" if images().synthetic else "Fashion-MNIST"
    return f"{steps} steps on {64 * min(steps, BATCHES)} of {kind}"
