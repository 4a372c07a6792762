"""TensorBoard's files, as TensorBoard itself reads them."""

import math
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import run_events as toy

from jaxtrain.store.run_folder import tensorboard as board

EVENTS = [*toy.story()]


def records(path: Path) -> list[bytes]:
    """The parts of an event file, each checked against its sums."""
    data, found = path.read_bytes(), []
    while data:
        head, sum_ = data[:8], data[8:12]
        assert sum_ == board._masked(head)
        (size,) = struct.unpack("<Q", head)
        body, sum_ = data[12 : 12 + size], data[12 + size : 16 + size]
        assert sum_ == board._masked(body)
        found.append(body)
        data = data[16 + size :]
    return found


@pytest.mark.parametrize(
    ("data", "sum_"),
    [
        # RFC 3720, appendix B.4.
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (bytes(range(31, -1, -1)), 0x113FDB5C),
    ],
)
def test_the_sum_is_the_one_of_the_standard(data: bytes, sum_: int) -> None:
    assert board.crc32c(data) == sum_
    assert board.crc32c(data[:-1]) != sum_


def test_a_file_is_whole_after_every_event(tmp_path: Path) -> None:
    with toy.opened(tmp_path / "out", tensorboard=True) as folder:
        counts = []
        for event in EVENTS:
            folder.add(event)
            (path,) = (tmp_path / "out" / "tensorboard").iterdir()
            counts.append(len(records(path)))
    assert counts[:3] == [2, 3, 6]
    # Version and session, 21 steps, 9 samples, 3 epochs.
    assert counts[-1] == 2 + 21 + 9 + 3


def test_without_being_asked_for_there_is_none(tmp_path: Path) -> None:
    toy.write(tmp_path / "out")
    assert not (tmp_path / "out" / "tensorboard").exists()


def test_no_session_takes_the_file_of_another(tmp_path: Path) -> None:
    folder = tmp_path / "out" / "tensorboard"
    for count in range(3):
        toy.write(tmp_path / "out", EVENTS[:1], resume=True, tensorboard=True)
        assert len([*folder.iterdir()]) == count + 1
    min(folder.iterdir()).unlink()
    toy.write(tmp_path / "out", EVENTS[:1], resume=True, tensorboard=True)
    names = sorted(path.name for path in folder.iterdir())
    assert names == [f"events.out.tfevents.{n:06d}" for n in (1, 2, 3)]


def read(out: Path) -> dict[str, list[tuple[int, float]]]:
    """Every scalar, by TensorBoard's own reader."""
    accumulator = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator"
    )
    reader = accumulator.EventAccumulator(
        str(out / "tensorboard"), size_guidance={"scalars": 0}
    )
    reader.Reload()
    return {
        tag: [(each.step, each.value) for each in reader.Scalars(tag)]
        for tag in sorted(reader.Tags()["scalars"])
    }


def same(found: list[tuple[int, float]], steps: Any, values: Any) -> None:
    assert [step for step, _ in found] == [*steps]
    expected = np.array([*values], np.float32)
    np.testing.assert_array_equal([value for _, value in found], expected)


# Its generated code and its own code warn on this Python.
@pytest.mark.filterwarnings("ignore")
def test_tensorboard_reads_the_same_values(tmp_path: Path) -> None:
    toy.write(tmp_path / "out", tensorboard=True)
    found = read(tmp_path / "out")
    assert sorted(found) == [
        "accuracy",
        "avg_loss",
        "dead/1",
        "gradient_norms/0.bias",
        "gradient_norms/0.weight",
        "loss",
        "lr",
        "momentum",
        "throughput",
        "train_loss",
        "update_ratios/0.bias",
        "update_ratios/0.weight",
    ]
    numbers = range(21)
    same(found["loss"], numbers, map(toy.loss, numbers))
    assert math.isnan(found["loss"][11][1])
    same(found["lr"], numbers, (0.1 * 0.99**n for n in numbers))
    same(found["momentum"], numbers, (0.9 + 0.1 * 0.99**n / 1e3 for n in numbers))
    same(found["accuracy"], [6, 13, 20], [60, 70, 80])
    same(found["throughput"], [6, 13, 20], [100, 100, 100])
    places = [0, 3, 6, 7, 10, 13, 14, 17, 20]
    same(found["gradient_norms/0.weight"], places, (1.0 + n for n in places))
    with pytest.raises(AssertionError):
        same(found["lr"], numbers, (0.1 * 0.98**n for n in numbers))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("origin", [toy.resumed(6), toy.resumed(7), toy.resumed(13)])
def test_resumed_every_value_is_there_once(tmp_path: Path, origin: Any) -> None:
    toy.write(tmp_path / "whole", tensorboard=True)
    out = tmp_path / "out"
    toy.write(out, EVENTS[:25], tensorboard=True)
    toy.write(out, [*toy.story(origin)], resume=True, tensorboard=True)
    assert len([*(out / "tensorboard").iterdir()]) == 2
    assert repr(read(out)) == repr(read(tmp_path / "whole"))


@pytest.mark.filterwarnings("ignore")
def test_begun_anew_nothing_of_before_is_left(tmp_path: Path) -> None:
    toy.write(tmp_path / "whole", tensorboard=True)
    out = tmp_path / "out"
    for count in (1, len(EVENTS)):
        toy.write(out, EVENTS[:count], resume=True, tensorboard=True)
    assert repr(read(out)) == repr(read(tmp_path / "whole"))
