"""The table is whole, and every test that it names is there and is run."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from fault_rows import Fault
from fault_table import BESIDES, CHECKPOINT, COMMAND, DATA, FAULTS, RUN, TWINS

TESTS = Path(__file__).parents[1]


@cache
def found(file: str) -> dict[str, bool]:
    """Name of each test in a file -> whether all of it is left to the long ones."""
    body = ast.parse((TESTS / file).read_bytes()).body
    assert "pytestmark" not in {name for node in body for name in assigned(node)}
    return {
        node.name: any("mark.long" in ast.unparse(each) for each in decorators(node))
        for node in body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def assigned(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, ast.Assign):
        yield from (ast.unparse(target) for target in node.targets)


def decorators(node: ast.FunctionDef) -> Iterator[ast.expr]:
    """Those of the whole test: a mark inside of `parametrize` is of one case."""
    for each in node.decorator_list:
        inner = each.func if isinstance(each, ast.Call) else each
        yield inner


def is_long(test: str) -> bool:
    file, _, name = test.partition("::")
    assert name in found(file), f"there is no {test}"
    return found(file)[name]


def test_the_faults_are_all_there() -> None:
    parts = [(DATA, 1, 18), (COMMAND, 19, 32), (CHECKPOINT, 33, 46), (RUN, 47, 52)]
    for part, first, last in parts:
        assert [fault.number for fault in part] == [*range(first, last + 1)]
    assert len({fault.what for fault in FAULTS}) == 52


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: str(fault.number))
def test_the_tests_of_a_fault_are_there_and_run(fault: Fault) -> None:
    assert fault.what
    assert fault.outcome
    assert fault.tests
    assert len({*fault.tests, *fault.long}) == len(fault.tests) + len(fault.long)
    assert [test for test in fault.tests if is_long(test)] == []
    assert all(map(is_long, fault.long))


def test_every_test_of_faults_is_in_the_table() -> None:
    """The other way round, so that no fault is shown and not told."""
    named = {test for fault in FAULTS for test in fault.tests}
    here = [path.name for path in (TESTS / "faults").glob("test_fault_*.py")]
    shown = {
        f"faults/{file}::{name}"
        for file in here
        if file != Path(__file__).name
        for name in found(f"faults/{file}")
    }
    assert shown - named == {*BESIDES, *TWINS}


def test_a_test_that_is_gone_is_noticed() -> None:
    """The broken twin of the table."""
    with pytest.raises(AssertionError, match="there is no data/test_data_idx"):
        is_long("data/test_data_idx.py::test_faults_are_not_named")
    with pytest.raises(FileNotFoundError):
        is_long("data/test_data_no.py::test_faults_are_named")
