"""Where the history may go."""

import os
import stat
import tempfile
from pathlib import Path

import pytest
from toys import PROG, Command, refused

from jaxtrain.run.history import History

OTHER = "is a link, a device or a pipe; it must be a file, or not exist yet"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("folder", "{} is a folder; it must be a file, or not exist yet"),
        ("no/run.json", "{}: there is no folder {parent}"),
        ("file/run.json", "{}: there is no folder {parent}"),
        ("link", "{} " + OTHER),
        ("dangling", "{} " + OTHER),
        ("pipe", "{} " + OTHER),
        (os.devnull, "{} " + OTHER),
        ("x" * 300, "{} cannot be written: File name too long"),
        ("/proc/self/run.json", "{} cannot be written: No such file or directory"),
        ("closed/run.json", "{} cannot be written: Permission denied"),
    ],
)
def test_where_a_history_cannot_be(
    command: Command, unread: None, tmp_path: Path, name: str, message: str
) -> None:
    if name.startswith("closed") and os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    if name.startswith("/proc") and not Path("/proc/self").exists():
        pytest.skip("there is no /proc here")
    (tmp_path / "folder").mkdir()
    (tmp_path / "closed").mkdir(mode=0o555)
    (tmp_path / "file").write_text("precious")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    (tmp_path / "dangling").symlink_to(tmp_path / "nothing")
    os.mkfifo(tmp_path / "pipe")
    path, before = tmp_path / name, sorted(tmp_path.iterdir())
    told = message.format(path, parent=path.parent)
    refused(command("--backend toy --history", path), f"--history {told}")
    assert sorted(tmp_path.iterdir()) == before
    assert (tmp_path / "file").read_text() == "precious"
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)


def test_a_history_without_a_name_is_refused(command: Command, unread: None) -> None:
    refused(command("--backend toy --history", ""), "--history is empty: give a path")


def test_an_old_history_goes_only_when_a_new_one_is_there(
    command: Command, unread: None, tmp_path: Path
) -> None:
    path = tmp_path / "run.json"
    path.write_text("an old one")
    assert command("--backend nothing --history", path).status == 2
    assert path.read_text() == "an old one"
    assert list(tmp_path.iterdir()) == [path]


def test_an_old_history_is_replaced(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    path.write_text("an old one")
    assert command("--backend toy --epochs 1 --history", path).status == 0
    assert len(History.load(path).losses) == 4


def test_a_history_finds_another_place_when_its_own_is_gone(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    path = tmp_path / "folder" / "run.json"
    path.parent.mkdir()
    ran = command("--backend toy-remover --history", path)
    (refuge,) = tmp_path.glob("jaxtrain-*/run.json")
    assert (ran.status, ran.err) == (
        2,
        f"{PROG}: error: --history {path} cannot be written: No such file or "
        f"directory; it is in {refuge}\n",
    )
    assert History.load(refuge).losses == [2.0]
