"""Runs that are killed at any moment: the next start goes on, to the same end."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

ARGUMENTS = (
    *("--data", "synthetic", "--limit-batches", "24", "--batch-size", "32"),
    *("--hidden", "24", "--dropout", "0.1", "--shuffle", "--epochs", "3"),
    *("--optimizer", "adam", "--ema", "0.9", "--augment", "random_horizontal_flip"),
    *("--save-every", "0", "--monitor", "4", "--resume", "auto"),
)
TIMES = {
    "crc32",
    "train_seconds",
    "test_seconds",
    "seconds",
    "samples_per_second",
    "memory",
}
OWN = {"started", "resumed", "saved"}
"""Rows that tell of the process and not of the run."""


def command(out: Path, *more: str) -> list[str]:
    module = [sys.executable, "-m", "jaxtrain.fashion"]
    return [*module, *ARGUMENTS, "--out", str(out), *more]


def environment(tmp_path: Path) -> dict[str, str]:
    return {**os.environ, "JAXTRAIN_CACHE": str(tmp_path / "cache")}


def finished(arguments: Sequence[str], tmp_path: Path) -> str:
    done = subprocess.run(
        arguments,
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def started(arguments: Sequence[str], tmp_path: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        arguments,
        env=environment(tmp_path),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def killed(arguments: Sequence[str], tmp_path: Path, after: float) -> None:
    """A process that is killed after so many seconds, unless it has ended by then."""
    process = started(arguments, tmp_path)
    try:
        process.communicate(timeout=after)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate(timeout=300)


def rows_of(out: Path) -> int:
    steps = out / "steps.csv"
    return len(steps.read_text().splitlines()) - 1 if steps.exists() else 0


def left(out: Path) -> dict[str, Any]:
    """All that a run leaves, but for times."""
    last = max((out / "checkpoints").glob("step-*"))
    rows = [
        json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()
    ]
    return {
        "state": (last / "state.safetensors").read_bytes(),
        "rows": [
            {key: value for key, value in row.items() if key not in TIMES}
            for row in rows
            if row.get("kind") not in OWN
        ],
        "steps": (out / "steps.csv").read_text(),
        "predictions": (out / "predictions.npz").read_bytes(),
    }


@pytest.fixture(autouse=True)
def interrupts() -> Iterator[None]:
    """A shell starts what runs in its background with SIGINT ignored; not so here."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="module")
def undisturbed(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[dict[str, Any], float]:
    """What the run leaves if nobody kills it, and how long it takes."""
    folder = tmp_path_factory.mktemp("undisturbed")
    start = time.monotonic()
    finished(command(folder / "run"), folder)
    return left(folder / "run"), time.monotonic() - start


def check_killed(tmp_path: Path, undisturbed: Any, moments: Sequence[float]) -> None:
    expected, length = undisturbed
    out = tmp_path / "run"
    for moment in moments:
        killed(command(out), tmp_path, moment * length)
    finished(command(out), tmp_path)
    found = left(out)
    assert found["rows"] == expected["rows"]
    assert found == expected


def test_killed_once_early_and_once_late(tmp_path: Path, undisturbed: Any) -> None:
    check_killed(tmp_path, undisturbed, (0.6, 0.9))


@pytest.mark.long
@pytest.mark.parametrize("seed", range(60))
def test_killed_at_a_random_moment(seed: int, tmp_path: Path, undisturbed: Any) -> None:
    check_killed(tmp_path, undisturbed, (random.Random(seed).uniform(0.1, 1.1),))


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)]
)
def test_a_signal_saves_first(
    number: signal.Signals, status: int, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    arguments = command(out, "--save-every", "inf", "--epochs", "4000")
    process = started(arguments, tmp_path)
    while rows_of(out) < 50 and process.poll() is None:
        time.sleep(0.02)
    process.send_signal(number)
    _, errors = process.communicate(timeout=300)
    assert process.returncode == status
    assert len(errors.splitlines()) == 1
    newest = max((out / "checkpoints").glob("step-*")).name
    assert newest == f"step-{rows_of(out):08d}"
