"""Correct ports: not one is called wrong, in either type."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

sys.path.append(str(Path(__file__).parent / "correct"))

from correct_inputs import INPUTS
from correct_ports import CORRECT as PORTS

from parity.doctor import diagnose
from parity.port import Case, compare

CORRECT = (*PORTS, *INPUTS)
SEEN = 1e-12
"""Worst relative difference of all of them: 3e-13, in a bias before a normalisation."""


@pytest.mark.parametrize("make", CORRECT, ids=lambda make: make.__name__)
def test_no_false_alarm_in_float64(make: Callable[[], Case]) -> None:
    report = compare(make(), stop=False)
    assert report.passed, str(report)
    assert max(row.error for row in report.rows) < SEEN
    assert {row.step for row in report.rows} == set(range(report.steps))


@pytest.mark.parametrize("make", CORRECT[::3], ids=lambda make: make.__name__)
def test_no_false_alarm_in_float32(make: Callable[[], Case]) -> None:
    report = compare(make(), stop=False, dtype="float32")
    assert report.passed, str(report)


def test_the_doctor_finds_nothing_in_a_correct_port() -> None:
    found = diagnose(CORRECT[0]())
    assert found.report is not None
    assert found.report.passed
    assert found.trials == ()
    assert found.cause is None


def test_there_are_twenty() -> None:
    assert len(CORRECT) >= 20
