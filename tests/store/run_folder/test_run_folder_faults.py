"""A full disk, a folder that goes away, a second run: an error at once, in one line."""

import errno
import os
import shutil
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import run_events as toy

from jaxtrain.errors import ConfigError
from jaxtrain.store.run_folder import read_run

EVENTS = [*toy.story()]


class Disk:
    """Has room for so many writes, and for some bytes of the next one."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, room: int, more: int = 0):
        self.room, self.more, self.writes = room, more, 0
        self.real = os.write
        monkeypatch.setattr(os, "write", self.write)

    def write(self, handle: int, data: Any) -> int:
        self.writes += 1
        if self.writes <= self.room:
            return self.real(handle, data)
        if self.writes == self.room + 1 and self.more:
            return self.real(handle, data[: self.more])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def count_writes(monkeypatch: pytest.MonkeyPatch, out: Path) -> int:
    with monkeypatch.context() as patch:
        disk = Disk(patch, room=10**9)
        toy.write(out, tensorboard=True)
    return disk.writes


@pytest.mark.parametrize("more", [0, 30])
def test_a_full_disk_is_an_error_at_every_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: int
) -> None:
    monkeypatch.setattr(os, "fsync", lambda handle: None)
    writes = count_writes(monkeypatch, tmp_path / "whole")
    whole = (tmp_path / "whole" / "metrics.jsonl").read_text().splitlines()
    held = set()
    for room in range(writes):
        out = tmp_path / f"{room}"
        with monkeypatch.context() as patch:
            Disk(patch, room, more)
            with pytest.raises(ConfigError, match="cannot be written: No space left"):
                toy.write(out, tensorboard=True)
        # What was written before is whole, and a line that did not fit is not there.
        lines = (out / "metrics.jsonl").read_text().splitlines()
        assert lines[2:] == whole[2 : len(lines)]
        assert not read_run(out).torn
        for name in ("steps.csv", "epochs.csv"):
            text = (out / name).read_text() if (out / name).exists() else ""
            assert (tmp_path / "whole" / name).read_text().startswith(text)
            assert text[-1:] in ("", "\n")
        held.add(len(lines))
    # Each event failed in its turn.
    assert len(held) > 20
    assert max(held) == len(whole) - 1


@pytest.mark.parametrize("number", range(8))
def test_a_full_disk_at_a_file_that_is_written_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """config, metrics' head, event file, both tables, predictions."""
    done = 0

    def fsync(handle: int) -> None:
        nonlocal done
        done += 1
        # A file and its folder are synced in turn, and the folder's fault is no loss.
        if done == 2 * number + 1:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", fsync)
    if number < 6:
        with pytest.raises(ConfigError, match=r"--out: .* cannot be written: No space"):
            toy.write(tmp_path / "out", tensorboard=True)
    else:
        toy.write(tmp_path / "out", tensorboard=True)
        assert done == 12
    assert not [*(tmp_path / "out").rglob("*.part")]


def _gone(out: Path) -> None:
    shutil.rmtree(out)


def _moved(out: Path) -> None:
    out.rename(out.with_name("elsewhere"))


def _without_metrics(out: Path) -> None:
    (out / "metrics.jsonl").unlink()


def _without_steps(out: Path) -> None:
    (out / "steps.csv").unlink()


@pytest.mark.parametrize("change", [_gone, _moved, _without_metrics, _without_steps])
def test_a_folder_that_goes_away_is_an_error_at_the_next_event(
    tmp_path: Path, change: Callable[[Path], None]
) -> None:
    out = tmp_path / "out"
    with toy.opened(out) as folder:
        for event in EVENTS[:6]:
            folder.add(event)
        change(out)
        with pytest.raises(ConfigError, match=r"cannot be written: No such file"):
            folder.add(toy.steps(1, 6, 1))
    assert not (out / "metrics.jsonl").exists() or change is _without_steps


def test_a_second_run_is_kept_out(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with toy.opened(out):
        told = f"--out {out}: another run is writing there"
        for resume in (False, True):
            with pytest.raises(ConfigError, match=told), toy.opened(out, resume=resume):
                raise AssertionError("two runs in one folder")
    with toy.opened(out):
        pass


HOLDER = """
    import sys, time
    from pathlib import Path
    sys.path.insert(0, sys.argv[2])
    import run_events as toy
    with toy.opened(Path(sys.argv[1])) as folder:
        for event in list(toy.story())[:20]:
            folder.add(event)
        print("held", flush=True)
        time.sleep(60)
"""


def test_a_killed_run_leaves_neither_lock_nor_damage(tmp_path: Path) -> None:
    out = tmp_path / "out"
    tests = str(Path(toy.__file__).parent)
    holder = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(HOLDER), out, tests],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with (
            pytest.raises(ConfigError, match="another run is writing"),
            toy.opened(out),
        ):
            raise AssertionError("two runs in one folder")
        # A reader needs no lock.
        assert not read_run(out).ended
    finally:
        holder.send_signal(signal.SIGKILL)
        holder.communicate()
    with pytest.raises(ConfigError, match="already holds a run"), toy.opened(out):
        raise AssertionError("a run is overwritten")
    toy.write(out, [*toy.story(toy.resumed(13))], resume=True)
    assert read_run(out).steps.tolist() == [*range(21)]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("file", "--out {} must be a folder, or not exist yet"),
        ("file/run", "--out {}: there is no folder {parent}"),
        ("no/run", "--out {}: there is no folder {parent}"),
        ("dangling", "--out: {} cannot be written: File exists"),
        ("x" * 300, "--out: {} cannot be written: File name too long"),
        ("/proc/self", "--out: {}/.lock cannot be written: No such file or directory"),
        ("closed", "--out: {}/.lock cannot be written: Permission denied"),
    ],
)
def test_where_a_run_cannot_be(tmp_path: Path, name: str, message: str) -> None:
    if name == "closed" and os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    if name.startswith("/proc") and not Path("/proc/self").exists():
        pytest.skip("there is no /proc here")
    (tmp_path / "closed").mkdir(mode=0o555)
    (tmp_path / "file").write_text("precious")
    (tmp_path / "dangling").symlink_to(tmp_path / "nothing")
    path, before = tmp_path / name, sorted(tmp_path.iterdir())
    with pytest.raises(ConfigError) as told, toy.opened(path):
        raise AssertionError("it could be had")
    assert str(told.value) == message.format(path, parent=path.parent)
    assert sorted(tmp_path.iterdir()) == before


def test_a_folder_that_holds_a_run_is_not_overwritten(tmp_path: Path) -> None:
    out = tmp_path / "out"
    toy.write(out)
    before = {path: path.read_bytes() for path in out.iterdir()}
    told = f"--out {out} already holds a run: --resume auto continues it; or give"
    with pytest.raises(ConfigError, match=told), toy.opened(out):
        raise AssertionError("a run is overwritten")
    assert {path: path.read_bytes() for path in out.iterdir()} == before


def test_what_is_not_ours_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"precious": true}')
    with (
        pytest.raises(ConfigError, match=r"config\.json is damaged: its schema is not"),
        toy.opened(tmp_path, resume=True),
    ):
        raise AssertionError("it is overwritten")
    assert (tmp_path / "config.json").read_text() == '{"precious": true}'


def test_a_run_that_was_refused_leaves_a_folder_that_can_be_used(
    tmp_path: Path,
) -> None:
    with pytest.raises(ConfigError, match="unknown"), toy.opened(tmp_path / "out"):
        raise ConfigError("unknown optimizer")
    toy.write(tmp_path / "out")
    assert read_run(tmp_path / "out").ended
