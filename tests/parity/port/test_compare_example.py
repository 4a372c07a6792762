"""The worked example finds its three bugs, as the documentation shows."""

import re
import runpy
from pathlib import Path

import pytest

pytest.importorskip("torch")

from parity.doctor import diagnose

ROOT = Path(__file__).parents[3]
BUGS = {
    (): ("output", "flatten order"),
    ("flattening",): ("buffer", "momentum of normalisation"),
    ("flattening", "normalisation"): ("lr", "per epoch or per step"),
}


@pytest.fixture(scope="module")
def case() -> object:
    return runpy.run_path(str(ROOT / "examples" / "compare_your_port.py"))["case"]


@pytest.mark.parametrize("mended", BUGS, ids=str)
def test_each_bug_is_found(case: object, mended: tuple[str, ...]) -> None:
    found = diagnose(case(*mended))  # type: ignore[operator]
    assert found.report is not None
    assert found.report.first is not None
    assert (found.report.first.kind, found.cause) == BUGS[mended]


def test_mended_it_is_equal(case: object) -> None:
    found = diagnose(case("flattening", "normalisation", "schedule"))  # type: ignore[operator]
    assert found.report is not None
    assert found.report.passed, str(found)


def test_the_documentation_shows_these_causes() -> None:
    text = (ROOT / "docs" / "compare.md").read_text()
    causes = re.findall(r"^cause: (.*)$", text, re.MULTILINE)
    assert causes == [cause for _, cause in BUGS.values()]
