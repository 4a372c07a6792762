"""Checkpoints that cannot be written, are damaged, or are made to do harm.

What the store alone does with them is in `tests/checkpoint`; here it is the run.
"""

import errno
import json
import os
import pickle
import re
import shutil
import struct
from collections.abc import Callable, MutableMapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fault_runs import LINEAR, SAVING, Command, forge, left, nested, refused, steps

from jaxtrain.commands import fashion
from jaxtrain.data import Dataset
from jaxtrain.store import checkpoint
from jaxtrain.store.checkpoint import Store, manifest
from jaxtrain.store.run_folder import RunFolder

FILES = ("manifest.json", "state.json", "state.safetensors")
WEIGHT = "params/linear_relu_stack.0.weight"


class Failing:
    """The module `os`, one call of which fails once the run has some checkpoints."""

    def __init__(self, call: str, code: int, out: Path):
        self.call, self.code, self.out = call, code, out

    def __getattr__(self, name: str) -> Any:
        return self.fail if name == self.call and self.armed else getattr(os, name)

    @property
    def armed(self) -> bool:
        return len(steps(self.out)) >= 2

    def fail(self, *given: Any) -> Any:
        raise OSError(self.code, os.strerror(self.code))


@pytest.mark.parametrize(
    ("call", "code"),
    [("write", errno.ENOSPC), ("fsync", errno.EIO), ("mkdir", errno.EROFS)],
    ids=["a full disk", "a failing disk", "a disk made read-only"],
)
def test_a_save_that_fails_in_mid_run_is_told_and_the_run_goes_on_later(
    command: Command,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    whole: Path,
    call: str,
    code: int,
) -> None:
    out = tmp_path / "run"
    with monkeypatch.context() as patch:
        patch.setattr(manifest, "os", Failing(call, code, out))
        ran = command(f"{SAVING} --out", out)
    refused(ran, f"error: checkpoint {out / 'checkpoints' / 'step-0000000'}")
    assert ran.err.endswith(f"cannot be written: {os.strerror(code)}\n")
    # At once, in the first epoch, and not at the end.
    assert "Test Error" not in ran.out
    assert len(steps(out)) == 2
    for path in steps(out):
        checkpoint.load(path)
    ran = command(f"{SAVING} --resume auto --out", out)
    assert (ran.status, ran.err) == (0, "")
    assert left(out) == left(whole)


def test_a_damaged_newest_checkpoint_is_told_and_done_again(
    command: Command, ended: Path, whole: Path
) -> None:
    newest = steps(ended)[-1] / "state.safetensors"
    newest.write_bytes(newest.read_bytes()[:-1])
    ran = command(f"{SAVING} --resume auto --out", ended)
    assert (ran.status, ran.err) == (0, "")
    assert f"passed over: {newest.parent}: state.safetensors is " in ran.out
    assert left(ended) == left(whole)


