"""Readers need no lock, and cope with a run that saves and removes meanwhile."""

import os
import subprocess
import sys
from pathlib import Path
from subprocess import PIPE

import pytest
from checkpoint_content import is_right, save

from jaxtrain.errors import ConfigError
from jaxtrain.store.checkpoint import Checkpoint, Store, read
from jaxtrain.store.checkpoint import store as _find
from jaxtrain.store.codec import Damage


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "run"


READER = """
import sys
from pathlib import Path
from checkpoint_content import is_right
from jaxtrain.store.checkpoint import read, store
again = 0
real = store._search_once
def counted(root, best):
    global again
    again += 1
    return real(root, best)
store._search_once = counted
last = 0
for count in range(400):
    found, problems = read(sys.argv[1], best=count % 2 == 1)
    assert is_right(found) and not problems, (found, problems)
    assert found.step >= last, (found.step, last)
    last = found.step
print(again - 400, "times begun again, to step", last)
"""


def test_a_reader_copes_with_a_writer(root: Path) -> None:
    """Each save takes away what the other process may be reading."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    command = [sys.executable, "-c", READER, str(root)]
    with Store.open(root, keep=1) as store:
        save(store, 0, score=10_000.0)
        with subprocess.Popen(
            command, env=environment, text=True, stdout=PIPE, stderr=PIPE
        ) as reader:
            step = 0
            while reader.poll() is None:
                step += 1
                save(store, step, score=10_000.0 - step)
            assert reader.stdout is not None
            assert reader.stderr is not None
            assert reader.stderr.read() == ""
            print(reader.stdout.read(), f"of {step}")
    assert step > 10


@pytest.mark.parametrize("best", [False, True])
def test_what_goes_while_it_is_read_is_not_damaged(
    root: Path, monkeypatch: pytest.MonkeyPatch, best: bool
) -> None:
    real, tried = _find.read_folder, []

    def slow(path: Path) -> Checkpoint:
        if not tried:
            with monkeypatch.context() as writer:  # which reads what it wrote
                writer.setattr(_find, "read_folder", real)
                save(store, 2, score=1.0)  # removes 1, which is asked for
        tried.append(path.name)
        return real(path)

    with Store.open(root, keep=1) as store:
        save(store, 1, score=2.0)
        monkeypatch.setattr(_find, "read_folder", slow)
        found, problems = read(root, best)
    assert is_right(found, 2)
    assert problems == []
    assert tried == ["step-00000001", "step-00000002"]


def test_a_folder_that_never_rests_is_one_line(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Store.open(root, keep=1) as store:
        save(store, 1)
        real = _find.read_folder

        def always_late(path: Path) -> None:
            with monkeypatch.context() as writer:
                writer.setattr(_find, "read_folder", real)
                save(store, int(path.name[-3:]) + 1)
            raise Damage("is gone")

        monkeypatch.setattr(_find, "read_folder", always_late)
        with pytest.raises(ConfigError, match=r"changes faster than it can be read$"):
            read(root)
