"""`python -m parity` as its users run it."""

import pytest

pytest.importorskip("torch")
pytest.importorskip("torchvision")

from jaxtrain import optim
from parity import optimizers
from parity.__main__ import main
from parity.bench.optimizers import interval, names
from parity.cases.optax_nearest import NEAREST
from parity.one_step import Measure


def test_the_table_of_optimisers(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["optimizers", "sgd"]) == 0
    header, rule, row = capsys.readouterr().out.splitlines()
    assert header.count("|") == rule.count("|") == row.count("|")
    assert "lr, momentum, dampening" in row


def test_a_row_beyond_its_bound_fails(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = [Measure("param", worst=40.0, own=1.0)]
    monkeypatch.setattr(optimizers, "judge", lambda *args: broken)
    assert main(["optimizers", "sgd"]) == 1
    assert "40.0 of 4.0 (param)" in capsys.readouterr().out


def test_the_table_of_losses(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["losses", "l1_penalty"]) == 0
    header, rule, row = capsys.readouterr().out.splitlines()
    assert header.count("|") == rule.count("|") == row.count("|")
    assert row.startswith("| `l1_penalty` | params |")


def test_the_table_of_layers(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["layers", "GELU"]) == 0
    header, rule, row = capsys.readouterr().out.splitlines()
    assert header.count("|") == rule.count("|") == row.count("|")
    assert row.startswith("| `GELU` | approximate |")


@pytest.mark.parametrize(
    "command", ["optimizers", "losses", "layers", "bench optimizers"]
)
def test_an_unknown_name_is_one_line(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*command.split(), "sdg"]) == 2
    captured = capsys.readouterr()
    assert captured.out.count("\n") <= 3
    assert captured.err.count("\n") == 1
    assert "'sdg'" in captured.err


def test_a_benchmark_of_single_updates(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "optimizers", "sgd", "--pairs", "2"]) == 0
    *_, row = capsys.readouterr().out.splitlines()
    name, ours, theirs, ratio, low, _, high, *_ = row.split()
    assert name == "sgd"
    assert 0 < float(low) <= float(ratio) <= float(high)
    assert min(float(ours), float(theirs)) > 0


def test_everything_is_measured_against_something() -> None:
    assert set(NEAREST) == set(optim.OPTIMIZERS)
    assert set(optim.OPTIMIZERS) - set(names()) == {"asgd"}


def test_an_interval_holds_the_median() -> None:
    """Ranks 25 - 0.98·sqrt(50) and its mirror, as in tables for 50 values."""
    low, high = interval(range(50))
    assert (low, high) == (17, 32)
