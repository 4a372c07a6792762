"""The same steps in float32: rounded as well as PyTorch's.

A file of its own, so that another process can take it.
"""

import pytest

pytest.importorskip("torch")

from layers_judged import cases_of, failures

from parity.proof.layers.cases import NAMES

SOME = 3
"""Argument sets of each layer that are judged at every change."""


@pytest.mark.parametrize("name", NAMES)
def test_some_are_rounded_as_well(name: str) -> None:
    assert failures(cases_of(name)[:SOME], "float32") == ""


@pytest.mark.long
@pytest.mark.parametrize("name", NAMES)
def test_all_are_rounded_as_well(name: str) -> None:
    rest = cases_of(name)[SOME:]
    assert len(rest) > 1
    assert failures(rest, "float32") == ""
