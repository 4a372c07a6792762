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
            part, dataset = _resize(case, task.steps)
            run = _run(part)
            pair = runs.twins(run, dataset)
            config = f"{len(pair.reference.losses)} steps, {_recipe(part)}"
            yield from runs.verdicts(run, pair, config)


def control() -> Verdict:
    """The tutorial's run with a learning rate that is one percent too high."""
    case, dataset = _resize(CASES[0], CONTROL_STEPS)
    run, settings = _run(case), case.config.optimizer
    off = replace(case.config, optimizer=replace(settings, lr=1.01 * settings.lr))
    pair = runs.twins(run, dataset, off)
    return next(runs.verdicts(run, pair, f"{CONTROL_STEPS} steps"))


def _resize(case: FashionCase, steps: int | None) -> tuple[FashionCase, Dataset]:
    """The case and its images for so many steps; above an epoch, whole ones."""
    dataset = fashion_mnist()
    if steps is None:
        return case, dataset
    if steps < EPOCH:
        batch = case.config.data.batch_size
        dataset = part_of(dataset, steps * batch, len(dataset.test))
    return case.for_epochs(-(-steps // EPOCH)), dataset


def _run(case: FashionCase) -> runs.RunCase:
    wide = case.config.loop.dtype == "float64"
    return runs.RunCase(
        "fashion",
        case.name,
        case.config,
        "float64 run" if wide else "float32 run",
        case.bound,
        case.reason,
        case.accuracy_bound,
    )


def _recipe(case: FashionCase) -> str:
    settings = case.config.optimizer
    return f"{settings.name}(lr={settings.lr:g}), seed {case.config.loop.seed}"
