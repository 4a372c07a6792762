"""What a store keeps, finds and refuses while nothing goes wrong."""

import math
import os
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from subprocess import PIPE
from typing import Any

import pytest
from checkpoint_content import FILES, arrays_of, folder, is_right, names, save, steps
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxtrain import files
from jaxtrain.errors import ConfigError
from jaxtrain.store import checkpoint
from jaxtrain.store.checkpoint import Store, load, read
from jaxtrain.store.checkpoint import store as _retention
from jaxtrain.store.checkpoint import store as _store
from jaxtrain.store.checkpoint.store import Score


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "runs" / "a run"


def test_a_checkpoint_is_a_folder_of_three_files(root: Path) -> None:
    with Store.open(root) as store:
        save(store, 123)
    assert names(root) == ["step-00000123"]
    assert tuple(sorted(os.listdir(root / "step-00000123"))) == FILES


def test_the_newest_is_found(root: Path) -> None:
    with Store.open(root) as store:
        assert store.latest() is store.best() is None
        save(store, 9, 10, 100_000_000)
        found = store.latest()
    assert is_right(found, 100_000_000)
    assert found is not None
    assert found.path == root / "step-100000000"
    assert is_right(load(root / "step-00000010"), 10)
    assert is_right(read(root).checkpoint, 100_000_000)


