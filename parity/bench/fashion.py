"""`python -m parity bench fashion`: whole processes, run in turn."""

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from jaxtrain import data
from jaxtrain.errors import ConfigError


@dataclass(frozen=True)
class Program:
    """A command whose whole run is timed."""

    name: str
    command: tuple[str, ...]


@dataclass(frozen=True)
class Timing:
    """Wall times of one program, a value for each round."""

    name: str
    seconds: tuple[float, ...]
    first_loss: tuple[float, ...]
    """Seconds until it printed its first loss."""


def programs(root: Path, epochs: int, model: str) -> tuple[Program, ...]:
    """JAX first; the others are what it is measured against."""
    python, count = sys.executable, str(epochs)
    return (
        Program(
            "jaxtrain.fashion",
            (python, "-m", "jaxtrain.fashion", "--epochs", count, "--model", model),
        ),
        Program(
            "PyTorch, the tutorial's loop",
            (python, "-um", "parity.bench.tutorial_loop", str(root), count, model),
        ),
        Program(
            "PyTorch, preloaded tensors",
            (python, "-um", "parity.bench.preloaded_loop", str(root), count, model),
        ),
    )


def measure(
    epochs: int = 10,
    rounds: int = 3,
    model: str = "mlp",
    on_progress: Callable[[str], None] = lambda text: None,
) -> list[Timing]:
    """Run every program once a round, in turn.

    Raises:
        ConfigError: the data is not in the cache, or a program fails.
    """
    folder = data.load().folder
    if folder is None:
        raise ConfigError("the benchmark needs Fashion-MNIST in a writable cache")
    todo = programs(folder.parents[1], epochs, model)
    runs: dict[str, list[tuple[float, float]]] = {p.name: [] for p in todo}
    for turn in range(rounds):
        for program in todo:
            on_progress(f"round {turn + 1} of {rounds}: {program.name}")
            runs[program.name].append(_time(program))
    return [
        Timing(name, *(tuple(column) for column in zip(*times, strict=True)))
        for name, times in runs.items()
    ]


def _time(program: Program) -> tuple[float, float]:
    start, first_loss = time.perf_counter(), 0.0
    with subprocess.Popen(program.command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        for line in child.stdout:
            if not first_loss and line.startswith("loss:"):
                first_loss = time.perf_counter() - start
    if child.returncode or not first_loss:
        raise ConfigError(f"{' '.join(program.command)} failed")
    return time.perf_counter() - start, first_loss


def table(timings: list[Timing]) -> str:
    """Medians, and each program's time over the first one's, round by round."""
    ours = timings[0]
    lines = [f"{'program':<30}{'seconds':>9}{'first loss':>12}{'ratio':>8}  from to"]
    for timing in timings:
        pairs = zip(timing.seconds, ours.seconds, strict=True)
        ratios = sorted(theirs / mine for theirs, mine in pairs)
        lines.append(
            f"{timing.name:<30}{statistics.median(timing.seconds):>9.2f}"
            f"{statistics.median(timing.first_loss):>12.2f}"
            f"{statistics.median(ratios):>8.2f}  {ratios[0]:.2f} to {ratios[-1]:.2f}"
        )
    return "\n".join(lines)
