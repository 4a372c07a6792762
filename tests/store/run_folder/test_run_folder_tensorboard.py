"""TensorBoard's files, as TensorBoard itself reads them."""

import math
import struct
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import run_events as toy

pytest.importorskip("tensorboard")

from jaxtrain.errors import ConfigError
from jaxtrain.store.events import Sampled

EVENTS = [*toy.story()]


def crc32c(data: bytes) -> int:
    """Castagnoli's checksum, bit by bit."""
    value = 0xFFFFFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
    return value ^ 0xFFFFFFFF


def masked(data: bytes) -> bytes:
    """As tensorflow/core/lib/hash/crc32c.h stores it."""
    value = crc32c(data)
    rotated = (value >> 15 | value << 17) & 0xFFFFFFFF
    return struct.pack("<I", rotated + 0xA282EAD8 & 0xFFFFFFFF)


def records(data: bytes) -> list[bytes]:
    """The parts of an event file, each checked against its sums."""
    found = []
    while data:
        head, sum_ = data[:8], data[8:12]
        assert sum_ == masked(head)
        (size,) = struct.unpack("<Q", head)
        body, sum_ = data[12 : 12 + size], data[12 + size : 16 + size]
        assert sum_ == masked(body)
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
    assert crc32c(data) == sum_
    assert crc32c(data[:-1]) != sum_


def test_a_file_is_whole_after_every_event(tmp_path: Path) -> None:
    with toy.opened(tmp_path / "out", tensorboard=True) as folder:
        counts = []
        for event in EVENTS:
            folder.add(event)
            (path,) = (tmp_path / "out" / "tensorboard").iterdir()
            counts.append(len(records(path.read_bytes())))
    assert counts[:3] == [2, 3, 6]
    # Version and session, 21 steps, 9 samples, 3 epochs.
    assert counts[-1] == 2 + 21 + 9 + 3
    torn = path.read_bytes()[:-1]
    with pytest.raises(AssertionError):
        records(torn)


def test_without_being_asked_for_there_is_none(tmp_path: Path) -> None:
    toy.write(tmp_path / "out")
    assert not (tmp_path / "out" / "tensorboard").exists()


def test_without_the_package_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    told = r"--tensorboard needs tensorboard, which .* 'jaxtrain\[tensorboard\]'"
    with pytest.raises(ConfigError, match=told):
        toy.write(tmp_path / "out", tensorboard=True)
    assert not [*tmp_path.iterdir()]
    toy.write(tmp_path / "out")


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


@pytest.mark.filterwarnings("ignore")
def test_odd_names_and_numbers_are_written(tmp_path: Path) -> None:
    odd = {"a\udcffb": 1e300, "b\0c": -1e300, "tiny": 1e-60, "nan": math.nan}
    toy.write(
        tmp_path / "out", [EVENTS[0], Sampled(1, 0, odd, {}, {})], tensorboard=True
    )
    found = {tag: value for tag, [(_, value)] in read(tmp_path / "out").items()}
    assert repr(found) == repr(
        {
            "gradient_norms/a?b": math.inf,
            "gradient_norms/b\0c": -math.inf,
            "gradient_norms/nan": math.nan,
            "gradient_norms/tiny": 0.0,
        }
    )
