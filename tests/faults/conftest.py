"""The command on tiny data, and the folder of a run that has ended."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from fault_runs import SAVING, Command, commands

from jaxtrain.commands import fashion
from jaxtrain.data import Dataset


@pytest.fixture
def command(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tiny: Dataset,
    tmp_path: Path,
) -> Iterator[Command]:
    with commands(monkeypatch, capsys, tiny, tmp_path) as run:
        yield run


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory, tiny: Dataset) -> Path:
    """The folder of a run that nothing disturbed: eight steps in two epochs."""
    out = tmp_path_factory.mktemp("whole") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fashion, "load", lambda source, on_progress: tiny)
        assert fashion.main([*SAVING.split(), "--out", str(out)]) == 0
    return out


@pytest.fixture
def ended(whole: Path, tmp_path: Path) -> Path:
    """A copy of it, to be spoilt."""
    return Path(shutil.copytree(whole, tmp_path / "run"))
