"""`--data DIR`: the user's own folder; nothing is fetched, nothing is written."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from data_fakes import Tiny

from jaxtrain.data import DataError, idx, load
from jaxtrain.data.fashion_mnist.find import from_folder

IMAGES = "train-images-idx3-ubyte"


def listing(folder: Path) -> list[tuple[str, int]]:
    return sorted((str(p), p.stat().st_mtime_ns) for p in folder.rglob("*"))


@pytest.mark.parametrize("below", ["", "FashionMNIST/raw", "raw"])
@pytest.mark.parametrize("gz", [False, True])
def test_the_usual_layouts_are_read(
    tiny: Tiny, tmp_path: Path, below: str, gz: bool
) -> None:
    place = tiny.save(tmp_path / below, gz=gz)
    before = listing(tmp_path)
    data = from_folder(tiny.manifest, tmp_path)
    np.testing.assert_array_equal(data.train.images, idx.decode(tiny.contents[IMAGES]))
    assert data.train.images.dtype == data.test.labels.dtype == np.uint8
    assert data.folder == (None if gz else place)
    assert data.source == str(place)
    assert data.sha256 == {file.name: file.sha256 for file in tiny.manifest.files}
    assert not data.synthetic
    assert listing(tmp_path) == before


def test_a_file_that_a_browser_unpacked_is_read(tiny: Tiny, tmp_path: Path) -> None:
    for name, content in tiny.contents.items():
        (tmp_path / f"{name}.gz").write_bytes(content)
    data = from_folder(tiny.manifest, tmp_path)
    assert len(data.train) == 40
    assert data.folder is None


def test_a_gzipped_file_without_its_suffix_is_read(tiny: Tiny, tmp_path: Path) -> None:
    tiny.save(tmp_path, gz=True)
    for name in tiny.contents:
        (tmp_path / f"{name}.gz").rename(tmp_path / name)
    data = from_folder(tiny.manifest, tmp_path)
    assert len(data.test) == 20
    assert data.folder is None, "torchvision could not read these files"


@pytest.mark.parametrize("name", ["données d'été", "with space", "数据"])
def test_any_folder_name_will_do(tiny: Tiny, tmp_path: Path, name: str) -> None:
    tiny.save(tmp_path / name)
    (tmp_path / "link").symlink_to(tmp_path / name)
    for folder in (tmp_path / name, tmp_path / "link"):
        assert len(from_folder(tiny.manifest, folder).train) == 40


def test_missing_files_are_named(tiny: Tiny, tmp_path: Path) -> None:
    raw = tiny.save(tmp_path / "raw")
    (raw / IMAGES).unlink()
    (raw / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(DataError) as caught:
        from_folder(tiny.manifest, tmp_path)
    missing = "raw lacks train-images-idx3-ubyte, t10k-labels-idx1-ubyte (with or"
    assert missing in str(caught.value)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is empty (0 bytes)"),
        (b"<html><body>Sign in to the network", "is a web page"),
        (b"\x1f\x8b\x08\x00" + b"garbage!" * 9, "is damaged: gzip says"),
        (bytes(2 << 20), "has 2,097,152 bytes; decompressed it should have 31,376"),
        (b"\0\0\x08\x03" + b"\x80\0\0\0" * 3 + bytes(9), "and 9 follow"),
    ],
)
def test_faulty_files_are_named(
    tiny: Tiny, tmp_path: Path, data: bytes, message: str
) -> None:
    tiny.save(tmp_path)
    (tmp_path / IMAGES).write_bytes(data)
    with pytest.raises(DataError) as caught:
        from_folder(tiny.manifest, tmp_path)
    assert message in str(caught.value)
    assert str(tmp_path / IMAGES) in str(caught.value)


@pytest.mark.parametrize("gz", [False, True])
def test_truncated_files_are_named(tiny: Tiny, tmp_path: Path, gz: bool) -> None:
    tiny.save(tmp_path, gz=gz)
    path = tmp_path / (f"{IMAGES}.gz" if gz else IMAGES)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DataError, match=f"{path.name} is truncated: "):
        from_folder(tiny.manifest, tmp_path)


def test_another_data_set_under_the_names_is_refused(
    tiny: Tiny, other_tiny: Tiny, tmp_path: Path
) -> None:
    other_tiny.save(tmp_path)
    with pytest.raises(DataError, match="is not Tiny"):
        from_folder(tiny.manifest, tmp_path)


def test_a_pipe_does_not_block(tiny: Tiny, tmp_path: Path) -> None:
    tiny.save(tmp_path)
    (tmp_path / IMAGES).unlink()
    os.mkfifo(tmp_path / IMAGES)
    with pytest.raises(DataError, match="is not a regular file"):
        from_folder(tiny.manifest, tmp_path)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("", "no data: pass auto, synthetic or a folder"),
        ("syntetic", "does not exist; .* did you mean synthetic?"),
        ("/no/such/folder", "data folder /no/such/folder does not exist"),
        ("~no-such-user/data", "data folder ~no-such-user/data does not exist"),
        ("x" * 300, "cannot be read: File name too long"),
        ("a\0b", "cannot be read: embedded null"),
        (__file__, "is not a folder"),
    ],
)
def test_a_source_that_is_no_folder_is_named(source: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        load(source)


def test_the_synthetic_set_is_not_taken_for_the_real_one(tmp_path: Path) -> None:
    from jaxtrain.data import write_idx
    from jaxtrain.data.synthetic import synthetic

    data = synthetic(train=50, test=20)
    write_idx(data.train, tmp_path, "train")
    write_idx(data.test, tmp_path, "test")
    with pytest.raises(DataError, match=r"shape \(50, 28, 28\); Fashion-MNIST's"):
        load(str(tmp_path))
