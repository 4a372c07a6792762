"""Golden files: whole, refused in one line, or absent; reading one runs nothing."""

import io
import json
import pickle
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flax import nnx

torch = pytest.importorskip("torch")

from ported import batches, case, original, port
from safetensors.numpy import load_file

import parity
from jaxtrain import nn
from parity.golden import (
    Golden,
    GoldenError,
    Playback,
    golden_pairs,
    make_golden,
    read,
    write,
)
from parity.golden.file import _digest
from parity.golden.verdict import GoldenTask, with_new_file, with_torch, without_torch
from parity.plugin import golden_path
from parity.port.comparison import record_from

sys.path.insert(0, str(Path(__file__).parents[2] / "fixtures" / "old_trees"))
import make_old_trees as old_trees


@pytest.fixture(scope="module")
def golden() -> Golden:
    return make_golden(original(), batches(), "float64")


@pytest.fixture(scope="module")
def content(golden: Golden, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("golden") / "a.safetensors"
    write(path, golden)
    return path.read_bytes()


def assert_same(a: Any, b: Any) -> None:
    """To the bit, with their types."""
    if isinstance(a, np.ndarray):
        assert (a.dtype, a.shape, a.tobytes()) == (b.dtype, b.shape, b.tobytes())
    elif isinstance(a, dict):
        assert list(a) == list(b)
        for key in a:
            assert_same(a[key], b[key])
    elif isinstance(a, list | tuple):
        assert type(a) is type(b)
        for one, other in zip(a, b, strict=True):
            assert_same(one, other)
    elif hasattr(a, "__dataclass_fields__"):
        assert_same(vars(a), vars(b))
    else:
        assert a == b or a != a


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_what_is_written_is_read(tmp_path: Path, dtype: str) -> None:
    whole = make_golden(original(), batches(), dtype)
    assert write(tmp_path / "a.safetensors", whole)
    assert_same(read(tmp_path / "a.safetensors"), whole)


def test_another_number_would_be_seen(golden: Golden) -> None:
    first = golden.steps[0]
    other = replace(first, loss=float(np.nextafter(first.loss, 9)))
    with pytest.raises(AssertionError):
        assert_same(replace(golden, steps=(other, *golden.steps[1:])), golden)


def test_equal_contents_are_equal_bytes(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "a.safetensors"
    again = make_golden(original(), batches(), "float64")
    assert write(path, again)
    assert path.read_bytes() == content
    assert not write(path, again)
    assert write(path, make_golden(original(seed=1), batches(), "float64"))
    assert [p.name for p in path.parent.iterdir()] == ["a.safetensors"]


def test_safetensors_reads_it(content: bytes, tmp_path: Path, golden: Golden) -> None:
    (tmp_path / "a.safetensors").write_bytes(content)
    found = load_file(tmp_path / "a.safetensors")
    np.testing.assert_array_equal(
        found["steps/1/updates/0.weight"], golden.steps[1].updates["0.weight"]
    )


def refusal(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    with pytest.raises(GoldenError) as caught:
        read(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)
    return str(caught.value)


def test_one_bit_wherever_it_is(content: bytes, tmp_path: Path) -> None:
    places = {*range(16), *range(16, len(content), len(content) // 200)}
    places.add(len(content) - 1)
    for place in places:
        for bit in (0, 5, 7):
            flipped = bytearray(content)
            flipped[place] ^= 1 << bit
            refusal(tmp_path / "a", bytes(flipped))


def test_cut_short_or_added_to(content: bytes, tmp_path: Path) -> None:
    for size in (0, 1, 7, 8, 100, len(content) // 2, len(content) - 1):
        refusal(tmp_path / "a", content[:size])
    assert "is damaged" in refusal(tmp_path / "a", content + b"\0")


class Bomb:
    """Leaves a file where it is unpickled."""

    def __init__(self, place: Path):
        self.place = place

    def __reduce__(self) -> Any:
        return Path.touch, (self.place,)


def test_a_pickle_is_not_unpickled(tmp_path: Path) -> None:
    bomb = Bomb(tmp_path / "exploded")
    archive, saved = io.BytesIO(), io.BytesIO()
    np.savez(archive, a=np.array([bomb], object))
    torch.save({"a": bomb}, saved)
    for data in (pickle.dumps(bomb), archive.getvalue(), saved.getvalue()):
        refusal(tmp_path / "a", data)
    assert not bomb.place.exists()
    pickle.loads(pickle.dumps(bomb))
    assert bomb.place.exists()


def resigned(
    content: bytes, change: Callable[[dict[str, Any], dict[str, Any]], Any]
) -> bytes:
    """A file that was changed by someone who knows how to sign it."""
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + size])
    about = header.pop("__metadata__")
    tree = json.loads(about["tree"])
    change(header, tree)
    about["tree"] = json.dumps(tree)
    about["sha256"] = _digest(header, about, content[8 + size :])
    first = json.dumps({"__metadata__": about, **header}).encode()
    return len(first).to_bytes(8, "little") + first + content[8 + size :]


WEIGHT = "steps/0/before/0.weight"
CHANGES: dict[str, Callable[[Any, Any], Any]] = {
    "type": lambda h, t: h[WEIGHT].update(dtype="O"),
    "shape": lambda h, t: h[WEIGHT].update(shape=[1 << 60, 1 << 60]),
    "other shape": lambda h, t: h[WEIGHT].update(shape=[2, 8]),
    "offsets": lambda h, t: h[WEIGHT].update(data_offsets=[-5, 1 << 70]),
    "no tensor": lambda h, t: h.pop(WEIGHT),
    "no step": lambda h, t: t["steps"].pop(),
    "no steps": lambda h, t: [t[name].clear() for name in ("steps", "exact")],
    "no field": lambda h, t: first_step(t).pop("batch"),
    "no array": lambda h, t: first_step(t).update(loss="text"),
    "dtype": lambda h, t: t.update(dtype="__import__"),
    "kind": lambda h, t: t.update(dtype={"$pickle": "float64"}),
    "layers": lambda h, t: first_step(t).update(layers=[]),
    "outline": lambda h, t: t.update(outline={}),
    "names": lambda h, t: t["outline"]["parameters"].popitem(),
}


def first_step(tree: Any) -> Any:
    return tree["steps"][0]


@pytest.mark.parametrize("name", CHANGES)
def test_a_signature_alone_is_not_believed(
    content: bytes, tmp_path: Path, name: str
) -> None:
    sound = resigned(content, lambda header, tree: None)
    (tmp_path / "sound").write_bytes(sound)
    assert len(read(tmp_path / "sound").steps) == 3
    refusal(tmp_path / "a", resigned(content, CHANGES[name]))


def test_a_description_without_end(content: bytes, tmp_path: Path) -> None:
    deep = b"[" * 200_000
    refusal(tmp_path / "a", len(deep).to_bytes(8, "little") + deep)


def test_other_files_of_the_format(content: bytes, tmp_path: Path) -> None:
    from safetensors.numpy import save

    refusal(tmp_path / "a", save({"w": np.ones(2)}))
    refusal(tmp_path / "a", save({"w": np.ones(2)}, {"schema": "another"}))
    later = content.replace(b'"version": "2"', b'"version": "3"')
    assert later != content
    refusal(tmp_path / "a", later)


def test_one_of_before_is_read(tmp_path: Path) -> None:
    assert_same(read(old_trees.GOLDEN), old_trees.golden())
    # Written again it is of this version, and the same.
    assert write(tmp_path / "a", read(old_trees.GOLDEN))
    assert b'"version": "2"' in (tmp_path / "a").read_bytes()
    assert_same(read(tmp_path / "a"), old_trees.golden())


def test_an_earlier_version_is_trusted_no_more(tmp_path: Path) -> None:
    old = old_trees.GOLDEN.read_bytes()

    def retagged(was: str, now: str) -> bytes:
        changed = json.loads(json.dumps(tree_of(old)).replace(was, now))
        assert changed != tree_of(old)
        return resigned(old, lambda h, t: t.__setitem__(slice(None), changed))

    refusal(tmp_path / "a", retagged('["float", "inf"]', '["pickle", "inf"]'))
    refusal(tmp_path / "a", retagged('["array", "steps/0/lr"]', '["array", "lr"]'))


def tree_of(content: bytes) -> Any:
    size = int.from_bytes(content[:8], "little")
    return json.loads(json.loads(content[8 : 8 + size])["__metadata__"]["tree"])


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(GoldenError, match="No such file"):
        read(tmp_path / "a")
    (tmp_path / "taken").write_text("")
    with pytest.raises(GoldenError, match="taken"):
        write(tmp_path / "taken" / "a", make_golden(original(), batches(), "float64"))


# In float32, and with what the runs of pytest do not show.


def verdict(golden: Golden, defect: str) -> Any:
    made, dtype = case(defect), golden.dtype
    pairs = golden_pairs(golden, made, None)
    return record_from(Playback(golden), made, pairs, dtype).report


def test_float32_is_judged_by_the_same_bounds() -> None:
    whole = make_golden(original(), batches(), "float32")
    stored = verdict(whole, "none")
    live = parity.compare(case(), dtype="float32")
    assert stored.passed, str(stored)
    assert stored.rows == live.rows
    first = verdict(whole, "eps").first
    assert first == parity.compare(case("eps"), dtype="float32").first
    assert first is not None


def test_the_port_takes_the_files_batches_where_it_has_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Those of a `DataLoader` cannot be had without PyTorch."""

    def loading() -> parity.TorchSide:
        return replace(original(), batches=iter(batches()))

    task = GoldenTask(tmp_path / "a", "", None, "float64")
    shared = parity.Case(loading, port())
    told: list[bool] = []
    assert with_new_file(shared, task, told.append) == ""
    assert told == [True]
    monkeypatch.setitem(sys.modules, "torch", None)
    assert without_torch(parity.Case(loading, port()), task, False) == ""
    others = parity.Case(loading, port(), [(2 * x, y) for x, y in batches()])
    assert "step 0, batch 'input'" in without_torch(others, task, False)
    fewer = parity.Case(loading, port(), batches()[:2])
    assert "no batch 2 on the JAX side" in without_torch(fewer, task, False)
    assert "needs PyTorch" in without_torch(shared, task, True)


def test_a_file_is_written_though_the_port_has_no_place_for_it(
    tmp_path: Path,
) -> None:
    task = GoldenTask(tmp_path / "a", "", None, "float64")
    other = replace(port(), model=nnx.Sequential(nn.Linear(4, 3)))
    told: list[bool] = []
    said = with_new_file(parity.Case(original, other, batches()), task, told.append)
    assert said.startswith("without a counterpart are, in PyTorch: ")
    assert told == [True]
    again = with_new_file(case("eps"), task, told.append)
    assert again.startswith("departs first at step 0, update")
    assert told == [True, False]
    assert with_torch(parity.Case(original, other, batches()), task) == said


def test_names_are_safe_and_distinct() -> None:
    names = ["a", "a[x-1]", "a[x/1]", "a[../../etc/passwd]", "a[\x00]", "a[é]"]
    names += ["a[" + "x" * 500 + "]", "a[" + "x" * 501 + "]", "A[x:1]", "a[x:1]", "-"]
    found = [golden_path(Path("t/test_p.py"), [name]) for name in names]
    assert len({path.name.lower() for path in found}) == len(names)
    for path in found:
        assert path.parent == Path("t/golden")
        assert set(path.name) <= set(
            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-"
        )
        assert len(path.name) < 200
        assert path.name.startswith("test_p")
