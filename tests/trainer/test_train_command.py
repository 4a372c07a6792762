"""`python -m jaxtrain.train FILE`: a recipe of the user's with flags."""

import json
from pathlib import Path

import pytest

from jaxtrain.commands.train import main

RECIPE = """
import numpy as np
from jaxtrain import Recipe, Trainer, losses, metrics, nn, optim

X = np.random.default_rng(0).normal(size=(50, 6)).astype(np.float32)
Y = X[:, :3].argmax(1)

def recipe():
    trainer = Trainer(
        nn.Sequential(nn.Linear(6, 3)), optim.sgd(lr=0.1), losses.cross_entropy,
        {"accuracy": metrics.accuracy},
    )
    return Recipe(trainer, (X, Y), (X, Y), {"epochs": 3, "batch_size": 8})
"""


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "own_recipe.py"
    path.write_text(RECIPE)
    return path


def test_a_recipe_is_trained_in_parts_as_at_once(
    recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(*flags: object) -> tuple[list[float], str]:
        history = tmp_path / "history.json"
        args = [recipe, "--history", history, *flags]
        assert main([str(arg) for arg in args]) == 0
        return json.loads(history.read_text())["losses"], capsys.readouterr().out

    whole, text = run("--seed", 3)
    assert "21 parameters" in text
    assert "epoch 3/3: training loss" in text
    assert "accuracy" in text
    out = tmp_path / "out"
    begun, _ = run("--seed", 3, "--out", out, "--epochs", 1)
    again, text = run("--seed", 3, "--out", out, "--resume", "auto")
    assert (begun, again) == (whole[:7], whole)
    assert "resumed after step 7" in text
    assert run("--seed", 4)[0] != whole


@pytest.mark.parametrize(
    ("content", "flags", "line"),
    [
        (None, (), "there is no file"),
        ("x = 1", (), "defines no function recipe()"),
        ("def recipe(): return 3", (), "must give a jaxtrain.Recipe"),
        (RECIPE, ("--epochz", "3"), "unrecognized arguments: --epochz"),
        (RECIPE, ("--resume", "auto"), "needs a run's folder"),
        (RECIPE, ("--history", "none/here"), "there is no folder none"),
    ],
)
def test_what_is_wrong_is_one_line(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    content: str | None,
    flags: tuple[str, ...],
    line: str,
) -> None:
    path = tmp_path / "other_recipe.py"
    if content is not None:
        path.write_text(content)
    assert main([str(path), *flags]) == 2
    error = capsys.readouterr().err
    assert error.startswith("python -m jaxtrain.train: error: ")
    assert line in error
    assert error.count("\n") == 1
