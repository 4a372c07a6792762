"""Checkpoints made to do harm, their hashes right: refused, and nothing is run."""

from __future__ import annotations

import hashlib
import io
import json
import os
import pickle
import struct
import time
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from checkpoint_content import folder, is_right, save
from hypothesis import example, given, settings
from hypothesis import strategies as st
from test_checkpoint_damage import check_refused

from jaxtrain.errors import ConfigError
from jaxtrain.store.checkpoint import Store, load, read, tree
from jaxtrain.store.checkpoint import manifest as _manifest
from jaxtrain.store.codec import Damage


@pytest.fixture
def root(tmp_path: Path) -> Path:
    with Store.open(tmp_path / "run") as store:
        save(store, 1, 2, score=0.5)
    return tmp_path / "run"


def forge(root: Path, **files: bytes) -> None:
    """Put files into step 2, with a manifest that vouches for them."""
    path = folder(root, 2)
    for name, data in files.items():
        (path / name.replace("_", ".")).write_bytes(data)
    contents = {name: (path / name).read_bytes() for name in _manifest.CONTENTS}
    manifest = _manifest.manifest_of(2, 0.5, contents)
    (path / "manifest.json").write_bytes(_manifest.encode(manifest))


def safetensors(header: Any, data: bytes = b"", length: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def entry(start: int, stop: int, dtype: str = "U8", **more: Any) -> dict[str, Any]:
    shape = [stop - start]
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, stop], **more}


class Bomb:
    def __reduce__(self) -> Any:
        return os.mkdir, ("executed",)


def npz() -> bytes:
    file = io.BytesIO()
    np.savez(file, a=np.array([Bomb()], dtype=object))
    return file.getvalue()


def npy() -> bytes:
    file = io.BytesIO()
    np.save(file, np.array([Bomb()], dtype=object))
    return file.getvalue()


