"""The ports of `tests/port`, broken and correct: a golden file is as good as PyTorch.

Row by row the same is found, with PyTorch hidden, as with PyTorch at the port's side.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

PORTS = Path(__file__).parents[1] / "port"
sys.path += [str(PORTS), str(PORTS / "broken"), str(PORTS / "correct")]

from broken_hidden import HIDDEN
from broken_models import MODELS
from broken_optimizers import OPTIMIZERS
from broken_recipes import RECIPES
from correct_inputs import INPUTS
from correct_ports import CORRECT

from parity.golden import Playback, golden_pairs, make_golden, read, write
from parity.golden.stale import first_change
from parity.port import Case, MapError
from parity.port.comparison import batch_pairs, record_from
from parity.port.torch_run import LiveRun

BROKEN = (*OPTIMIZERS, *MODELS, *RECIPES, *HIDDEN)
ALL: dict[str, Callable[[], Case]] = {
    **{port.name: port.make for port in BROKEN},
    **{make.__name__: make for make in (*CORRECT, *INPUTS)},
}


def check_port(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    case = ALL[name]()
    pairs = list(batch_pairs(case, None))
    theirs = [batch for batch, _ in pairs if batch is not None]
    torch.manual_seed(0)
    live = found(LiveRun(case.torch, "float64"), case, pairs)
    torch.manual_seed(0)
    write(folder / "a", make_golden(case.torch, theirs, "float64"))
    golden = read(folder / "a")
    assert first_change(golden, case.torch, theirs) == ""
    own = pairs
    if case.jax.batches is not None:
        own = list(golden_pairs(golden, case, None))
    monkeypatch.setitem(sys.modules, "torch", None)
    assert found(Playback(golden), case, own) == live


def found(original: Any, case: Case, pairs: Any) -> Any:
    """Everything that a report says, or why there is none."""
    try:
        report = record_from(original, case, pairs, "float64").report
    except MapError as error:
        return str(error)
    return report.to_dict()


@pytest.mark.parametrize("name", list(ALL)[::16])
def test_a_few(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check_port(name, tmp_path, monkeypatch)


@pytest.mark.long
@pytest.mark.parametrize("name", ALL)
def test_all(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check_port(name, tmp_path, monkeypatch)


def test_the_comparison_would_see_a_row_that_is_another() -> None:
    case = CORRECT[0]()
    pairs = list(batch_pairs(case, None))
    other = [(2 * x, y) for x, y in case.batches]
    reports = [
        found(LiveRun(case.torch, "float64"), case, given)
        for given in (pairs, list(zip(other, other, strict=True)))
    ]
    assert reports[0] != reports[1]
