"""`--data auto`: the order of the places, the cache, and what can go wrong with it."""

from __future__ import annotations

import os
import stat
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import numpy as np
import pytest
from data_fakes import Behaviour, Server, Tiny, body, child, status

from jaxtrain.data import DataError, Dataset, idx
from jaxtrain.data.fashion_mnist.debian import Package
from jaxtrain.data.fashion_mnist.find import Places, auto, default_cache, hold_lock

IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
MakePlaces = Callable[..., Places]


def find(tiny: Tiny, places: Places) -> Dataset:
    return auto(tiny.manifest, places, lambda *told: None)


def is_complete(tiny: Tiny, raw: Path) -> bool:
    return all((raw / n).read_bytes() == data for n, data in tiny.contents.items())


def test_the_cache_comes_first_and_nothing_is_asked(
    tiny: Tiny, places: MakePlaces, server: Server, tmp_path: Path
) -> None:
    where = places(
        mirrors=(server.serve(tiny),), system=tiny.save(tmp_path / "sys", gz=True)
    )
    tiny.save(where.raw)
    data = find(tiny, where)
    assert (data.source, data.folder) == (str(where.raw), where.raw)
    np.testing.assert_array_equal(data.test.images, arrays(tiny)[2])
    assert server.asked == []


def arrays(tiny: Tiny) -> list[np.ndarray]:
    return [idx.decode(data) for data in tiny.contents.values()]


def test_a_good_cache_works_without_network(tiny: Tiny, places: MakePlaces) -> None:
    where = places(mirrors=("http://127.0.0.1:1/",))
    tiny.save(where.raw)
    assert len(find(tiny, where).train) == 40


def test_the_system_copy_comes_second_and_fills_the_cache(
    tiny: Tiny, places: MakePlaces, server: Server, tmp_path: Path
) -> None:
    system = tiny.save(tmp_path / "sys", gz=True)
    where = places(mirrors=(server.serve(tiny),), system=system)
    data = find(tiny, where)
    assert data.source == f"{where.raw}, from {system}"
    assert data.folder == where.raw
    assert is_complete(tiny, where.raw)
    assert server.asked == []


def test_mirrors_fill_the_cache_once(
    tiny: Tiny, places: MakePlaces, server: Server
) -> None:
    base = server.serve(tiny)
    where = places(mirrors=(base,))
    assert find(tiny, where).source == f"{where.raw}, from {base}"
    assert is_complete(tiny, where.raw)
    assert find(tiny, where).source == str(where.raw)
    assert len(server.asked) == 4


def test_each_file_is_sought_on_the_next_mirror(
    tiny: Tiny, other_tiny: Tiny, places: MakePlaces, server: Server
) -> None:
    """403, the wrong data set, a closed port, and one mirror without the images."""
    server.answers |= {f"/no/{name}.gz": status(403) for name in tiny.contents}
    last = server.serve(tiny, "/last/")
    bases = (
        f"{server.address}/no/",
        server.serve(other_tiny, "/wrong/"),
        "http://127.0.0.1:1/",
        server.serve(tiny, "/some/", skip=(IMAGES,)),
        last,
    )
    where = places(mirrors=bases)
    assert find(tiny, where).source == f"{where.raw}, from {bases[3]}, from {last}"
    assert is_complete(tiny, where.raw)
    assert [path for path in server.asked if "last" in path] == [f"/last/{IMAGES}.gz"]


