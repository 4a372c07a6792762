"""Deliberately broken ports: each is detected, in the right place, for its cause."""

import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

sys.path.append(str(Path(__file__).parent / "broken"))

from broken_hidden import HIDDEN
from broken_models import MODELS
from broken_optimizers import OPTIMIZERS
from broken_port import Broken
from broken_recipes import RECIPES

from parity.doctor import Diagnosis, diagnose

PORTS = (*OPTIMIZERS, *MODELS, *RECIPES, *HIDDEN)


@pytest.mark.parametrize("port", PORTS, ids=lambda port: port.name)
def test_the_defect_is_found_and_named(port: Broken) -> None:
    found = diagnose(port.make())
    assert not _passes(found), "not detected"
    assert _place(found)[:2] == (port.step, port.kind)
    if port.tensor is not None:
        assert _place(found)[2] == port.tensor
    assert found.cause == port.cause, str(found)


def _passes(found: Diagnosis) -> bool:
    return found.report is not None and found.report.passed


def _place(found: Diagnosis) -> tuple[int, str, str]:
    if found.report is None:
        return 0, "map", ""
    first = found.report.first
    assert first is not None
    return first.step, first.kind, first.name


def test_there_are_enough_and_no_two_alike() -> None:
    assert len(PORTS) >= 40
    assert len({port.name for port in PORTS}) == len(PORTS)


def test_the_smallest_departure_is_far_above_the_bound() -> None:
    """A float32 schedule is the subtlest: a hundred times the bound."""
    port = next(port for port in PORTS if port.name == "schedule in float32")
    report = diagnose(port.make()).report
    assert report is not None
    assert report.first is not None
    assert report.first.error > 100 * report.first.bound