def test_all_is_on_disk_before_it_has_its_name(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    did: list[str] = []
    opened: dict[int, str] = {}
    real = {name: getattr(os, name) for name in ("open", "write", "fsync", "rename")}

    def note_open(path: Any, *args: Any) -> int:
        handle = real["open"](path, *args)
        opened[handle] = Path(path).name
        return handle

    def note(name: str) -> Any:
        def call(handle: int, *args: Any) -> Any:
            did.append(f"{name} {opened[handle]}")
            return real[name](handle, *args)

        return call

    def note_rename(source: Path, target: Path) -> None:
        did.append(f"rename {source.name} {target.name}")
        real["rename"](source, target)

    with Store.open(root) as store:
        store.drop_after(0)  # Its own folder is on disk, then.
        for name, function in [
            ("open", note_open),
            ("write", note("write")),
            ("fsync", note("fsync")),
            ("rename", note_rename),
        ]:
            monkeypatch.setattr(os, name, function)
        save(store, 1)
        monkeypatch.undo()
    part = did[-3].removeprefix("fsync ")
    assert re.fullmatch(r"\.step-00000001\.[0-9a-f]{12}\.part", part)
    assert did == [
        *("write state.safetensors", "fsync state.safetensors"),
        *("write state.json", "fsync state.json"),
        *("write manifest.json", "fsync manifest.json"),
        *(f"fsync {part}", f"rename {part} step-00000001", f"fsync {root.name}"),
    ]


def test_the_umask_decides_who_may_read(root: Path) -> None:
    before = os.umask(0o027)
    try:
        with Store.open(root) as store:
            save(store, 1)
    finally:
        os.umask(before)
    assert folder(root, 1).stat().st_mode & 0o777 == 0o750
    modes = {path.stat().st_mode & 0o777 for path in folder(root, 1).iterdir()}
    assert modes == {0o640}


SCORES = st.none() | st.sampled_from([0.0, 0.5, 1.0, math.inf, math.nan])
RUNS = st.lists(st.tuples(st.integers(0, 30), SCORES), max_size=8)


@given(st.lists(st.tuples(st.integers(1, 99), SCORES), unique_by=lambda one: one[0]))
def test_the_best_is_the_first_of_the_lowest(found: list[tuple[int, Any]]) -> None:
    scored = [Score(*one) for one in found]
    numbers = [one for one in scored if one.score is not None and one.score >= 0]
    best = _retention.best_first(scored)
    assert len(best) == len(numbers)
    if best:
        lowest = min(score for _, score in best)
        assert best[0] == min(one for one in numbers if one.score == lowest)
    for keep in (1, 3):
        kept = _retention.steps_to_keep(scored, keep)
        newest = sorted(step for step, _ in scored)[-keep:]
        assert kept == {*newest, *(one.step for one in best[:1])}


@settings(deadline=None)
@given(RUNS, st.integers(1, 4))
def test_the_newest_and_the_best_are_kept(
    run: list[tuple[int, float | None]], keep: int
) -> None:
    """Against a model that saves into a dictionary."""
    with tempfile.TemporaryDirectory() as name, Store.open(name, keep) as store:
        model: dict[int, float | None] = {}
        for step, score in run:
            store.save(step, {}, score=score)
            model[step] = score
            numbers = [(s, i) for i, s in model.items() if s is not None and s == s]
            stay = {step, *sorted(model)[-keep:], *(i for _, i in sorted(numbers)[:1])}
            model = {i: model[i] for i in stay}
            assert steps(store.root) == sorted(model)
            latest, best = store.latest(), store.best()
            assert latest is not None
            assert latest.step == max(model)
            numbers = [(s, i) for s, i in numbers if i in model]
            assert (best and (best.score, best.step)) == min(numbers, default=None)


def test_forgetting_the_best_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The broken twin of the test above."""
    monkeypatch.setattr(
        _store,
        "steps_to_keep",
        lambda found, keep: {one.step for one in sorted(found)[-keep:]},
    )
    with pytest.raises(AssertionError):
        test_the_newest_and_the_best_are_kept()


@pytest.mark.parametrize("score", [None, 0.1, -3, math.inf, -math.inf, math.nan])
def test_scores_come_back(root: Path, score: float | None) -> None:
    with Store.open(root) as store:
        save(store, 1, score=score)
        latest, best = store.latest(), store.best()
    assert latest is not None
    assert repr(latest.score) == repr(None if score is None else float(score))
    assert (best is None) == (score is None or math.isnan(score))


def test_a_step_saved_again_with_the_same_content_is_left(root: Path) -> None:
    with Store.open(root) as store:
        save(store, 1)
        before = folder(root, 1).stat()
        save(store, 1)
        assert folder(root, 1).stat() == before
        assert names(root) == ["step-00000001"]


def test_a_step_saved_again_with_other_content_is_replaced(root: Path) -> None:
    with Store.open(root) as store:
        store.save(1, arrays_of(5), {"other": True})
        save(store, 1)
        assert is_right(store.latest(), 1)
        assert names(root) == ["step-00000001"]


@pytest.mark.parametrize("kind", ["damaged", "a file", "a link", "empty"])
def test_whatever_has_the_name_is_replaced(root: Path, kind: str) -> None:
    elsewhere = root.parent / "elsewhere"
    elsewhere.mkdir(parents=True)
    (elsewhere / "mine").write_bytes(b"")
    with Store.open(root) as store:
        path = folder(root, 1)
        if kind == "damaged":
            save(store, 1)
            (path / "state.json").write_bytes(b"{}")
        elif kind == "a file":
            path.write_bytes(b"")
        elif kind == "a link":
            path.symlink_to(elsewhere)
        else:
            path.mkdir()
        save(store, 1)
        assert is_right(store.latest(), 1)
        assert store.problems == []
        assert not path.is_symlink()
        assert names(root) == ["step-00000001"]
    assert os.listdir(elsewhere) == ["mine"]


def test_a_second_store_on_the_folder_is_refused(root: Path) -> None:
    with Store.open(root), pytest.raises(ConfigError) as caught, Store.open(root):
        pass
    assert str(caught.value).startswith(f"checkpoint folder {root} is in use by ")
    with Store.open(root):
        pass


HOLDER = """
import sys
from jaxtrain.store.checkpoint import Store
with Store.open(sys.argv[1]) as store:
    print("held", flush=True)
    sys.stdin.read()
"""


def test_another_process_is_refused_until_it_is_killed(root: Path) -> None:
    command = [sys.executable, "-c", HOLDER, str(root)]
    with subprocess.Popen(command, stdin=PIPE, stdout=PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        second = subprocess.run(command, capture_output=True, text=True, input="")
        assert second.returncode == 1
        assert second.stderr.splitlines()[-1].startswith(
            f"jaxtrain.errors.ConfigError: checkpoint folder {root} is in use by "
        )
        assert second.stdout == ""
        # The other reads all the same.
        assert read(root).checkpoint is None
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    with Store.open(root) as store:
        save(store, 1)


def test_without_locks_it_says_so(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "try_lock", lambda handle: False)
    root.mkdir(parents=True)
    (root / ".step-00000001.0123456789ab.part").mkdir()
    with Store.open(root) as store:
        assert store.problems == [f"{root}: no locks here; let no other run use it"]
        store.clear()
        # It may be another run's.
        assert names(root) == [".step-00000001.0123456789ab.part"]


def test_the_lock_of_a_folder_made_anew_is_not_ours(root: Path) -> None:
    with Store.open(root) as store:
        save(store, 1)
        root.rename(root.with_name("moved"))
        with Store.open(root) as other:
            with pytest.raises(ConfigError, match=r"was replaced by another one$"):
                save(store, 2)
            save(other, 3)
        assert names(root) == ["step-00000003"]


def test_a_closed_store_saves_nothing(root: Path) -> None:
    with Store.open(root) as store:
        pass
    with pytest.raises(ValueError, match=r"^the store of .* is closed$"):
        save(store, 1)


@pytest.mark.parametrize("kind", ["a file", "below a file", "a loop", "proc"])
def test_an_impossible_folder_is_one_line(tmp_path: Path, kind: str) -> None:
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "loop").symlink_to("loop")
    root = {
        "a file": tmp_path / "file",
        "below a file": tmp_path / "file" / "below",
        "a loop": tmp_path / "loop",
        "proc": Path("/proc/checkpoints"),
    }[kind]
    with pytest.raises(ConfigError) as caught, Store.open(root):
        pass
    assert str(caught.value).startswith(f"checkpoint folder {root} cannot be used: ")
    assert "\n" not in str(caught.value)
    with pytest.raises(ConfigError, match=r"checkpoint folder .* cannot be read: "):
        read(root / "missing")


def test_leftovers_go_and_other_files_stay(root: Path) -> None:
    with Store.open(root) as store:
        save(store, 1)
    mine = [".a.part", "notes", "step-1", ".step-00000001.part", "STEP-00000002"]
    for name in mine:
        (root / name).write_bytes(b"")
    part = root / ".step-00000007.0123456789ab.part"
    part.mkdir()
    (part / "state.json").write_bytes(b"{")
    (part / "link").symlink_to(root.parent)
    (root / ".step-00000008.0123456789ab.part").write_bytes(b"")
    (root / ".step-00000009.0123456789ab.part").symlink_to(root.parent)
    with Store.open(root) as store:
        store.clear()
        assert names(root) == sorted(["step-00000001", *mine])
        assert is_right(store.latest(), 1)
        assert store.problems == []


def test_a_replaced_checkpoint_comes_back(root: Path) -> None:
    """Killed between the two renames that replace a checkpoint."""
    with Store.open(root) as store:
        save(store, 1)
    hidden = root / ".step-00000001.0123456789ab.old"
    folder(root, 1).rename(hidden)
    assert is_right(read(root).checkpoint, 1)
    with Store.open(root) as store:
        assert is_right(store.latest(), 1)
        # Reading changes nothing: the run may still be refused.
        assert names(root) == [hidden.name]
        store.clear()
        assert names(root) == ["step-00000001"]


LIGHT = """
import sys
import numpy as np
from jaxtrain.store.checkpoint import Store, read
with Store.open(sys.argv[1]) as store:
    store.save(1, {"a": np.zeros(3)})
    assert read(sys.argv[1]).checkpoint.step == 1
print({"jax", "flax", "optax", "torch"} & set(sys.modules))
"""


def test_saving_and_reading_need_no_jax(root: Path) -> None:
    command = [sys.executable, "-c", LIGHT, str(root)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("set()\n", "")


def test_the_public_names_are_documented() -> None:
    for name in checkpoint.__all__:
        assert getattr(checkpoint, name).__doc__