@pytest.mark.parametrize("there", [True, False])
def test_the_package_comes_last(
    tiny: Tiny, places: MakePlaces, tmp_path: Path, there: bool
) -> None:
    """`dpkg -x` stands in for all of it here: it "unpacks" what we laid ready."""
    ready = tiny.save(tmp_path / "root/usr/share/datasets/fashion-mnist", gz=True)
    (ready / f"{LABELS}.gz").rename(ready / (f"{LABELS}.gz" if there else "x"))
    for name, line in (("apt", "touch x.deb"), ("dpkg", f"cp -r {tmp_path}/root .")):
        (tmp_path / name).write_text(f"#!/bin/sh\n{line}\n")
        (tmp_path / name).chmod(0o755)
    package = Package(apt_get=str(tmp_path / "apt"), dpkg=str(tmp_path / "dpkg"))
    where = places(mirrors=("http://127.0.0.1:1/",), package=package)
    if there:
        source = f"{where.raw}, from package dataset-fashion-mnist"
        assert find(tiny, where).source == source
    else:
        with pytest.raises(DataError, match=f"fashion-mnist has no {LABELS}"):
            find(tiny, where)


def test_when_all_fail_each_try_is_named_with_the_ways_out(
    tiny: Tiny, places: MakePlaces, server: Server
) -> None:
    where = places(mirrors=(f"{server.address}/a/", "http://127.0.0.1:1/"))
    with pytest.raises(DataError) as caught:
        find(tiny, where)
    lines = str(caught.value).split("\n  ")
    assert lines[0] == "Tiny was not found and could not be fetched. Tried:"
    assert lines[1] == f"{where.raw}: not all files are there"
    assert lines[2].startswith(f"{where.system}: ")
    assert lines[3].startswith(f"{server.address}/a/: t10k-labels-idx1-ubyte.gz: HTTP")
    assert "no connection" in lines[4]
    assert lines[5] == (
        "package dataset-fashion-mnist: no-such-apt-get is not installed here"
    )
    assert "--data DIR" in lines[6]
    assert "--data synthetic" in lines[6]
    assert f"{IMAGES}.gz" in lines[6]


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (flip, "is not Tiny: its decompressed SHA-256"),
        (lambda path: path.write_bytes(b""), "is empty"),
        (lambda path: os.truncate(path, 1000), "is truncated"),
        (lambda path: path.write_bytes(b"<html>"), "is a web page"),
    ],
)
def test_a_damaged_cache_file_is_told_and_fetched_again(
    tiny: Tiny,
    places: MakePlaces,
    server: Server,
    damage: Callable[[Path], None],
    reason: str,
) -> None:
    where = places(mirrors=(server.serve(tiny),))
    damage(tiny.save(where.raw) / IMAGES)
    with pytest.warns(UserWarning, match=f"fetched again: .*{IMAGES} {reason}"):
        data = find(tiny, where)
    np.testing.assert_array_equal(data.train.images, arrays(tiny)[0])
    assert is_complete(tiny, where.raw)
    assert server.asked == [f"/{IMAGES}.gz"], "the three good files stay"


def test_broken_twin_a_cache_that_only_looks_whether_files_exist(
    tiny: Tiny, places: MakePlaces
) -> None:
    """What a mere look at names and shapes would have accepted for ever."""
    where = places()
    flip(tiny.save(where.raw) / IMAGES)
    path = where.raw / IMAGES
    assert path.exists()
    assert idx.decode(path.read_bytes()).shape == (40, 28, 28)


def test_a_damaged_cache_without_network_names_the_damage(
    tiny: Tiny, places: MakePlaces
) -> None:
    where = places()
    flip(tiny.save(where.raw) / LABELS)
    with (
        pytest.warns(UserWarning, match="not trusted"),
        pytest.raises(DataError, match=f"Tried:\n .*{LABELS} (is not Tiny|has label)"),
    ):
        find(tiny, where)


def test_a_gzipped_cache_file_is_replaced(
    tiny: Tiny, other_tiny: Tiny, places: MakePlaces, server: Server
) -> None:
    where = places(mirrors=(server.serve(tiny),))
    tiny.save(where.raw, gz=True)
    (where.raw / f"{IMAGES}.gz").rename(where.raw / IMAGES)
    with pytest.warns(UserWarning, match="is gzipped, which other readers do not"):
        find(tiny, where)
    assert is_complete(tiny, where.raw)


