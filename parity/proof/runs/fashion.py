"""Levels 2 and 3: whole runs on Fashion-MNIST from the same seed."""

from collections.abc import Iterator
from dataclasses import replace

from jaxtrain.data import Dataset
from parity.proof.runs import runs
from parity.proof.runs.fashion_cases import CASES, FashionCase
from parity.proof.runs.histories import part_of
from parity.proof.runs.runs import fashion_mnist
from parity.proof.verdict import OnProgress, Task, Verdict

NAMES = tuple(case.name for case in CASES)
EPOCH = 938
"""Steps: 60,000 images in batches of 64, the last of 32."""
CONTROL_STEPS = 100


def verdicts(task: Task, on_progress: OnProgress) -> Iterator[Verdict]:
    """Each case's two runs.

    Raises:
        DataError: Fashion-MNIST is not here.
    """
    for case in CASES:
        if case.name in task.names and case.config.loop.dtype in task.dtypes():
            on_progress(f"{case.name} in both frameworks")
            sized, dataset = _sized(case, task.steps)
            run = _run(sized)
            pair = runs.twins(run, dataset)
            config = f"{len(pair.reference.losses)} steps, {_recipe(sized)}"
            yield from runs.verdicts(run, pair, config)


def control() -> Verdict:
    """The tutorial's run with a learning rate that is one percent too high."""
    case, dataset = _sized(CASES[0], CONTROL_STEPS)
    run, chosen = _run(case), case.config.optimizer
    off = replace(case.config, optimizer=replace(chosen, lr=1.01 * chosen.lr))
    pair = runs.twins(run, dataset, off)
    return next(runs.verdicts(run, pair, f"{CONTROL_STEPS} steps"))


def _sized(case: FashionCase, steps: int | None) -> tuple[FashionCase, Dataset]:
    """The case and its images for so many steps; above an epoch, whole ones."""
    dataset = fashion_mnist()
    if steps is None:
        return case, dataset
    if steps < EPOCH:
        batch = case.config.data.batch_size
        dataset = part_of(dataset, steps * batch, len(dataset.test))
    return case.for_epochs(-(-steps // EPOCH)), dataset


def _run(case: FashionCase) -> runs.Run:
    wide = case.config.loop.dtype == "float64"
    return runs.Run(
        "fashion",
        case.name,
        case.config,
        "float64 run" if wide else "float32 run",
        case.bound,
        case.reason,
        case.accuracy_bound,
    )


def _recipe(case: FashionCase) -> str:
    chosen = case.config.optimizer
    return f"{chosen.name}(lr={chosen.lr:g}), seed {case.config.loop.seed}"
