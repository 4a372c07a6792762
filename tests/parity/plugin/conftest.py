"""Runs of pytest within a test, with PyTorch and where there is none."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

HIDDEN = "import sys\nsys.modules['torch'] = None\n"
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def run_pytest(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """(folder, *arguments, torch=True) -> the finished run; warnings are errors."""
    hiding = tmp_path_factory.mktemp("hiding")
    # Run by the interpreter before anything else.
    (hiding / "sitecustomize.py").write_text(HIDDEN)

    def run(
        folder: Path, *arguments: str, torch: bool = True
    ) -> subprocess.CompletedProcess[str]:
        # By name only, whether the package's entry point is installed or not.
        environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        environment["PYTHONPATH"] = "" if torch else str(hiding)
        chosen = ("-p", "parity.plugin", "-p", "no:cacheprovider", "-W", "error")
        return subprocess.run(
            [sys.executable, "-m", "pytest", "--rootdir=.", *chosen, *arguments],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
        )

    return run
