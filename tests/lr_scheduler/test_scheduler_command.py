"""`python -m jaxtrain.lr_scheduler`: a schedule drawn, or one line why not."""

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from jaxtrain import lr_scheduler
from jaxtrain.commands import lr_scheduler as command
from jaxtrain.commands.lr_scheduler import NAMES, main


def drawn(command: str, capsys: pytest.CaptureFixture[str]) -> list[str]:
    assert main(command.split()) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    return captured.out.splitlines()


def test_a_line_for_the_rate_and_one_for_the_momentum(
    capsys: pytest.CaptureFixture[str],
) -> None:
    command = "one_cycle_lr --args max_lr=0.1 total_steps=30 anneal_strategy=linear"
    shown, rate, momentum = drawn(command, capsys)
    assert shown.startswith("one_cycle_lr(max_lr=0.1, ")
    assert rate == (
        "lr          ▁▂▃▄▅▆▇████▇▇▇▆▆▅▅▅▄▄▄▃▃▂▂▂▁▁▁  "
        "0.004 at step 0, highest 0.1 at step 8, 4e-07 at step 29"
    )
    assert momentum.startswith("momentum    ██▆▆▄▃▃▁▁▁▁▂▂")


def test_a_line_for_each_group(capsys: pytest.CaptureFixture[str]) -> None:
    command = "multi_step_lr --lr 0.1 0.01 --args milestones=2,4 --steps 6"
    shown, first, second = drawn(command, capsys)
    assert "milestones=[2, 4]" in shown
    assert first.split()[:2] == ["lr[0]", "██▁▁▁▁"]
    assert second.startswith("lr[1]")


@pytest.mark.parametrize("name", NAMES)
def test_every_name_can_be_drawn(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    needed = {
        "cosine_annealing_lr": "T_max=9",
        "cosine_annealing_warm_restarts": "T_0=9",
        "cyclic_lr": "base_lr=0.1 max_lr=1",
        "exponential_lr": "gamma=0.9",
        "geometric": "ratio=0.1 total_iters=9",
        "multi_step_lr": "milestones=3,6",
        "one_cycle_lr": "max_lr=1 total_steps=9",
        "step_lr": "step_size=3",
        "swa_lr": "swa_lr=0.05",
    }
    arguments = f" --args {needed[name]}" if name in needed else ""
    assert drawn(name + arguments, capsys)[0].startswith(f"{name}(")


def test_names_are_those_that_plain_arguments_suffice_for() -> None:
    functions = {name for name in lr_scheduler.__all__ if name.islower()}
    others = {
        "chained_scheduler",
        "lambda_lr",
        "multiplicative_lr",
        "reduce_lr_on_plateau",
        "sequential_lr",
    }
    assert functions - others == set(NAMES)
    assert set(lr_scheduler.SCHEDULERS) - others < set(NAMES)


REFUSED = [
    ("", "the following arguments are required: NAME"),
    ("stp_lr", "unknown scheduler 'stp_lr': did you mean 'step_lr'?"),
    ("step_lr", "scheduler step_lr needs an argument 'step_size': step_size=VALUE"),
    (
        "step_lr --args step_size=0",
        "scheduler step_lr: step_size must be positive, but got 0",
    ),
    (
        "step_lr --args stepsize=3",
        "scheduler step_lr takes no argument 'stepsize': did you mean 'step_size'?",
    ),
    (
        "step_lr --args step_size=3 step_size=4",
        "--args: step_size is given twice, as 3 and 4",
    ),
    (
        "step_lr --args 3",
        "--args: '3' is not of the form KEY=VALUE, as momentum=0.9 is",
    ),
    (
        "step_lr --lr fast --args step_size=3",
        "--lr must be numbers: could not convert string to float: 'fast'",
    ),
    (
        "step_lr --lr -1 --args step_size=3",
        "scheduler step_lr: Invalid learning rate: -1.0",
    ),
    (
        "step_lr --args step_size=3 --steps 0",
        "--steps must be a number from 1 to 1000000, but got '0'",
    ),
    (
        "step_lr --args step_size=3 --steps 1e3",
        "--steps must be a number from 1 to 1000000, but got '1e3'",
    ),
    (
        "one_cycle_lr --lr 1 --args max_lr=1 total_steps=9",
        "one_cycle_lr sets the learning rate itself: leave out --lr",
    ),
    (
        "one_cycle_lr --args max_lr=1 total_steps=9 --steps 11",
        "--steps 11: step 10 is one too many: the total number of steps is 9",
    ),
    (
        "one_cycle_lr --args max_lr=high total_steps=9",
        "scheduler one_cycle_lr: max_lr must be a number or a list of them, "
        "but got 'high' (given max_lr='high', total_steps=9)",
    ),
    ("step_lr --wrong", "unrecognized arguments: --wrong"),
    (
        "constant --plot no/such/folder.png",
        "--plot no/such/folder.png: No such file or directory",
    ),
]


@pytest.mark.parametrize(("command", "message"), REFUSED)
def test_what_is_not_possible_is_one_line(
    command: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(command.split()) == 2
    captured = capsys.readouterr()
    assert captured.err == f"python -m jaxtrain.lr_scheduler: error: {message}\n"


def test_a_picture_without_matplotlib_is_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert main(["constant", "--plot", "x.png"]) == 2
    assert "--plot needs matplotlib" in capsys.readouterr().err


def test_a_plot(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    image = pytest.importorskip("matplotlib.image")
    path = tmp_path / "picture.png"
    command = f"cyclic_lr --args base_lr=0.1 max_lr=1 step_size_up=9 --plot {path}"
    drawn(command, capsys)
    pixels = image.imread(path)
    # Two panels, neither blank: dark pixels in the upper and the lower half.
    for half in np.array_split(pixels[..., :3].min(axis=2), 2):
        assert (half < 0.7).sum() > 500
    other = tmp_path / "picture.foo"
    assert main(["constant", "--plot", str(other)]) == 2
    told = f"--plot {other} must end in a format's name: eps, jpg"
    assert told in capsys.readouterr().err
    assert not other.exists()


def test_a_plot_of_what_overflows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("matplotlib")
    path = tmp_path / "picture.png"
    command = f"exponential_lr --args gamma=10 --steps 400 --plot {path}"
    assert "▁?" in drawn(command, capsys)[1]
    assert path.stat().st_size > 1000


def test_a_peak_between_columns_is_shown() -> None:
    values = [0.0] * 1000
    values[503] = 1.0
    line = command.sparkline(values)
    assert len(line) == command.WIDTH
    assert line.count("█") == 1


def test_plain_characters_where_there_are_no_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    output = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", output)
    assert main(["step_lr", "--args", "step_size=50"]) == 0
    assert b" " + b"#" * 30 + b"_" * 30 + b" " in output.buffer.getvalue()  # type: ignore[attr-defined]


def test_the_program_itself() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "jaxtrain.lr_scheduler", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    assert all(name in done.stdout.replace("\n", " ") for name in NAMES)
