"""The tables of the documentation speak of what there is."""

import inspect
import re
from pathlib import Path

import pytest

from jaxtrain import losses, optim

DOCS = Path(__file__).parents[1] / "docs"


def rows(name: str) -> dict[str, list[str]]:
    """First cell -> the other cells."""
    lines = re.findall(
        r"^\| `(\w+)` \|(.*)\|$", (DOCS / name).read_text(), re.MULTILINE
    )
    return {key: [cell.strip() for cell in rest.split("|")] for key, rest in lines}


def test_every_optimiser_has_a_row_with_its_arguments() -> None:
    found = rows("optimizers.md")
    assert set(found) == set(optim.OPTIMIZERS)
    for name, cells in found.items():
        arguments = ", ".join(inspect.signature(getattr(optim, name)).parameters)
        assert cells[0] == arguments


def test_every_loss_has_a_row() -> None:
    assert set(rows("losses.md")) == set(losses.__all__)


def test_every_layer_of_the_cases_has_a_row() -> None:
    from parity.proof.layers.cases import NAMES

    assert set(rows("layers.md")) == set(NAMES)


def test_every_function_of_the_cases_has_a_row() -> None:
    from parity.proof.functional.cases import CASES

    assert set(rows("functional.md")) == {case.name for case in CASES}


def test_the_counts_are_those_of_the_cases() -> None:
    pytest.importorskip("torch")
    from parity.proof.functional.cases import CASES as FUNCTION_CASES
    from parity.proof.layers.cases import CASES as LAYER_CASES
    from parity.proof.losses.cases import CASES as LOSS_CASES
    from parity.proof.optimizers.cases import CASES

    tables = {
        "optimizers.md": CASES,
        "losses.md": LOSS_CASES,
        "layers.md": LAYER_CASES,
        "functional.md": FUNCTION_CASES,
    }
    for table, cases in tables.items():
        for name, cells in rows(table).items():
            if name != "lbfgs":
                assert int(cells[1]) == sum(case.name == name for case in cases), name
