"""The command in this process, and in one of its own."""

import os
import signal
import subprocess
import sys
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from toys import ENTRY_POINTS, PROGRAM, TOY, Command, Ran, Start

import jaxtrain
from jaxtrain.commands import fashion
from jaxtrain.data import Dataset


@pytest.fixture(scope="session")
def plugins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which a package with backends is installed."""
    folder = tmp_path_factory.mktemp("plugins")
    info = folder / "toy-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: toy\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(ENTRY_POINTS)
    (folder / "toy.py").write_text(TOY)
    (folder / "toy_incomplete.py").write_text("import no_such_package")
    (folder / "toy_mismatched.py").write_text(
        "raise RuntimeError('nms is not\\nthere')"
    )
    return folder


@pytest.fixture
def command(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    plugins: Path,
    tiny: Dataset,
) -> Command:
    """Runs the command in this process, on a tiny data set."""
    monkeypatch.syspath_prepend(plugins)
    monkeypatch.setattr(fashion, "load", lambda source, on_progress: tiny)

    def run(text: str, *more: str | Path) -> Ran:
        argv = [*text.split(), *map(str, more)]
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "a warning")
            status = fashion.main(argv)
        return Ran(status, *capsys.readouterr())

    return run


@pytest.fixture
def unread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has a test fail that gets as far as reading the data."""

    def load(*args: Any, **more: Any) -> None:
        pytest.fail("the data was read before the refusal")

    monkeypatch.setattr(fashion, "load", load)


@pytest.fixture
def environment(plugins: Path) -> dict[str, str]:
    """Of a process that finds the plug-in, and buffers its output as usual."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    path = os.pathsep.join(map(str, (plugins, Path(jaxtrain.__file__).parents[1])))
    return kept | {"PYTHONPATH": path, "COLUMNS": "80", "TERM": "xterm"}


@pytest.fixture
def start(environment: dict[str, str]) -> Iterator[Start]:
    """Starts the command in a process of its own, and leaves none behind."""
    running = []

    def begin(
        text: str, *more: str | Path, prefix: Sequence[str] = (), **options: Any
    ) -> subprocess.Popen[str]:
        settings: dict[str, Any] = {
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            "env": environment,
            "text": True,
        }
        argv = [*prefix, sys.executable, "-c", PROGRAM, *text.split(), *map(str, more)]
        running.append(subprocess.Popen(argv, **settings | options))
        return running[-1]

    # A caller that ignores Ctrl-C, as a shell's & does, or the end of its terminal, as
    # nohup does, would hand that down.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    hangup = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield begin
    signal.signal(signal.SIGINT, before)
    signal.signal(signal.SIGHUP, hangup)
    for each in running:
        with each:
            each.kill()
