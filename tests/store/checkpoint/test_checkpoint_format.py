"""Checkpoints that were written by version 1 of the format are read for ever.

Where this fails, `jaxtrain.checkpoint/1` has changed: let the version go up, and
let the reader go on reading both.
"""

import json
import struct
from pathlib import Path

import ml_dtypes
import numpy as np
from checkpoint_content import same

from jaxtrain.store.checkpoint import Store, load

ARRAYS = {
    "b": np.array([1, -0.0], ml_dtypes.bfloat16),
    "count": np.array(3, np.int32),
    "w": np.array([[0.5, np.nan]], np.float32),
}
META = {"epoch": 2, "losses": [0.25, float("inf")]}

STATE = (
    b'{"schema": "jaxtrain.checkpoint/1", "step": 7, "score": 0.125, '
    b'"meta": {"epoch": 2, "losses": [0.25, {"$float": "inf"}]}}\n'
)
HEADER = (
    b'{"w":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},'
    b'"count":{"dtype":"I32","shape":[],"data_offsets":[8,12]},'
    b'"b":{"dtype":"BF16","shape":[2],"data_offsets":[12,16]}}       '
)
DATA = b"\x00\x00\x00?\x00\x00\xc0\x7f\x03\x00\x00\x00\x80?\x00\x80"
MANIFEST = (
    b'{"schema": "jaxtrain.checkpoint/1", "step": 7, "score": 0.125, "files": {'
    b'"state.safetensors": {"size": 200, "sha256": '
    b'"825ea8864b5fc3ce84cc90439a74ed4387a06bf892054fcdfc72dc85c6ac72ab"}, '
    b'"state.json": {"size": 122, "sha256": '
    b'"2cf4cf6f30f83ef5d49c776310ec04da3b10b2976c7940ffab8f1832642b7155"}}}\n'
)


def test_version_1_is_read(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_bytes(STATE)
    safetensors = struct.pack("<Q", len(HEADER)) + HEADER + DATA
    (tmp_path / "state.safetensors").write_bytes(safetensors)
    (tmp_path / "manifest.json").write_bytes(MANIFEST)
    found = load(tmp_path)
    assert (found.step, found.score, found.meta) == (7, 0.125, META)
    assert same(found.arrays, ARRAYS)


def test_version_1_is_what_is_written(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        store.save(7, ARRAYS, META, 0.125)
    path = tmp_path / "step-00000007"
    assert (path / "state.json").read_bytes() == STATE
    # How the library lays out a header is the library's.
    written = json.loads((path / "manifest.json").read_bytes())
    right = json.loads(MANIFEST)
    del written["files"]["state.safetensors"], right["files"]["state.safetensors"]
    assert written == right
