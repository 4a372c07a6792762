"""Every example runs, and what it claims to print it prints."""

import subprocess
import sys
from pathlib import Path

import pytest

from jaxtrain.data import Dataset

EXAMPLES = Path(__file__).parents[1] / "examples"


def test_train_mlp(fashion_mnist: Dataset) -> None:
    del fashion_mnist  # The example needs it; asking for it skips where it is not.
    script = EXAMPLES / "train_mlp.py"
    done = subprocess.run(
        [sys.executable, script, "1"], capture_output=True, text=True, check=True
    )
    lines = done.stdout.splitlines()
    assert lines[0] == "Epoch 1"
    assert lines[2] == "loss: 2.305311  [   64/60000]"
    assert lines[-2].startswith(" Accuracy: 49.5%, Avg loss: 2.1625")


def test_compare_curves(tmp_path: Path) -> None:
    picture = tmp_path / "curves.png"
    chosen = "--data synthetic --epochs 1 --hidden 8 --optimizer sgd(lr=0.1) adam()"
    argv = [sys.executable, EXAMPLES / "compare_curves.py", picture, *chosen.split()]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    titles = [line.partition(":")[0] for line in done.stdout.splitlines()]
    assert titles == ["sgd(lr=0.1)", "adam()"]
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda p: p.name)
def test_every_example_is_short_and_has_a_test(path: Path) -> None:
    assert len(path.read_text().splitlines()) < 120
    tests = Path(__file__).parent.rglob("test_*.py")
    assert any(path.name in test.read_text() for test in tests)
