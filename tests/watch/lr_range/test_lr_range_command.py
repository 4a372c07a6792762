"""The command prints a suggestion, draws a picture, or says in one line why not."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from jaxtrain.commands import lr_range as command
from jaxtrain.data import Dataset
from jaxtrain.watch.lr_range import RangeTest, smooth

PROG = "python -m jaxtrain.lr_range"
QUICK = ["--hidden", "8", "--lr", "5", "--steps", "40"]
QUICK += ["--scheduler", "step_lr", "--scheduler-args", "step_size=3"]


@pytest.fixture(autouse=True)
def _little_data(garments: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "load", lambda source, on_progress: garments)


def test_a_table_and_a_suggestion(capsys: pytest.CaptureFixture[str]) -> None:
    given = [*QUICK, "--optimizer", "adam", "--least", "1e-6", "--greatest", "100"]
    assert command.main(given) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    title, head, first, *rest = captured.out.splitlines()
    assert title == (
        "Range test: adam, MLP 784-8-10, cross_entropy, synthetic, batches of 64"
    )
    assert head.split() == ["lr", "loss", "smoothed"]
    assert first.split()[0] == "1e-06"
    assert rest[-1].startswith("Suggestion: --lr 0.0")
    # Whole numbers of tenfold steps, and the last step.
    assert 5 <= sum(line.startswith(" ") for line in rest) <= 9


def test_a_loss_that_never_falls(capsys: pytest.CaptureFixture[str]) -> None:
    given = [*QUICK, "--loss", "hinge_loss", "--loss-args", "margin=-9"]
    assert command.main(given) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == "The loss falls at no rate: see python -m jaxtrain.fashion --check"


def test_a_loss_that_is_never_finite() -> None:
    nothing = np.empty(0)
    test = RangeTest(nothing, nothing, nothing, None, True)
    assert len(list(command._table(test))) == 1
    assert len(list(command._words(test))) == 1


REFUSED = [
    (["--least", "low"], "--least must be a number, but got 'low'"),
    (["--least", "0"], "rates must grow from above 0 to at most 1e+38, but got 0.0 to"),
    (["--greatest", "1e-9"], "rates must grow from above 0 to at most 1e+38, but got"),
    (["--steps", "1e3"], "--steps must be a whole number, but got '1e3'"),
    (["--steps", "5"], "steps must be from 10 to 100000, but got 5"),
    (["--optimiser", "adam"], "unknown option '--optimiser': did you mean '--optim"),
    (["--lr", "fast"], "--lr must be a number, but got 'fast'"),
    (["--least"], "--least: expected one argument"),
    (["--history", "x.json"], "--history is of no use here: a range test keeps no"),
    (["--backend", "torch"], "--backend torch: a range test runs in JAX"),
]


@pytest.mark.parametrize(("given", "message"), REFUSED)
def test_what_is_not_possible_is_one_line(
    given: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["--hidden", "8", *given]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f"{PROG}: error: {message}")
    assert captured.err.count("\n") == 1


def test_a_picture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    image = pytest.importorskip("matplotlib.image")
    path = tmp_path / "rates.png"
    assert command.main([*QUICK, "--picture", str(path)]) == 0
    assert capsys.readouterr().err == ""
    red, green, blue = np.moveaxis(image.imread(path)[..., :3], -1, 0)
    # The curve is blue, the suggestion red.
    assert ((blue > 0.6) & (red < 0.3)).sum() > 300
    assert ((red > 0.7) & (green < 0.4) & (blue < 0.4)).sum() > 300
    other = tmp_path / "no such folder" / "rates.png"
    assert command.main([*QUICK, "--picture", str(other)]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert f"--picture {other}: there is no folder" in err


def test_a_picture_without_matplotlib_is_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert command.main([*QUICK, "--picture", "x.png"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == (
        f"{PROG}: error: --picture needs matplotlib, which is not installed: "
        "pip install 'jaxtrain[plots]'\n"
    )


def test_a_blown_up_test_is_drawn(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    from jaxtrain.commands.lr_range import drawing
    from jaxtrain.show import charts

    losses = np.array([2.0, 1.0, 1e30, 1e38])
    test = RangeTest(np.geomspace(1e-3, 1, 4), losses, smooth(losses), None, True)
    charts.save(drawing(test, "a title"), "it", tmp_path / "rates.svg", "--picture")
    assert "a title" in (tmp_path / "rates.svg").read_text()


def test_the_program_itself() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "jaxtrain.lr_range", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    code = f"import {command.__name__} as c, sys; sys.exit('jax' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
    for flag in ("--least X", "--greatest X", "--steps N", "--picture FILE", "--model"):
        assert flag in done.stdout
