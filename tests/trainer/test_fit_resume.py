"""A run that is broken off goes on bitwise, through every door, from every data."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

from resume_cases import CASES, fit

PROGRAM = Path(__file__).with_name("resume_cases.py")


def broken_off(case: str, out: Path, stops: Sequence[int]) -> list[str]:
    """What differs between a run that was stopped after so many steps, and none."""
    whole, weights = fit(case, None)
    report = []
    for steps in stops:
        before, _ = fit(case, out, steps)
        if not 0 < len(before) < len(whole):
            report.append(f"{case}: {len(before)} of {len(whole)} steps")
    again, after = fit(case, out)
    if again != whole:
        report.append(f"{case}: other losses")
    if not all(map(np.array_equal, after, weights)):
        report.append(f"{case}: other weights")
    if len(stops) > 1 and fit(case, out)[0] != whole:
        report.append(f"{case}: a finished run is not given as it is")
    return report


@pytest.mark.filterwarnings("ignore:epoch:UserWarning")
def test_a_run_stopped_in_mid_epoch_ends_as_one_that_was_not(tmp_path: Path) -> None:
    stops = {"outputs, arrays": [3, 5], "model, stream": [10], "step, arrays": [3]}
    report = []
    for case, after in stops.items():
        report += broken_off(case, tmp_path / case, after)
    assert report == []


@pytest.mark.long
@pytest.mark.filterwarnings("ignore:epoch:UserWarning")
@pytest.mark.parametrize("case", list(CASES))
def test_every_run_that_is_stopped_twice_goes_on_bitwise(
    tmp_path: Path, case: str
) -> None:
    assert broken_off(case, tmp_path / "out", [3, 5]) == []


def killed(case: str, out: Path, steps: int) -> None:
    """A run that ends by `kill -9`, gone on with, is compared with one that did not."""
    first = subprocess.run([sys.executable, PROGRAM, case, out, str(steps)])
    assert first.returncode == -9
    last = subprocess.run([sys.executable, PROGRAM, case, out], capture_output=True)
    assert last.returncode == 0, last.stderr
    losses, sums = json.loads(Path(f"{out}.json").read_text())
    whole, weights = fit(case, None)
    assert losses == whole
    assert sums == [weight.tobytes().hex() for weight in weights]


def test_a_streaming_run_that_is_killed_goes_on_bitwise(tmp_path: Path) -> None:
    killed("outputs, threads", tmp_path / "out", 4)


@pytest.mark.long
@pytest.mark.parametrize("case", list(CASES))
@pytest.mark.parametrize("steps", [2, 7, 9])
def test_every_run_that_is_killed_goes_on_bitwise(
    tmp_path: Path, case: str, steps: int
) -> None:
    killed(case, tmp_path / "out", steps)
