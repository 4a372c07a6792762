"""A case whose original is made when it is first asked for."""

import sys
from dataclasses import replace
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from ported import batches, original, port

import parity


def test_it_is_made_once_and_only_when_it_is_asked_for() -> None:
    made: list[parity.TorchSide] = []

    def make() -> parity.TorchSide:
        made.append(original())
        return made[-1]

    case = parity.Case(make, port(), batches())
    assert "Case(jax=" in repr(case)
    assert made == []
    assert case.torch is case.torch is made[0]
    assert len(made) == 1
    assert replace(case, weights="compare").torch is made[0]


def test_a_side_that_is_made_already_is_taken_as_it_is() -> None:
    side = original()
    assert parity.Case(side, port(), batches()).torch is side


def test_what_the_function_returns_is_checked_each_time() -> None:
    case = parity.Case(lambda: None, port(), batches())  # type: ignore[arg-type, return-value]
    for _ in range(2):
        with pytest.raises(TypeError, match="returns must be a TorchSide, not None"):
            _ = case.torch


def test_a_model_is_no_function_that_makes_a_side() -> None:
    model: Any = original().model
    with pytest.raises(TypeError, match="must be a TorchSide, not Sequential"):
        parity.Case(model, port(), batches())


def test_other_names_are_not_there() -> None:
    case = parity.Case(original, port(), batches())
    with pytest.raises(AttributeError, match="'trch'"):
        _ = case.trch  # type: ignore[attr-defined]


def test_both_sides_take_the_batches_of_the_original_where_there_are_no_others() -> (
    None
):
    """A generator is gone through once."""

    def make() -> parity.TorchSide:
        return replace(original(), batches=iter(batches()))

    shared = parity.compare(parity.Case(make, port()))
    assert shared.passed, str(shared)
    assert shared.rows == parity.compare(original(), port(), batches()).rows
    with pytest.raises(ValueError, match="there are no batches"):
        parity.compare(parity.Case(original, port()))


def test_a_case_can_be_had_without_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    case = parity.Case(original, port(), batches())
    with pytest.raises(ImportError, match="torch"):
        _ = case.torch
