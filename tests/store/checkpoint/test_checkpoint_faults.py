"""Every call into the system fails in turn: the older checkpoints stay whole."""

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from checkpoint_content import folder, is_right, names, save, steps
from checkpoint_faults import (
    DENIED,
    FAULTY,
    FULL,
    READ_ONLY,
    READING,
    WRITING,
    Fault,
    broken,
    failing,
)

from jaxtrain.errors import ConfigError
from jaxtrain.store.checkpoint import Store, load
from jaxtrain.store.checkpoint import store as _store

OTHER = {"other": True}


def begin(root: Path) -> Store:
    with Store.open(root, keep=2) as store:
        save(store, 1, 2, 3)
    return store


def is_acceptable(store: Store, new: int) -> bool:
    """3 is there and whole, and if `new` is there, that too."""
    for path in map(store.root.joinpath, names(store.root)):
        found = path.name.startswith("step-") and load(path)
        if found and not (is_right(found) or found.meta == OTHER):
            return False
    latest = store.latest()
    return (
        latest is not None
        and latest.step in (3, new)
        and store.problems == []
        and (new == 3 or is_right(load(folder(store.root, 3)), 3))
    )


def attempt(root: Path, fault: Fault, calls: tuple[str, ...], new: int) -> str:
    """Save under the fault; the error, if it was one. The store must stand it."""
    shutil.rmtree(root, ignore_errors=True)
    begin(root)
    error = ""
    with Store.open(root, keep=2) as store:
        try:
            with broken(fault, calls):
                if new == 3:
                    store.save(3, {}, OTHER)
                else:
                    save(store, new)
        except (ConfigError, KeyboardInterrupt) as caught:
            error = str(caught)
        assert is_acceptable(store, new), (fault, error, names(root))
        left = [name for name in names(root) if name.startswith(".")]
        # What cannot be removed stays, and so does what is replaced by something that
        # may not be on disk; otherwise a failed save leaves nothing.
        if fault.hits == 1 and fault.last == "fsync" and left:
            assert [name[-4:] for name in left] == [".old"]
        elif fault.hits == 1 and fault.last not in REMOVING:
            assert left == [], (fault, error)
    with Store.open(root, keep=2) as store:
        assert is_acceptable(store, new), (fault, error, names(root))
        store.clear()
        assert [name for name in names(root) if name.startswith(".")] == []
        save(store, 4)
        assert is_right(store.latest(), 4)
        assert steps(root) == [3, 4]
    return error


# What rmtree itself is made of.
REMOVING = ("unlink", "rmdir", "open", "scandir", "stat", "lstat", "fstat", "close")


@pytest.mark.parametrize("new", [4, 3], ids=["a new step", "the same step"])
@pytest.mark.parametrize("sticky", [False, True], ids=["once", "from then on"])
@pytest.mark.parametrize("code", [FULL, READ_ONLY, DENIED, FAULTY])
def test_every_writing_call_fails_in_turn(
    tmp_path: Path, code: int, sticky: bool, new: int
) -> None:
    told = 0
    for at in range(1000):
        fault = Fault(at, failing(code), sticky)
        error = attempt(tmp_path / "run", fault, WRITING, new)
        if not fault.hits:
            break
        if error:
            told += 1
            assert "\n" not in error
            assert str(tmp_path / "run") in error
            assert error.endswith(f": {os.strerror(code)}")
    assert at > 25
    assert told > 20


@pytest.mark.parametrize("new", [4, 3])
def test_every_reading_call_fails_in_turn(tmp_path: Path, new: int) -> None:
    for at in range(1000):
        fault = Fault(at, failing(errno.EIO))
        attempt(tmp_path / "run", fault, READING, new)
        if not fault.hits:
            break
    assert at > 10


def interrupt() -> None:
    raise KeyboardInterrupt("interrupted")


