"""Answers that a report can show without the data set."""

import io
import pickle
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import run_events as toy

from jaxtrain.data import Split
from jaxtrain.errors import ConfigError
from jaxtrain.store import events
from jaxtrain.store.run_folder import Predictions, predictions, read_run


@pytest.fixture
def kept(tmp_path: Path) -> Predictions:
    toy.write(tmp_path / "out")
    found = read_run(tmp_path / "out").predictions
    assert found is not None
    return found


def test_they_are_the_network_s(kept: Predictions) -> None:
    assert kept.classes == toy.CLASSES
    np.testing.assert_array_equal(kept.labels, toy.DATA.test.labels)
    np.testing.assert_array_equal(kept.outputs, toy.outputs())
    assert (kept.labels.dtype, kept.outputs.dtype) == (np.uint8, np.float32)


def test_anybody_can_open_them(kept: Predictions, tmp_path: Path) -> None:
    with np.load(tmp_path / "out" / "predictions.npz", allow_pickle=False) as arrays:
        assert sorted(arrays) == sorted(vars(kept))
        assert arrays["classes"].tolist() == [*toy.CLASSES]


def test_the_first_images_are_the_samples(kept: Predictions) -> None:
    assert kept.sample_indices.tolist() == [*range(25)]
    np.testing.assert_array_equal(kept.sample_images, toy.DATA.test.images[:25])


def test_the_worst_mistakes_have_the_largest_loss(kept: Predictions) -> None:
    # In float64, and by the definition.
    powers = np.exp(toy.outputs().astype(float))
    shares = powers / powers.sum(1, keepdims=True)
    np.testing.assert_allclose(kept.probabilities, shares, rtol=1e-12)
    losses = -np.log(shares[np.arange(70), kept.labels])
    wrong = np.flatnonzero(shares.argmax(1) != kept.labels)
    expected = sorted(wrong, key=lambda n: -losses[n])[:25]
    assert kept.mistake_indices.tolist() == expected
    assert len(wrong) > 25
    images = toy.DATA.test.images[expected]
    np.testing.assert_array_equal(kept.mistake_images, images)
    # The broken twin: what is least sure of itself is not what is most wrong.
    unsure = sorted(wrong, key=lambda n: shares[n].max())[:25]
    assert kept.mistake_indices.tolist() != unsure


def test_without_mistakes_there_are_none() -> None:
    outputs = np.eye(3, dtype=np.float32)[toy.DATA.test.labels]
    kept = predictions.choose(outputs, toy.DATA)
    assert kept.mistake_images.shape == (0, 28, 28)


def test_a_run_that_diverged_is_wrong_above_all() -> None:
    outputs = toy.outputs()
    label = toy.DATA.test.labels[40]
    outputs[40] = np.nan
    outputs[40, (label + 1) % 3] = np.inf
    wrong = predictions.choose(outputs, toy.DATA)
    assert wrong.mistake_indices[0] == 40
    assert np.isnan(wrong.probabilities[40]).all()


def test_fewer_images_than_are_shown() -> None:
    test = Split(toy.DATA.test.images[:3], toy.DATA.test.labels[:3])
    few = predictions.choose(toy.outputs()[:3], replace(toy.DATA, test=test))
    assert few.sample_indices.tolist() == [0, 1, 2]


def test_other_outputs_are_refused() -> None:
    with pytest.raises(
        ValueError, match=r"outputs are \(70, 4\); they must be \(70, 3\)"
    ):
        predictions.choose(np.zeros((70, 4)), toy.DATA)


def test_outputs_of_another_type_are_kept_as_float32(tmp_path: Path) -> None:
    before = [*toy.story()][:-1]
    wide = toy.outputs().astype(np.float64) + 1e-12
    toy.write(tmp_path / "out", [*before, events.Tested(80.0, 0.9, wide)])
    kept = read_run(tmp_path / "out").predictions
    assert kept is not None
    np.testing.assert_array_equal(kept.outputs, toy.outputs())


def member(array: Any, **options: Any) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array(stream, np.asarray(array), **options)
    return stream.getvalue()


def spoilt(path: Path, compression: int = zipfile.ZIP_STORED, **members: Any) -> None:
    """The file with other members; one that is None is left out."""
    with zipfile.ZipFile(path) as archive:
        held = {name: archive.read(name) for name in archive.namelist()}
    held |= {f"{name}.npy": data for name, data in members.items()}
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in held.items():
            if data is not None:
                archive.writestr(name, data)


class Bomb:
    """Leaves a trace if it is ever unpickled."""

    def __reduce__(self) -> Any:
        return Path.touch, (Path("unpickled"),)


def huge() -> bytes:
    """A header that promises ten terabytes."""
    return member(np.zeros(4, np.uint8)).replace(b"(4,), }", b"(10000000000000,), }")


HOSTILE: dict[str, tuple[dict[str, Any], str]] = {
    "missing": ({"labels": None}, "its arrays are"),
    "more": ({"more": member([1])}, "its arrays are"),
    "pickle": (
        {"labels": member(np.array([Bomb()]), allow_pickle=True)},
        "does not hold",
    ),
    "plain pickle": ({"labels": pickle.dumps(Bomb())}, "magic string"),
    "huge": ({"labels": huge()}, "does not hold"),
    "short": ({"labels": member(np.zeros(70, np.uint8))[:-1]}, "does not hold"),
    "empty": ({"labels": b""}, "EOF|expected"),
    "other type": ({"labels": member(np.zeros(70))}, "labels are float64"),
    "other length": ({"labels": member(np.zeros(3, np.uint8))}, "outputs are float32"),
    "no such class": ({"labels": member(np.full(70, 3, np.uint8))}, "a label is 3"),
    "no such image": (
        {"sample_indices": member(np.full(25, 70))},
        "sample_indices are not of images",
    ),
    "flat": (
        {"sample_images": member(np.zeros((25, 784), np.uint8))},
        "sample_indices are not of images",
    ),
    "names": ({"classes": member(np.zeros(3))}, "classes are float64"),
    "scalar": ({"classes": member("a")}, "unsized|len"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_anything_else_is_refused_and_nothing_is_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    toy.write(tmp_path / "out")
    monkeypatch.chdir(tmp_path)
    members, told = HOSTILE[name]
    spoilt(tmp_path / "out" / "predictions.npz", **members)
    with pytest.raises(ConfigError, match=f"predictions.npz holds no .*({told})"):
        read_run(tmp_path / "out")
    assert not Path("unpickled").exists()


def test_what_is_packed_is_not_unpacked(tmp_path: Path) -> None:
    toy.write(tmp_path / "out")
    path = tmp_path / "out" / "predictions.npz"
    spoilt(path, zipfile.ZIP_DEFLATED)
    with pytest.raises(ConfigError, match="compressed or too large"):
        read_run(tmp_path / "out")


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.999])
def test_a_part_of_the_file_is_refused(tmp_path: Path, share: float) -> None:
    toy.write(tmp_path / "out")
    path = tmp_path / "out" / "predictions.npz"
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(ConfigError, match=r"predictions\.npz holds no predictions"):
        read_run(tmp_path / "out")


def test_a_changed_byte_is_seen(tmp_path: Path) -> None:
    toy.write(tmp_path / "out")
    path = tmp_path / "out" / "predictions.npz"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(ConfigError, match="does not match its checksum"):
        read_run(tmp_path / "out")