@pytest.mark.parametrize("name", ["with space", "größer/数据", "-x", "a'b\"c"])
def test_any_cache_path_will_do(
    tiny: Tiny, places: MakePlaces, server: Server, tmp_path: Path, name: str
) -> None:
    where = places(cache=tmp_path / name, mirrors=(server.serve(tiny),))
    assert find(tiny, where).folder == where.raw
    assert is_complete(tiny, tmp_path / name / "FashionMNIST" / "raw")


def test_the_cache_may_be_a_link(
    tiny: Tiny, places: MakePlaces, server: Server, tmp_path: Path
) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "there")
    (tmp_path / "there").mkdir()
    where = places(cache=tmp_path / "link", mirrors=(server.serve(tiny),))
    find(tiny, where)
    assert is_complete(tiny, tmp_path / "there" / "FashionMNIST" / "raw")


@contextmanager
def ordinary_user(kind: str) -> Iterator[None]:
    """Root writes in read-only folders too: as root we put on another user's id."""
    if os.geteuid() != 0 or kind != "read-only":
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def locked_folder() -> Iterator[Path]:
    """A folder in which the present user can read and not write."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        folder = Path(name, "cache")
        folder.mkdir(0o555)
        yield folder
        folder.chmod(stat.S_IRWXU)


def unwritable(kind: str, tmp_path: Path, locked_folder: Path) -> Path:
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    return {
        "read-only": locked_folder,
        "a file": tmp_path / "file",
        "below a file": tmp_path / "file" / "cache",
        "a loop": tmp_path / "loop",
        "proc": Path("/proc/cache"),
    }[kind]


KINDS = pytest.mark.parametrize(
    "kind", ["read-only", "a file", "below a file", "a loop", "proc"]
)


@KINDS
def test_without_a_cache_the_system_copy_still_serves(
    tiny: Tiny, places: MakePlaces, locked_folder: Path, tmp_path: Path, kind: str
) -> None:
    cache = unwritable(kind, tmp_path, locked_folder)
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        where = places(cache=cache, system=tiny.save(Path(name, "sys"), gz=True))
        with ordinary_user(kind):
            data = find(tiny, where)
    assert data.folder is None
    assert f"{where.system}; the cache {cache} cannot be written (" in data.source
    np.testing.assert_array_equal(data.train.labels, arrays(tiny)[1])


@KINDS
def test_without_a_cache_nothing_is_fetched_in_vain(
    tiny: Tiny,
    places: MakePlaces,
    server: Server,
    locked_folder: Path,
    tmp_path: Path,
    kind: str,
) -> None:
    cache = unwritable(kind, tmp_path, locked_folder)
    where = places(cache=cache, mirrors=(server.serve(tiny),))
    with ordinary_user(kind), pytest.raises(DataError) as caught:
        find(tiny, where)
    assert f"the cache {cache} cannot be written (" in str(caught.value)
    assert "set JAXTRAIN_CACHE" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert server.asked == []


def test_a_full_disk_is_one_clear_error_and_leaves_nothing(
    tiny: Tiny, server: Server, tmp_path: Path
) -> None:
    base = server.serve(tiny)
    process = child(tiny, tmp_path / "cache", base, room=10_000)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 1
    assert f"the cache {tmp_path}/cache cannot be written (File too large)" in told
    left = set(os.listdir(tmp_path / "cache" / "FashionMNIST" / "raw"))
    assert left == {".lock", LABELS, "t10k-labels-idx1-ubyte"}


def test_a_full_disk_does_not_keep_the_system_copy_from_serving(
    tiny: Tiny, tmp_path: Path
) -> None:
    system = tiny.save(tmp_path / "sys", gz=True)
    process = child(tiny, tmp_path / "cache", system=system, room=10_000)
    said, told = process.communicate(timeout=60)
    assert told == ""
    assert said.startswith(f"{system}; the cache {tmp_path}/cache cannot be written")
    assert said.endswith("|None|40\n")


@pytest.mark.parametrize(("locks", "requests"), [(True, 4), (False, 8)])
def test_two_processes_at_once_download_once(
    tiny: Tiny, server: Server, tmp_path: Path, locks: bool, requests: int
) -> None:
    """Without the lock, the broken twin, both download; the files are right still."""
    base = server.serve(tiny)
    both_came = threading.Barrier(2)

    def together(answer: Behaviour) -> Behaviour:
        def wait(handler: BaseHTTPRequestHandler) -> None:
            try:
                both_came.wait(2.0 if locks else 30.0)
            except threading.BrokenBarrierError:
                assert locks
            answer(handler)

        return wait

    first = "/t10k-labels-idx1-ubyte.gz"
    server.answers[first] = together(server.answers[first])
    cache = tmp_path / "cache"
    processes = [child(tiny, cache, base, locks=locks) for _ in range(2)]
    ends = [process.communicate(timeout=60) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], ends
    assert len(server.asked) == requests
    assert is_complete(tiny, cache / "FashionMNIST" / "raw")


def test_killed_in_mid_download_the_rerun_recovers(
    tiny: Tiny, places: MakePlaces, server: Server
) -> None:
    base = server.serve(tiny)
    good = server.answers[f"/{IMAGES}.gz"]
    half_sent = threading.Event()

    def half(handler: BaseHTTPRequestHandler) -> None:
        body(tiny.contents[IMAGES][:15_000], announced=31_376)(handler)
        handler.wfile.flush()
        half_sent.set()
        server.over.wait(30)

    server.answers[f"/{IMAGES}.gz"] = half
    where = places(mirrors=(base,))
    process = child(tiny, where.cache, base)
    assert half_sent.wait(30)
    process.kill()
    process.communicate(timeout=30)
    left = set(os.listdir(where.raw))
    assert left == {".lock", *tiny.contents} - {IMAGES}

    server.answers[f"/{IMAGES}.gz"] = good
    server.asked.clear()
    assert find(tiny, where).folder == where.raw
    assert is_complete(tiny, where.raw)
    assert server.asked == [f"/{IMAGES}.gz"], "what was verified is kept"


def test_what_a_killed_writer_left_is_neither_trusted_nor_kept(
    tiny: Tiny, places: MakePlaces, server: Server
) -> None:
    where = places(mirrors=(server.serve(tiny),))
    where.raw.mkdir(parents=True)
    (where.raw / f".{IMAGES}.0123.part").write_bytes(tiny.contents[IMAGES][:99])
    find(tiny, where)
    assert set(os.listdir(where.raw)) == {".lock", *tiny.contents}


def test_a_lock_held_for_too_long_is_named(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with hold_lock(path) as held:
        assert held
        with (
            pytest.raises(DataError, match=f"another process has held {path} for"),
            hold_lock(path, patience=0.2),
        ):
            pass
    with hold_lock(path, patience=0.2) as held:
        assert held


def test_waiting_is_told(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with (
        hold_lock(path),
        pytest.warns(UserWarning, match=f"waiting for another process: {path}"),
        pytest.raises(DataError),
        hold_lock(path, patience=2.3),
    ):
        pass


def test_the_cache_is_where_the_environment_says(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("JAXTRAIN_CACHE", raising=False)
    assert default_cache() == tmp_path / ".cache" / "jaxtrain"
    monkeypatch.setenv("XDG_CACHE_HOME", "not/absolute")
    assert default_cache() == tmp_path / ".cache" / "jaxtrain"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert default_cache() == tmp_path / "xdg" / "jaxtrain"
    monkeypatch.setenv("JAXTRAIN_CACHE", "~/data")
    assert default_cache() == tmp_path / "data"


def test_the_arrays_are_read_only(tiny: Tiny, places: MakePlaces) -> None:
    where = places()
    tiny.save(where.raw)
    data = find(tiny, where)
    with pytest.raises(ValueError, match="read-only"):
        data.train.images[0] = 0


def test_a_good_cache_warns_of_nothing(tiny: Tiny, places: MakePlaces) -> None:
    where = places()
    tiny.save(where.raw)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        find(tiny, where)