TWICE = b'{"a": %s, "a": %s}' % (2 * (json.dumps(entry(0, 2)).encode(),))
HOSTILE = {
    "a pickle": pickle.dumps(Bomb()),
    "an old pickle": pickle.dumps(Bomb(), 0),
    "an npz with an object array": npz(),
    "an npy with an object array": npy(),
    "nothing": b"",
    "a header of 2**40 bytes": safetensors({"a": entry(0, 4)}, b"1234", 2**40),
    "a header of 2**63 bytes": safetensors({"a": entry(0, 4)}, b"1234", 2**63),
    "a header to the last byte but one": safetensors({}, b"", 3),
    "overlapping": safetensors({"a": entry(0, 4), "b": entry(2, 6)}, b"123456"),
    "a hole": safetensors({"a": entry(0, 2), "b": entry(4, 6)}, b"123456"),
    "data at the end": safetensors({"a": entry(0, 4)}, b"123456"),
    "data missing": safetensors({"a": entry(0, 4)}, b"12"),
    "offsets turned round": safetensors({"a": entry(4, 0)}, b"1234"),
    "offsets beyond 64 bits": safetensors({"a": entry(0, 2**70)}, b"1234"),
    "a shape beyond 64 bits": safetensors(
        {"a": entry(0, 4, shape=[2**40, 2**40])}, b"1234"
    ),
    "an empty array of vast shape": safetensors(
        {"a": entry(0, 0, "F64", shape=[0, 2**62, 2**62])}
    ),
    "a shape of too many axes": safetensors({"a": entry(0, 1, shape=[1] * 100)}, b"1"),
    "a negative shape": safetensors({"a": entry(0, 4, shape=[-2, -2])}, b"1234"),
    "two arrays of one name": safetensors(TWICE, b"12"),
    "one field twice": safetensors(
        b'{"a":{"dtype":"U8","dtype":"I8","shape":[2],"data_offsets":[0,2]}}', b"12"
    ),
    "another field": safetensors({"a": entry(0, 4, more=1)}, b"1234"),
    "notes": safetensors({"__metadata__": {"a": "b"}, "a": entry(0, 4)}, b"1234"),
    "notes that look like an array": safetensors(
        {"__metadata__": {"dtype": "a", "shape": "b", "data_offsets": "c"}}
    ),
    "another type": safetensors({"a": entry(0, 4, "F8_E4M3")}, b"1234"),
    "half bytes": safetensors({"a": entry(0, 2, "F4", shape=[4])}, b"12"),
    "no such type": safetensors({"a": entry(0, 4, "object")}, b"1234"),
    "strange truth": safetensors({"a": entry(0, 2, "BOOL")}, b"\x07\x01"),
    "a list": safetensors([entry(0, 4)], b"1234"),
    "no text": safetensors(b'{"\xff": 1}'),
    "nested": safetensors(b"[" * 100_000),
    "nested objects": safetensors(b'{"a":' * 50_000),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_arrays(root: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root.parent)
    forge(root, state_safetensors=HOSTILE[kind])
    check_refused(root, "state.safetensors ")


def test_the_same_bytes_for_two_arrays() -> None:
    # Which of the two the library names is chance, so not among those above.
    with pytest.raises(Damage, match=r"(?i)invalid ?offset"):
        tree.decode(safetensors({"a": entry(0, 4), "b": entry(0, 4)}, b"1234"))


def test_the_bomb_would_have_gone_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broken twin: a reader that unpickles."""
    monkeypatch.chdir(tmp_path)
    pickle.loads(HOSTILE["a pickle"])
    assert os.listdir(tmp_path) == ["executed"]


def repeated(size: int) -> bytes:
    return b'{"a": 1, ' + b'"a": [[], {}], ' * (size // 15) + b'"a": 1}'


@pytest.mark.parametrize(
    ("file", "data"),
    [
        ("state_safetensors", safetensors(repeated(2**19))),
        ("state_safetensors", safetensors(repeated(2**25))),
        ("state_safetensors", safetensors(b'{"a": ' + b"1" * 2**22 + b"}")),
        ("state_json", repeated(2**19)),
        ("state_json", b'{"schema": ' + b"[" * 2**20),
        ("state_json", b'{"schema": ' + b"9" * 2**20 + b"}"),
    ],
    ids=["header", "long header", "digits in it", "state", "nested", "digits"],
)
def test_json_that_is_to_explode(root: Path, file: str, data: bytes) -> None:
    forge(root, **{file: data})
    tracemalloc.start()
    start = time.perf_counter()
    try:
        with pytest.raises(ConfigError):
            load(folder(root, 2))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 40 * len(data)
    assert time.perf_counter() - start < 20  # it takes a fraction of a second
    check_refused(root, file.replace("_", "."))


@pytest.mark.parametrize(
    "content",
    [
        [],
        "text",
        {},
        {"schema": "jaxtrain.checkpoint/1"},
        {"schema": "jaxtrain.checkpoint/1", "step": 2, "score": 0.5, "meta": 1, "x": 1},
        {"schema": "jaxtrain.checkpoint/1", "step": 1, "score": 0.5, "meta": 1},
        {"schema": "jaxtrain.checkpoint/1", "step": 2, "score": 0.4, "meta": 1},
        {"schema": "jaxtrain.checkpoint/1", "step": 2, "score": None, "meta": 1},
        {"schema": "jaxtrain.checkpoint/1", "step": 2, "score": [[]], "meta": 1},
        {"schema": "jaxtrain.checkpoint/2", "step": 2, "score": 0.5, "meta": 1},
        {"schema": ["jaxtrain.checkpoint/1"]},
    ],
)
def test_another_state(root: Path, content: Any) -> None:
    forge(root, state_json=json.dumps(content).encode())
    check_refused(root, "state.json ")


SHA = hashlib.sha256(b"").hexdigest()
RIGHT = {
    "schema": "jaxtrain.checkpoint/1",
    "step": 2,
    "score": 0.5,
    "files": {
        "state.safetensors": {"size": 0, "sha256": SHA},
        "state.json": {"size": 0, "sha256": SHA},
    },
}


def changed(*path: str, to: Any) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(json.dumps(RIGHT))
    part = content
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = to
    return content


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (changed("files", "../x", to={"size": 0, "sha256": SHA}), "lists '../x', "),
        (changed("files", "/etc/passwd", to={"size": 0, "sha256": SHA}), "lists '/et"),
        (changed("files", "a\nb", to={"size": 0, "sha256": SHA}), r"lists 'a\nb', "),
        (changed("files", "manifest.json", to={"size": 0, "sha256": SHA}), "lists 'm"),
        (changed("files", to={}), "does not list state.safetensors"),
        (changed("files", to=[]), "is not of this schema"),
        (changed("files", "state.json", to=[]), "is not of this schema"),
        (changed("files", "state.json", to={"size": 0}), "is not of this schema"),
        (changed("files", "state.json", "more", to=0), "is not of this schema"),
        (changed("files", "state.json", "size", to=-1), "has -1 as the size of"),
        (changed("files", "state.json", "size", to=True), "has True as the size of"),
        (changed("files", "state.json", "size", to=1.0), "has 1.0 as the size of"),
        (changed("files", "state.json", "sha256", to=[[]]), "has a list as the SHA"),
        (changed("files", "state.json", "sha256", to=SHA.upper()), "has another SHA"),
        (changed("step", to=-2), "has -2 as its step"),
        (changed("step", to=2.0), "has 2.0 as its step"),
        (changed("step", to=None), "has None as its step"),
        (changed("score", to="low"), "has 'low' as its score"),
        (changed("score", to=1), "has 1 as its score"),
        (changed("more", to=1), "is not as it was written"),
        (changed("schema", to="jaxtrain.checkpoint/2"), "written by a newer version"),
        (changed("schema", to="jaxtrain.checkpoint/10"), "written by a newer version"),
        (changed("schema", to="jaxtrain.checkpoint/0"), "has 'jaxtrain.checkpoint/0'"),
        (changed("schema", to="jaxtrain.history/1"), "has 'jaxtrain.history/1' as"),
        (changed("schema", to=[]), "has a list as its schema"),
        ([], "has None as its schema"),
        (None, "has None as its schema"),
    ],
)
def test_another_manifest(root: Path, content: Any, reason: str) -> None:
    for name in _manifest.CONTENTS:
        (folder(root, 2) / name).write_bytes(b"")
    (folder(root, 2) / "manifest.json").write_text(json.dumps(content) + "\n")
    check_refused(root, reason)


@pytest.mark.parametrize(
    "data",
    [
        json.dumps(RIGHT).encode().replace(b'{"schema"', b'{"step": 2, "schema"'),
        json.dumps(RIGHT, indent=1).encode() + b"\n",
        json.dumps(RIGHT).encode(),  # without the end of its line
        b"[" * 4000,
        b'{"schema": ' + b"[" * 900 + b"]" * 900 + b"}",
        b"{" + b" " * 10_000 + b"}",
        "{\u00e9}".encode("utf-16"),
        b"",
    ],
    ids=range(8),
)
def test_a_manifest_that_is_written_otherwise(root: Path, data: bytes) -> None:
    (folder(root, 2) / "manifest.json").write_bytes(data)
    check_refused(root, "manifest.json ")


def test_a_link_out_of_the_store_is_not_followed(root: Path) -> None:
    """A folder of links to a whole checkpoint elsewhere."""
    elsewhere = root.parent / "elsewhere"
    folder(root, 2).rename(elsewhere)
    folder(root, 2).mkdir()
    for path in elsewhere.iterdir():
        (folder(root, 2) / path.name).symlink_to(path)
    check_refused(root, "manifest.json is a link")
    assert is_right(read(root).checkpoint, 1)


SMALL = tree.encode({"a": np.arange(3.0), "b": np.array([True])})


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, len(SMALL) - 1), st.binary(max_size=3))),
    st.integers(0, len(SMALL)),
)
@example([], len(SMALL))
def test_no_bytes_at_all_raise_anything_else(
    edits: list[tuple[int, bytes]], length: int
) -> None:
    data = bytearray(SMALL[:length])
    for at, piece in edits:
        data[at : at + len(piece)] = piece
    arrays, reason = {}, ""
    try:
        arrays = tree.decode(bytes(data))
    except Damage as error:
        reason = str(error)
    assert "\n" not in reason
    assert sum(array.nbytes for array in arrays.values()) <= len(data)


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_no_manifest_raises_anything_else(data: bytes) -> None:
    with pytest.raises(Damage):
        _manifest.decode(data)