@pytest.mark.parametrize("new", [4, 3], ids=["a new step", "the same step"])
def test_interrupted_at_every_call(tmp_path: Path, new: int) -> None:
    for at in range(1000):
        fault = Fault(at, interrupt)
        error = attempt(tmp_path / "run", fault, WRITING, new)
        # rmtree closes a folder again, which fails, and that hides the interrupt.
        assert error == "interrupted" * fault.hits or fault.last == "close"
        if not fault.hits:
            break
    assert at > 25


def test_a_write_that_fails_is_never_a_success(tmp_path: Path) -> None:
    for call in ("open", "write", "fsync", "mkdir", "rename"):
        fault = Fault(0, failing(FULL))
        assert attempt(tmp_path / "run", fault, (call,), 4).endswith(
            "No space left on device"
        )


def write_in_place(path: Path, files: dict[str, bytes]) -> None:
    shutil.rmtree(path, ignore_errors=True)
    _store.write_folder(path, files)


@pytest.mark.parametrize("new", [4, 3])
def test_writing_in_place_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, new: int
) -> None:
    """The broken twin: no temporary folder."""
    monkeypatch.setattr(_store, "_write", write_in_place)
    for at in range(1000):
        fault = Fault(at, failing(FULL))
        try:
            attempt(tmp_path / "run", fault, ("write",), new)
        except (AssertionError, ConfigError):
            continue
        break
    assert not fault.hits
    assert at >= 3


def vanish(root: Path) -> None:
    shutil.rmtree(root)


def become_a_file(root: Path) -> None:
    shutil.rmtree(root)
    root.write_bytes(b"")


@pytest.mark.parametrize("harm", [vanish, become_a_file])
def test_a_folder_that_goes_is_one_line(
    tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    root = tmp_path / "run"
    with Store.open(root) as store:
        save(store, 1)
        harm(root)
        with pytest.raises(ConfigError) as caught:
            save(store, 2)
        said = f"checkpoint {folder(root, 2)} cannot be written: "
        assert str(caught.value).startswith(said)
        assert root.exists() == (harm is become_a_file)


LIMITED = """
import resource, sys
from checkpoint_content import is_right, names, save
from jaxtrain.store.checkpoint import Store
from jaxtrain.run.by_name import ConfigError
with Store.open(sys.argv[1]) as store:
    save(store, 1)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500))
    try:
        save(store, 2)
    except ConfigError as error:
        print(error)
    assert is_right(store.latest(), 1)
    print(*names(store.root))
"""

FILLING = """
import sys
import numpy as np
from checkpoint_content import is_right, names, save
from jaxtrain.store.checkpoint import Store
from jaxtrain.run.by_name import ConfigError
with Store.open(sys.argv[1], keep=1) as store:
    save(store, 1)
    try:
        store.save(2, {"large": np.zeros(1_000_000)})
    except ConfigError as error:
        print(error)
    assert is_right(store.latest(), 1)
    save(store, 3)
    assert is_right(store.latest(), 3)
    print(*names(store.root))
"""


def run(*command: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    return subprocess.run(command, capture_output=True, text=True, env=environment)


def test_the_system_s_own_limit(tmp_path: Path) -> None:
    done = run(sys.executable, "-c", LIMITED, str(tmp_path))
    assert done.stderr == ""
    said, left = done.stdout.splitlines()
    assert said == (
        f"checkpoint {folder(tmp_path, 2)} cannot be written: File too large"
    )
    assert left == "step-00000001"


def test_a_disk_that_is_really_full(tmp_path: Path) -> None:
    """A file system of 256 kB, in a name space of its own."""
    mount = 'mount -t tmpfs -o size=256k none "$1" && exec "$2" -c "$3" "$1"'
    inside = ["unshare", "--map-root-user", "--mount", "sh", "-c", mount, "sh"]
    try:
        usable = run(*inside, str(tmp_path), "true", "").returncode == 0
    except FileNotFoundError:
        usable = False
    if not usable:
        pytest.skip("no name spaces for users here")
    done = run(*inside, str(tmp_path), sys.executable, FILLING)
    assert done.stderr == ""
    said, left = done.stdout.splitlines()
    assert said == (
        f"checkpoint {folder(tmp_path, 2)} cannot be written: No space left on device"
    )
    assert left == "step-00000003"
