"""The IDX format: what is right is read, and everything else is named."""

from __future__ import annotations

import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jaxtrain.data import DataError, Split, idx, write_idx


def header(*sizes: int, magic: bytes = b"\0\0\x08") -> bytes:
    return magic + bytes([len(sizes)]) + struct.pack(f">{len(sizes)}I", *sizes)


@given(st.lists(st.integers(1, 5), min_size=1, max_size=4), st.binary(min_size=1))
def test_decode_is_the_inverse_of_encode(shape: list[int], seed: bytes) -> None:
    array = np.resize(np.frombuffer(seed, np.uint8), shape)
    again = idx.decode(idx.encode(array))
    np.testing.assert_array_equal(again, array)
    assert again.dtype == np.uint8
    assert not again.flags.writeable


@given(st.one_of(st.binary(max_size=64), st.binary().map(b"\0\0\x08".__add__)))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        array = idx.decode(data)
    except DataError:
        return
    assert idx.encode(array) == data


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "F is empty (0 bytes)"),
        (b"<!DOCTYPE html>\n<title>403</title>", "F is a web page or an XML message"),
        (b"  \n<Error><Code>AccessDenied", "it starts with '<Error><Code>"),
        (b"\x1f\x8b\x08\x00", "F starts with 0x1f8b0800; an IDX file"),
        (b"\0\0", "F starts with 0x0000; an IDX file"),
        (header(2, magic=b"\0\0\x0d") + b"ab", "IDX element type 0x0d"),
        (b"\0\0\x08\0", "0 dimensions; expected"),
        (b"\0\0\x08\xff", "255 dimensions; expected"),
        (b"\0\0\x08\x03\0\0", "header is 16 bytes long and the file 6"),
        (header(3) + b"ab", "announces 3 = 3 bytes and 2 follow"),
        (header(2) + b"abc", "has 1 bytes more than the 2 that its header"),
        (header(0, 28, 28), "holds nothing: its header announces 0 x 28 x 28"),
    ],
)
def test_faults_are_named(data: bytes, message: str) -> None:
    with pytest.raises(DataError) as caught:
        idx.decode(data, "F")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("count", [2**31, 2**32 - 1])
def test_a_huge_count_allocates_nothing(count: int) -> None:
    data = header(count, count, count) + bytes(100)
    tracemalloc.start()
    with pytest.raises(DataError, match="and 100 follow"):
        idx.decode(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20


def test_encode_refuses_what_it_cannot_hold() -> None:
    with pytest.raises(DataError, match="hold uint8, not float64"):
        idx.encode(np.zeros(3))  # type: ignore[arg-type]


def test_write_idx_writes_the_standard_names(tmp_path: Path) -> None:
    split = Split(np.full((3, 28, 28), 7, np.uint8), np.arange(3, dtype=np.uint8))
    images, labels = write_idx(split, tmp_path / "new" / "raw", "test")
    assert [images.name, labels.name] == [
        "t10k-images-idx3-ubyte",
        "t10k-labels-idx1-ubyte",
    ]
    np.testing.assert_array_equal(idx.decode(images.read_bytes()), split.images)
    np.testing.assert_array_equal(idx.decode(labels.read_bytes()), split.labels)


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        ((3, 28, 28), (2,), "3 images but 2 labels"),
        ((3, 784), (3,), r"images are uint8 of shape \(3, 784\)"),
        ((3, 28, 28), (3, 1), "they must be uint8 with 1 dimension$"),
    ],
)
def test_a_split_refuses_what_does_not_fit(
    images: tuple[int, ...], labels: tuple[int, ...], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        Split(np.zeros(images, np.uint8), np.zeros(labels, np.uint8))


def test_a_split_keeps_uint8() -> None:
    images = np.zeros((1, 28, 28), np.float32)
    with pytest.raises(DataError, match="images are float32"):
        Split(images, np.zeros(1, np.uint8))  # type: ignore[arg-type]
