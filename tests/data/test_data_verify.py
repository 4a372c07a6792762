"""Is the file the one it claims to be? Each fault, and what passes unchecked."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from data_fakes import Tiny

from jaxtrain.data import DataError, idx
from jaxtrain.data.fashion_mnist.description import FASHION_MNIST
from jaxtrain.data.fashion_mnist.folder import verify

IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"


def check(tiny: Tiny, name: str, data: bytes) -> bytes:
    return verify(tiny.file(name), data, tiny.manifest, "F")


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_the_right_file_passes(tiny: Tiny, pack: Callable[[bytes], bytes]) -> None:
    for name, data in tiny.contents.items():
        assert check(tiny, name, pack(data)) == data


def flipped(data: bytes, place: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


@pytest.mark.parametrize("place", [16, 5000, -2])
def test_one_flipped_bit_is_refused(tiny: Tiny, place: int) -> None:
    data = flipped(tiny.contents[IMAGES], place % len(tiny.contents[IMAGES]))
    with pytest.raises(DataError, match="F is not Tiny: its decompressed SHA-256"):
        check(tiny, IMAGES, data)


def test_broken_twin_without_the_hash_the_flipped_bit_is_accepted(tiny: Tiny) -> None:
    data = flipped(tiny.contents[IMAGES], 5000)
    assert idx.decode(data).shape == tiny.file(IMAGES).shape


def test_every_single_bit_of_the_labels_matters(tiny: Tiny) -> None:
    data = tiny.contents[LABELS]
    for place in range(len(data)):
        with pytest.raises(DataError):
            check(tiny, LABELS, flipped(data, place))


def test_other_data_under_the_same_name_is_refused(
    tiny: Tiny, other_tiny: Tiny
) -> None:
    with pytest.raises(DataError, match="like MNIST, another data set") as caught:
        check(tiny, IMAGES, other_tiny.contents[IMAGES])
    assert tiny.file(IMAGES).sha256 in str(caught.value)
    assert other_tiny.file(IMAGES).sha256 in str(caught.value)


def test_known_impostors_are_called_by_their_name(tiny: Tiny, other_tiny: Tiny) -> None:
    known = {other_tiny.file(IMAGES).sha256: "MNIST (handwritten digits)"}
    manifest = replace(tiny.manifest, impostors=known)
    with pytest.raises(DataError, match=r"F is MNIST \(handwritten digits\), not Tiny"):
        verify(tiny.file(IMAGES), other_tiny.contents[IMAGES], manifest, "F")


def test_no_hash_is_both_wanted_and_refused() -> None:
    wanted = {file.sha256 for file in FASHION_MNIST.files}
    assert len(wanted) == len(FASHION_MNIST.impostors) == 4
    assert not wanted & set(FASHION_MNIST.impostors)


@pytest.mark.parametrize("label", [10, 255])
def test_a_label_out_of_range_is_named(tiny: Tiny, label: int) -> None:
    labels = idx.decode(tiny.contents[LABELS]).copy()
    labels[17] = label
    with pytest.raises(DataError, match=f"label {label} at position 17; .* 0 to 9"):
        check(tiny, LABELS, idx.encode(labels))


@pytest.mark.parametrize("count", [39, 41])
def test_another_number_of_labels_than_images_is_named(tiny: Tiny, count: int) -> None:
    data = idx.encode(np.zeros(count, np.uint8))
    with pytest.raises(DataError, match=rf"F has shape \({count},\); .* \(40,\)"):
        check(tiny, LABELS, data)


def test_images_in_place_of_labels_are_named(tiny: Tiny) -> None:
    with pytest.raises(DataError, match=r"shape \(40, 28, 28\); .*train-labels"):
        check(tiny, LABELS, tiny.contents[IMAGES])


def test_a_bomb_under_a_good_name_is_refused(tiny: Tiny) -> None:
    with pytest.raises(DataError, match="F unpacks to more than the 48 bytes"):
        check(tiny, LABELS, gzip.compress(bytes(1 << 20)))
