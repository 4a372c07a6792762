"""`python -m parity` as its users run it."""

import argparse
import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("torchvision")

from jaxtrain import optim
from parity.__main__ import main
from parity.bench.optimizers import interval, names
from parity.proof import command
from parity.proof.optimizers import one_step
from parity.proof.optimizers.optax_nearest import NEAREST


def test_the_table_of_optimisers(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["docs", "optimizers", "sgd"]) == 0
    header, rule, row = capsys.readouterr().out.splitlines()
    assert header.count("|") == rule.count("|") == row.count("|")
    assert "lr, momentum, dampening" in row


def test_a_row_beyond_its_bound_fails(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(one_step, "distances", lambda *args: {"param": 40.0})
    monkeypatch.setattr(one_step, "rounding", lambda *args: {"param": 1.0})
    assert main(["docs", "optimizers", "sgd"]) == 1
    assert "40.0 of 4.0 (param)" in capsys.readouterr().out


def test_the_table_of_losses(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["docs", "losses", "l1_penalty"]) == 0
    header, rule, row = capsys.readouterr().out.splitlines()
    assert header.count("|") == rule.count("|") == row.count("|")
    assert row.startswith("| `l1_penalty` | params |")


def test_the_table_of_layers(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["docs", "layers", "GELU"]) == 0
    header, rule, row = capsys.readouterr().out.splitlines()
    assert header.count("|") == rule.count("|") == row.count("|")
    assert row.startswith("| `GELU` | approximate |")


@pytest.mark.parametrize(
    "command",
    [
        *("docs optimizers", "docs losses", "docs layers", "bench optimizers"),
        *(f"{group} --names" for group in ("optimizers", "layers", "all", "core")),
        "docs",
        "optimizers --dtype",
        "bench fashion --model",
    ],
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


def test_without_a_command_it_is_the_core(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[argparse.Namespace] = []

    def run(options: argparse.Namespace) -> int:
        asked.append(options)
        return 0

    monkeypatch.setattr(command, "run", run)
    for given in ([], ["--json", "a"], ["core"], ["all", "--full"]):
        assert main(given) == 0
    assert [one.command for one in asked] == ["core", "core", "core", "all"]
    assert [one.json for one in asked] == [None, "a", None, None]
    assert [one.full for one in asked] == [False, False, False, True]


@pytest.mark.parametrize(
    ("given", "steps", "names"),
    [
        (["fashion"], 938, {"tutorial", "float64"}),
        (["fashion", "--epochs", "10"], 9380, {"tutorial", "float64"}),
        (["fashion", "--full", "--names", "shuffle"], None, {"shuffle"}),
        (["core"], 938, {"tutorial"}),
    ],
)
def test_how_much_of_fashion_is_judged(
    given: list[str],
    steps: int | None,
    names: set[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[argparse.Namespace] = []
    monkeypatch.setattr(command, "run", lambda options: bool(asked.append(options)))
    main(given)
    task = command.tasks(asked[0])["fashion"]
    assert (task.steps, {*task.names}) == (steps, names)


def test_everything_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found, page = tmp_path / "found.json", tmp_path / "page.html"
    files = ["--json", str(found), "--html", str(page)]
    assert main(["rng", "--names", "randperm", "bernoulli", *files]) == 0
    content = json.loads(found.read_text())
    assert content["passed"] is True
    assert {case["name"] for case in content["cases"]} == {"randperm", "bernoulli"}
    assert all(case["passed"] for case in content["cases"])
    assert not any(case["passed"] for case in content["controls"])
    assert page.read_text().startswith("<!doctype html>")
    assert "equal: 12 measures" in capsys.readouterr().out
    assert sorted(p.name for p in tmp_path.iterdir()) == ["found.json", "page.html"]


@pytest.mark.parametrize("flag", ["--json", "--html"])
def test_a_file_that_cannot_be_written_is_refused_before_the_work(
    flag: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["rng", flag, str(tmp_path / "nowhere" / "file")]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert f"error: {flag} " in captured.err
    assert captured.err.count("\n") == 1


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("losses --steps 3", "losses take no steps"),
        ("pairs --steps 0", "must be a whole number from 1, not '0'"),
        ("schedulers --names step_lr --dtype float32", "nothing to judge in float32"),
        ("optimizers --nams sgd", "--nams"),
        ("doctor nowhere.py", "there is no file 'nowhere.py'"),
    ],
)
def test_what_cannot_be_judged_is_one_line(
    given: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(given.split()) == 2
    captured = capsys.readouterr()
    assert said in captured.err
    assert captured.err.count("\n") == 1
    assert "equal" not in captured.out.splitlines()


@pytest.mark.parametrize("given", [["rng"], ["docs", "losses"], ["doctor", "a.py"]])
def test_without_pytorch_it_says_what_to_install(
    given: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name: None if name == "torch" else find(name),
    )
    assert main(given) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "pip install 'jaxtrain[parity]'" in captured.err


def test_only_pictures_need_matplotlib(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    few = ["rng", "--names", "randperm"]
    assert main(few) == 0
    for flag, name in (("--html", "page.html"), ("--picture", "charts.svg")):
        capsys.readouterr()
        assert main([*few, flag, str(tmp_path / name)]) == 2
        out, err = capsys.readouterr()
        told = f"{flag} needs matplotlib, which is not installed: pip install"
        assert (out, err.count("\n"), told in err) == ("", 1, True)
    assert not [*tmp_path.iterdir()]


def test_names_choose_their_groups(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["all", "--names", "randperm", "step_lr", "--steps", "30"]) == 0
    out = capsys.readouterr().out.splitlines()
    # `randperm` is judged as a draw, and among what loaders draw.
    chosen = ["rng", "data", "schedulers"]
    assert [line for line in out if line in command.COMMANDS] == chosen


def test_help_waits_for_neither_framework() -> None:
    code = """
import sys
from parity.__main__ import main
try:
    main(["--help"])
except SystemExit:
    pass
print(sorted({"torch", "jax", "matplotlib"} & set(sys.modules)))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"
