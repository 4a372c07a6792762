"""What is damaged is never loaded: an older one is, and it is said why."""

import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from checkpoint_content import FILES, folder, is_right, names, save

from jaxtrain.errors import ConfigError
from jaxtrain.store.checkpoint import Store, load, read, tree
from jaxtrain.store.checkpoint import folder as folder_module
from jaxtrain.store.checkpoint.manifest import Entry

Harm = Callable[[Path], None]
EACH_FILE = pytest.mark.parametrize("name", FILES)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Steps 1 and 2; the tests damage 2."""
    with Store.open(tmp_path / "run") as store:
        save(store, 1, 2, score=0.5)
    return tmp_path / "run"


def check_refused(root: Path, reason: str = "", *, bad: int = 2) -> None:
    """`bad` is refused in one line, the other is found, and nothing else happens."""
    before = listing(root.parent)
    good = 3 - bad
    with pytest.raises(ConfigError) as caught:
        load(folder(root, bad))
    said = str(caught.value)
    assert said.startswith(f"checkpoint {folder(root, bad)}: ")
    assert reason in said
    assert "\n" not in said
    line = said.removeprefix("checkpoint ")
    for best in (False, True):
        found, problems = read(root, best)
        assert is_right(found, good)
        # The best is the older of two equals; the newer one may not have been read.
        assert problems == [line] or (best and bad == 2 and problems == [])
    with Store.open(root) as store:
        assert is_right(store.latest(), good)
        assert store.problems == ([line] if bad == 2 else [])
    assert listing(root.parent) == before


def listing(root: Path) -> dict[str, tuple[int, int]]:
    """Every file and folder with its inode and size, but for locks."""
    return {
        str(path): (path.lstat().st_ino, path.lstat().st_size)
        for path in sorted(root.rglob("*"))
        if path.name != ".lock"
    }


@EACH_FILE
def test_one_flipped_bit(root: Path, name: str) -> None:
    path = folder(root, 2) / name
    right = path.read_bytes()
    for bit in random.Random(name).sample(range(8 * len(right)), 20):
        wrong = bytearray(right)
        wrong[bit // 8] ^= 1 << bit % 8
        path.write_bytes(wrong)
        # A manifest that is wrong may well read as if another file were.
        check_refused(root, "" if name == "manifest.json" else name)
    path.write_bytes(right)
    assert is_right(read(root).checkpoint, 2)


@EACH_FILE
def test_every_bit_of_a_small_checkpoint(tmp_path: Path, name: str) -> None:
    with Store.open(tmp_path) as store:
        store.save(7, {}, {"a": [1, 0.5]}, score=0.25)
    path = folder(tmp_path, 7) / name
    right = path.read_bytes()
    for bit in range(8 * len(right)):
        wrong = bytearray(right)
        wrong[bit // 8] ^= 1 << bit % 8
        path.write_bytes(wrong)
        with pytest.raises(ConfigError):
            load(path.parent)


def test_without_hashes_flipped_bits_are_loaded(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broken twin: what the safetensors library alone lets pass."""
    monkeypatch.setattr(
        folder_module._manifest, "entry_of", lambda data: Entry(len(data), Always())
    )
    path = folder(root, 2) / "state.safetensors"
    right = path.read_bytes()
    silent = 0
    for bit in random.Random(0).sample(range(8 * len(right)), 20):
        wrong = bytearray(right)
        wrong[bit // 8] ^= 1 << bit % 8
        path.write_bytes(wrong)
        try:
            silent += not is_right(load(path.parent), 2)
        except ConfigError:
            continue
    assert silent >= 5


class Always(str):
    """Equal to every hash."""

    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        return True

    def __ne__(self, other: object) -> bool:
        return False


@EACH_FILE
def test_truncated_or_extended(root: Path, name: str) -> None:
    path = folder(root, 2) / name
    right = path.read_bytes()
    for length in (0, 1, 7, 8, 9, len(right) // 2, len(right) - 1):
        path.write_bytes(right[:length])
        check_refused(root, name)
    path.write_bytes(right + b"\0")
    check_refused(root, name)


@EACH_FILE
def test_missing(root: Path, name: str) -> None:
    (folder(root, 2) / name).unlink()
    check_refused(root, name)


def to_link(path: Path) -> None:
    target = path.parents[2] / "elsewhere"
    path.rename(target)
    path.symlink_to(target)


def to_own_link(path: Path) -> None:
    hidden = path.with_name("other")
    path.rename(hidden)
    path.symlink_to(hidden.name)


def to_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def to_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


@EACH_FILE
@pytest.mark.parametrize("harm", [to_link, to_own_link, to_folder, to_pipe])
def test_no_plain_file(root: Path, name: str, harm: Harm) -> None:
    harm(folder(root, 2) / name)
    check_refused(root, name)


def an_extra_file(path: Path) -> None:
    (path / "more.bin").write_bytes(b"")


def an_extra_hidden_link(path: Path) -> None:
    (path / ".more").symlink_to("state.json")


def an_extra_folder(path: Path) -> None:
    (path / "more").mkdir()


@pytest.mark.parametrize("harm", [an_extra_file, an_extra_hidden_link, an_extra_folder])
def test_something_extra(root: Path, harm: Harm) -> None:
    harm(folder(root, 2))
    check_refused(root, "more")


def test_a_link_in_place_of_the_folder(root: Path) -> None:
    folder(root, 2).rename(root.parent / "elsewhere")
    folder(root, 2).symlink_to(root.parent / "elsewhere")
    check_refused(root, "is a link")


def test_a_file_in_place_of_the_folder(root: Path) -> None:
    shutil.rmtree(folder(root, 2))
    folder(root, 2).write_bytes(b"")
    check_refused(root, "there is no such folder")


@EACH_FILE
def test_a_file_of_another_checkpoint(root: Path, name: str) -> None:
    shutil.copy(folder(root, 1) / name, folder(root, 2) / name)
    check_refused(root)


def test_all_but_one_file_of_another_checkpoint(root: Path) -> None:
    for name in ("manifest.json", "state.json"):
        shutil.copy(folder(root, 1) / name, folder(root, 2) / name)
    check_refused(root, "manifest.json is that of step 1")


def test_a_whole_checkpoint_under_the_name_of_another(root: Path) -> None:
    shutil.rmtree(folder(root, 2))
    shutil.copytree(folder(root, 1), folder(root, 2))
    check_refused(root, "manifest.json is that of step 1")


def test_a_copy_under_a_name_of_its_own(root: Path) -> None:
    shutil.copytree(folder(root, 1), root.parent / "the best")
    assert is_right(load(root.parent / "the best"), 1)


def test_unreadable_ones_are_passed_over(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.open

    def fail(path: str | Path, *args: int) -> int:
        if Path(path).parent == folder(root, 2) and Path(path).suffix != ".json":
            raise OSError(5, os.strerror(5))
        return real(path, *args)

    monkeypatch.setattr(os, "open", fail)
    check_refused(root, "state.safetensors fails: Input/output error")


def test_what_no_memory_holds_is_one_line(root: Path) -> None:
    """A file with a hole of a petabyte, and a manifest that agrees."""
    path = folder(root, 2) / "state.safetensors"
    size = 2**43  # some 8 TB: the most that ext4 holds is 16
    with open(path, "wb") as file:
        try:
            file.truncate(size)
        except OSError:
            pytest.skip("no such files here")
    manifest = folder(root, 2) / "manifest.json"
    text = manifest.read_text()
    entry = f'"{path.name}": {{"size": '
    start = text.index(entry) + len(entry)
    stop = text.index(",", start)
    manifest.write_text(f"{text[:start]}{size}{text[stop:]}")
    check_refused(root, f"state.safetensors of {size} bytes does not fit in memory")


@pytest.mark.parametrize("best", [False, True])
def test_where_none_is_whole_each_has_its_reason(root: Path, best: bool) -> None:
    (folder(root, 1) / "state.json").unlink()
    (folder(root, 2) / "manifest.json").write_bytes(b"{}")
    with pytest.raises(ConfigError) as caught:
        read(root, best)
    said = str(caught.value)
    assert said.startswith(f"{root} has no whole checkpoint ")
    assert "step-00000001: state.json " in said
    assert "step-00000002: manifest.json has None as its schema" in said
    assert "\n" not in said
    with Store.open(root) as store, pytest.raises(ConfigError, match="no whole"):
        store.latest()


def test_damaged_ones_are_neither_counted_nor_removed(root: Path) -> None:
    path = folder(root, 2) / "state.json"
    data = path.read_bytes()
    path.write_bytes(data.replace(b"0.5", b"0.6"))
    with Store.open(root, keep=1) as store:
        # Its size is right: only a search, which takes the hash, tells.
        assert is_right(store.latest(), 1)
        save(store, 3)
        assert names(root) == ["step-00000001", "step-00000002", "step-00000003"]
        save(store, 4, score=0.25)
        assert names(root) == ["step-00000002", "step-00000004"]
        save(store, 2)
        assert is_right(load(folder(root, 2)), 2)


def test_the_damaged_best_gives_way_to_the_next(root: Path) -> None:
    with Store.open(root) as store:
        save(store, 3, score=0.1)
        save(store, 4)
        path = folder(root, 3) / "state.safetensors"
        path.write_bytes(path.read_bytes()[::-1])
        assert is_right(store.best(), 2)  # the older is gone
        (line,) = store.problems
        assert line.startswith(f"{folder(root, 3)}: state.safetensors has another SHA")


def test_header_and_data_are_the_bytes_that_were_hashed(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that changes after it was hashed makes no difference."""
    real = tree.decode

    def late(data: bytes) -> object:
        for name in FILES:
            (folder(root, 2) / name).write_bytes(b"something else")
        return real(data)

    monkeypatch.setattr(tree, "decode", late)
    assert is_right(load(folder(root, 2)), 2)
