"""Atomic files: killed or out of space, the old file stays; the plain way loses it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from jaxtrain import files

KILLED = """
import os, signal, sys
from jaxtrain import files
with (files.open_atomic if sys.argv[2] == "atomic" else lambda p: open(p, "wb"))(
    sys.argv[1]
) as file:
    file.write(b"new" * 1000)
    file.flush()
    os.kill(os.getpid(), signal.SIGKILL)
"""

FULL = """
import resource, sys
from jaxtrain import files
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    if sys.argv[2] == "atomic":
        files.write_bytes(sys.argv[1], b"new" * 1000)
    else:
        with open(sys.argv[1], "wb") as file:
            file.write(b"new" * 1000)
except OSError as error:
    print(error.strerror)
"""


def run(script: str, *args: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", script, *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, timeout=30)


@pytest.fixture
def old(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    return path


def test_the_new_content_replaces_the_old(old: Path) -> None:
    files.write_text(old, "grün\r\n")
    assert old.read_bytes() == "grün\r\n".encode()
    assert os.listdir(old.parent) == ["file"]


def test_an_error_in_the_block_changes_nothing(old: Path) -> None:
    def fail() -> None:
        with files.open_atomic(old) as file:
            file.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert old.read_bytes() == b"old"
    assert os.listdir(old.parent) == ["file"]


@pytest.mark.parametrize(("way", "left"), [("atomic", b"old"), ("plain", b"new")])
def test_killed_while_writing(old: Path, way: str, left: bytes) -> None:
    """The plain way is the broken twin: it has destroyed the old file."""
    assert run(KILLED, old, way).returncode == -signal.SIGKILL
    assert old.read_bytes()[:3] == left
    files.remove_leftovers(old.parent)
    assert os.listdir(old.parent) == ["file"]


@pytest.mark.parametrize(("way", "left"), [("atomic", b"old"), ("plain", b"new")])
def test_no_room_for_the_file(old: Path, way: str, left: bytes) -> None:
    assert run(FULL, old, way).stdout == "File too large\n"
    assert old.read_bytes()[:3] == left
    assert os.listdir(old.parent) == ["file"]


def test_the_umask_decides_who_may_read(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        files.write_bytes(tmp_path / "file", b"")
    finally:
        os.umask(before)
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o640


def test_a_link_is_replaced_and_its_target_kept(old: Path) -> None:
    link = old.with_name("link")
    link.symlink_to(old)
    files.write_bytes(link, b"new")
    assert (link.is_symlink(), link.read_bytes()) == (False, b"new")
    assert old.read_bytes() == b"old"


def test_impossible_targets_raise_and_leave_nothing(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(IsADirectoryError):
        files.write_bytes(tmp_path / "folder", b"")
    with pytest.raises(FileNotFoundError):
        files.write_bytes(tmp_path / "missing" / "file", b"")
    assert os.listdir(tmp_path) == ["folder"]


def test_leftovers_are_told_from_other_files(tmp_path: Path) -> None:
    for name in (".a.123.part", "a.part", ".b"):
        (tmp_path / name).write_bytes(b"")
    files.remove_leftovers(tmp_path)
    assert sorted(os.listdir(tmp_path)) == [".b", "a.part"]