def flipped(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


class Bomb:
    def __reduce__(self) -> Any:
        return os.mkdir, ("executed",)


def a_pickle(path: Path) -> None:
    path.write_bytes(pickle.dumps(Bomb()))


@pytest.mark.parametrize("damage", [flipped, truncated, Path.unlink, a_pickle])
@pytest.mark.parametrize("name", FILES)
def test_where_every_checkpoint_is_damaged_nothing_is_trained_or_run(
    command: Command,
    monkeypatch: pytest.MonkeyPatch,
    ended: Path,
    name: str,
    damage: Callable[[Path], None],
) -> None:
    monkeypatch.chdir(ended.parent)
    for path in steps(ended):
        damage(path / name)
    before = content(ended.parent)
    ran = command(f"{SAVING} --resume auto --out", ended)
    refused(ran, f"error: {ended / 'checkpoints'} has no whole checkpoint in it: step-")
    assert all(f" {path.name}: " in ran.err for path in steps(ended))
    assert ran.out == ""
    assert content(ended.parent) == before


def content(folder: Path) -> dict[str, bytes]:
    """Every file in a folder, but for locks."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(p): p.read_bytes() for p in files if p.name != ".lock"}


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        ("--hidden 5", "model.hidden [], now [5]"),
        ("--optimizer adam", "optimizer.name 'sgd', now 'adam'"),
        ("--lr 0.1", "optimizer.lr 0.001, now 0.1"),
        ("--dtype float64", "loop.dtype 'float32', now 'float64'"),
        ("--batch-size 32", "data.batch_size 64, now 32"),
        ("--seed 1 --shuffle", "data.shuffle False, now True; loop.seed 0, now 1"),
    ],
)
def test_another_run_s_checkpoint_is_refused_with_what_differs(
    command: Command, ended: Path, flags: str, told: str
) -> None:
    before = content(ended)
    ran = command(f"{SAVING} {flags} --resume auto --out", ended)
    found = steps(ended)[-1]
    refused(ran, f"error: checkpoint {found}: it is of another run: {told}\n")
    assert content(ended) == before


def test_other_data_is_refused_by_its_hash(
    command: Command, monkeypatch: pytest.MonkeyPatch, ended: Path, tiny: Dataset
) -> None:
    other = Dataset(
        "other", tiny.train, tiny.test, tiny.classes, "", {"train": "00"}, None
    )
    monkeypatch.setattr(fashion, "load", lambda source, on_progress: other)
    ran = command(f"{SAVING} --resume auto --out", ended)
    told = "it is of another run: data train has another SHA-256"
    refused(ran, f"error: checkpoint {steps(ended)[-1]}: {told}\n")


@pytest.mark.parametrize(
    ("name", "schema", "told"),
    [
        ("checkpoints/*/manifest.json", "jaxtrain.checkpoint/2", "by a newer version"),
        ("checkpoints/*/manifest.json", "jaxtrain.checkpoint/0", "as its schema, and"),
        ("config.json", "jaxtrain.run/3", "its schema is not jaxtrain.run/2"),
        ("metrics.jsonl", "jaxtrain.metrics/3", "newer than jaxtrain.metrics/2"),
    ],
)
def test_files_of_another_version_are_refused(
    command: Command, ended: Path, name: str, schema: str, told: str
) -> None:
    ours = re.compile(re.escape(schema[:-1]) + "[0-9]")
    for path in ended.glob(name):
        path.write_text(ours.sub(schema, path.read_text()))
    before = content(ended)
    ran = command(f"{SAVING} --resume auto --out", ended)
    refused(ran, "error: ")
    assert told in ran.err
    assert schema in ran.err
    assert content(ended) == before


def forged(out: Path, **files: bytes) -> Path:
    """Leave one checkpoint, with these files in it and a manifest to vouch for them."""
    for path in steps(out)[:-1]:
        shutil.rmtree(path)
    (path,) = steps(out)
    forge(path, **files)
    return path


def safetensors(header: Any, data: bytes = b"", length: int | None = None) -> bytes:
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def entry(start: int, stop: int) -> dict[str, Any]:
    offsets = [start, stop]
    return {"dtype": "U8", "shape": [stop - start], "data_offsets": offsets}


@pytest.mark.parametrize(
    "data",
    [
        pickle.dumps(Bomb()),
        safetensors({"a": entry(0, 4)}, b"1234", length=2**40),
        safetensors({"a": entry(0, 4), "b": entry(2, 6)}, b"123456"),
        safetensors({"../../evil": entry(0, 4)}, b"1234"),
    ],
    ids=["a pickle", "a huge header", "overlapping", "a name that leads elsewhere"],
)
def test_hostile_arrays_with_the_right_hash_do_nothing(
    command: Command, monkeypatch: pytest.MonkeyPatch, ended: Path, data: bytes
) -> None:
    monkeypatch.chdir(ended.parent)
    path = forged(ended, state_safetensors=data)
    before = content(ended.parent)
    ran = command(f"{SAVING} --resume auto --out", ended)
    refused(ran, "error: ")
    assert str(path.parent) in ran.err
    assert content(ended.parent) == before


def test_a_manifest_that_leads_elsewhere_is_refused(
    command: Command, ended: Path
) -> None:
    precious = ended.parent / "precious"
    precious.write_text("precious")
    path = forged(ended) / "manifest.json"
    path.write_text(path.read_text().replace("state.json", "../../../precious"))
    before = content(ended.parent)
    ran = command(f"{SAVING} --resume auto --out", ended)
    refused(ran, f"error: {ended / 'checkpoints'} has no whole checkpoint in it: ")
    assert "manifest.json lists '../../../precious', which is no file of a" in ran.err
    assert content(ended.parent) == before


Arrays = MutableMapping[str, np.ndarray]
Change = Callable[[Arrays, Any], Any]


def changed(out: Path, change: Change) -> Path:
    """Save the newest checkpoint anew with other content, and no other."""
    found = checkpoint.load(steps(out)[-1])
    arrays, meta = dict(found.arrays), json.loads(json.dumps(found.meta))
    change(arrays, meta)
    forged(out)
    with Store.open(out / "checkpoints") as store:
        store.save(found.step, arrays, meta, found.score)
    return steps(out)[-1]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda arrays, meta: arrays.update(x=np.zeros(3)), "unexpected 'x'"),
        (lambda arrays, meta: arrays.pop(WEIGHT), f"missing '{WEIGHT}'"),
        (
            lambda arrays, meta: arrays.update({WEIGHT: np.zeros((10, 784))}),
            f"'{WEIGHT}' is float64 (10, 784), not float32 (10, 784)",
        ),
        (
            lambda arrays, meta: arrays.update({WEIGHT: arrays[WEIGHT][1:]}),
            f"'{WEIGHT}' is float32 (9, 784), not float32 (10, 784)",
        ),
        (lambda arrays, meta: arrays.pop("losses"), "KeyError('losses')"),
        (
            lambda arrays, meta: arrays.update({"generator/now": np.zeros(3, "u1")}),
            "a generator's state is 5056 bytes long, got 3",
        ),
        (lambda arrays, meta: meta.clear(), "KeyError('config')"),
        (lambda arrays, meta: meta.update(config={"x": 1}), "unknown part of a config"),
        (lambda arrays, meta: meta.update(config=None), "is a table of parts, but got"),
        (lambda arrays, meta: meta.update(past=[3]), "must be a mapping, not int"),
        (lambda arrays, meta: meta.update(place=[]), "TypeError('list indices must"),
        (lambda arrays, meta: meta["place"].update(seconds="x"), "'x' is no number"),
        (lambda arrays, meta: meta["past"][0].update(avg_loss=[]), "[] is no number"),
        (lambda arrays, meta: arrays.update(losses=np.zeros(3)), "its counts contradi"),
        (
            lambda arrays, meta: meta.update(rates={"best": 1.0}),
            "its scheduler's state",
        ),
        (lambda arrays, meta: meta.update(rates=3), "its scheduler's state"),
    ],
)
def test_a_checkpoint_of_other_content_is_refused(
    command: Command, ended: Path, change: Change, told: str
) -> None:
    path = changed(ended, change)
    before = content(ended)
    ran = command(f"{SAVING} --resume auto --out", ended)
    refused(ran, f"error: checkpoint {path}")
    assert told in ran.err
    assert content(ended) == before


def test_a_configuration_that_is_nested_too_deeply_is_refused(
    command: Command, ended: Path
) -> None:
    path = forged(ended, state_json=nested(steps(ended)[-1] / "state.json"))
    ran = command(f"{SAVING} --resume auto --out", ended)
    told = f"{path.parent} has no whole checkpoint in it: {path.name}: state.json has"
    refused(ran, f"error: {told} a depth of more than 128")


@pytest.mark.parametrize("number", [-1, 10**12, "x", None, 1.5, [1]])
@pytest.mark.parametrize("name", ["epoch", "batch", "steps"])
def test_a_checkpoint_whose_counts_contradict_each_other_is_refused(
    command: Command, ended: Path, name: str, number: Any
) -> None:
    path = changed(ended, lambda arrays, meta: meta["place"].update({name: number}))
    ran = command(f"{SAVING} --resume auto --out", ended)
    refused(ran, f"error: checkpoint {path} is none of this program's: ")
    assert ran.out == ""


def test_a_checkpoint_saved_anew_is_gone_on_with(command: Command, ended: Path) -> None:
    """The twin of the refusals: the same way of changing it, and no change."""
    before = left(ended)
    changed(ended, lambda arrays, meta: None)
    ran = command(f"{SAVING} --resume auto --out", ended)
    assert (ran.status, ran.err) == (0, "")
    assert left(ended) == before


def test_two_runs_do_not_write_to_one_folder(
    command: Command, tmp_path: Path, tiny: Dataset
) -> None:
    out = tmp_path / "run"
    with RunFolder.open(out, {}, {}, tiny):
        ran = command(f"{LINEAR} --out", out)
    refused(ran, f"error: --out {out}: another run is writing there; wait for it, or")
    with Store.open(out / "checkpoints"):
        ran = command(f"{LINEAR} --out", out)
    told = f"error: checkpoint folder {out / 'checkpoints'} is in use by another run"
    refused(ran, told)
    assert not (out / "config.json").exists()
