"""The built wheel, in an environment of its own that has no PyTorch."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a fresh environment with the wheel and nothing else."""
    place = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", place], check=True)
    python = place / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", ROOT], check=True)
    return python


def run(python: Path, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {key: os.environ[key] for key in os.environ if key != "PYTHONPATH"}
    return subprocess.run(
        [python, *arguments], cwd=cwd, env=environment, capture_output=True, text=True
    )


def test_torch_is_not_there(python: Path, tmp_path: Path) -> None:
    assert run(python, "-c", "import torch", cwd=tmp_path).returncode == 1


def test_it_trains_without_torch(python: Path, tmp_path: Path) -> None:
    done = run(
        python,
        *("-m", "jaxtrain.fashion", "--epochs", "1", "--data", "synthetic"),
        *("--hidden", "16", "--dropout", "0.1", "--shuffle", "--batch-size", "1000"),
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert "Done!" in done.stdout
    assert done.stderr == ""


def test_the_torch_backend_says_what_to_install(python: Path, tmp_path: Path) -> None:
    done = run(python, "-m", "jaxtrain.fashion", "--backend", "torch", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "needs torch" in done.stderr
    assert "pip install 'jaxtrain[parity]'" in done.stderr


def test_parity_says_what_to_install(python: Path, tmp_path: Path) -> None:
    done = run(python, "-m", "parity", "fashion", cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert "pip install 'jaxtrain[parity]'" in done.stderr


def test_the_package_says_that_it_is_typed(python: Path, tmp_path: Path) -> None:
    listing = (
        "from importlib.resources import files\n"
        "for name in ('jaxtrain', 'parity'):\n"
        "    print(files(name).joinpath('py.typed').is_file())\n"
    )
    assert run(python, "-c", listing, cwd=tmp_path).stdout.split() == ["True"] * 2


def test_the_console_script_is_there(python: Path, tmp_path: Path) -> None:
    script = python.parent / "jaxtrain-fashion"
    done = subprocess.run([script, "--help"], capture_output=True, text=True)
    assert done.returncode == 0
    assert "--backend" in done.stdout
