"""Level 3: free runs in float32, judged by how far PyTorch's own runs part."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from jaxtrain.data import Dataset
from jaxtrain.run.config import Config
from jaxtrain.run.history import History
from parity.proof.runs.histories import history, part_of
from parity.proof.runs.noise import (
    FACTOR,
    distance,
    history_with_nudge,
    history_with_thread,
    leave_one_out,
)
from parity.proof.runs.noise_cases import CASES
from parity.proof.runs.runs import LEARNS, images, learns
from parity.proof.verdict import OnProgress, Task, Twins, Verdict

NAMES = tuple(CASES)
STEPS = 150
EPOCH = 500
"""Steps in an epoch at most."""
RUNS, MOST_RUNS = 16, 32
"""PyTorch's that are rounded otherwise: in full, and where it takes more of them."""
RATE_ERRORS = (1e-2, 1e-3, 1e-4, 1e-5, 1e-6)
"""Of the broken twins, relative; the largest must be seen."""
CONTROL, CONTROL_STEPS, CONTROL_RUNS = "mlp+sgd", 30, 8

OURS = "|Δloss| / PyTorch's own"
THEIRS = "PyTorch's own, left out"
REASON = (
    "in units of how far PyTorch's runs part that start an ulp away, and not less than "
    "a few roundings of the loss; at twice that each of them passes by the others"
)
FAIR = "a bound that PyTorch's own runs do not keep to would judge nobody"
SHARP = "a judge that overlooks a rate one percent too high would prove nothing"


@dataclass(frozen=True)
class Noise:
    """PyTorch's run of a configuration, and its runs that are rounded otherwise."""

    config: Config
    dataset: Dataset
    reference: History
    others: list[History]

    def distance(self, candidate: History) -> float:
        """In units of how far PyTorch's runs part."""
        return distance(self.reference, self.others, candidate)


def verdicts(task: Task, on_progress: OnProgress) -> Iterator[Verdict]:
    """Ours by PyTorch's noise, PyTorch's own runs by it, and what it would not miss."""
    if not task.dtypes(("float32",)):
        return
    for name in task.names:
        on_progress(f"{name}: PyTorch against itself")
        noise = _noise(name, task.steps or STEPS, task.limit)
        on_progress(f"{name}: in JAX")
        ours = history(noise.config, noise.dataset, "jax")
        on_progress(f"{name}: broken twins")
        yield from _judge(name, noise, ours)


def control() -> Verdict:
    """A rate that is one percent too high."""
    noise = _noise(CONTROL, CONTROL_STEPS, CONTROL_RUNS)
    off = history(with_rate(noise.config, RATE_ERRORS[0]), noise.dataset, "jax")
    return next(_judge(CONTROL, noise, off))


def _noise(name: str, steps: int, runs: int | None) -> Noise:
    config = CASES[name]
    epochs = -(-steps // EPOCH)
    config = replace(config, loop=replace(config.loop, epochs=epochs))
    batch = config.data.batch_size
    dataset = part_of(images(), batch * min(steps, EPOCH), batch)
    reference = history(config, dataset, "torch")
    # Another order of adding up is worth a run, but slow on a busy machine.
    others = [history_with_thread(config, dataset)] if runs is None else []
    while len(others) < (runs or RUNS) or (
        # When a rounding first turns is chance: a run that is alone with it needs
        # more of its kind beside it before their distance is known.
        len(others) < MOST_RUNS and max(leave_one_out(reference, others)) > FACTOR
    ):
        others.append(history_with_nudge(config, dataset, seed=len(others)))
    return Noise(config, dataset, reference, others)


def _judge(name: str, noise: Noise, ours: History) -> Iterator[Verdict]:
    pair = Twins(name, noise.reference, ours, FACTOR, tuple(noise.others))
    blank = Verdict(
        "noise", name, _describe(noise), "float32", "float32 run", "", 0.0, 0.0, ""
    )

    def verdict(measure: str, value: float, bound: float, reason: str) -> Verdict:
        return replace(blank, measure=measure, value=value, bound=bound, reason=reason)

    ours_of = noise.distance(ours)
    yield replace(verdict(OURS, ours_of, FACTOR, REASON), twins=pair)
    own = max(leave_one_out(noise.reference, noise.others))
    yield verdict(THEIRS, own, FACTOR, FAIR)
    yield verdict("least rate error seen", least_error(noise), RATE_ERRORS[0], SHARP)
    yield verdict("learns nothing", float(not learns(pair)), 0.0, LEARNS)


def least_error(noise: Noise) -> float:
    """The smallest error of the rate, of those tried in turn, that breaks the bound.

    Infinite where none does. The twins are PyTorch's: nothing else is wrong in them.
    """
    least = float("inf")
    for error in RATE_ERRORS:
        twin = history(with_rate(noise.config, error), noise.dataset, "torch")
        if noise.distance(twin) <= FACTOR:
            break
        least = error
    return least


def with_rate(config: Config, error: float) -> Config:
    """The same run with a rate that is too high by a part of itself."""
    settings = config.optimizer
    return replace(config, optimizer=replace(settings, lr=settings.lr * (1 + error)))


def _describe(noise: Noise) -> str:
    kind = "drawn images, no Fashion-MNIST" if images().synthetic else "Fashion-MNIST"
    steps, runs = len(noise.reference.losses), len(noise.others)
    return f"{steps} steps, {runs} noisy runs, {kind}"
