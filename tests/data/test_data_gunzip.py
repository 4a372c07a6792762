"""Gzip: damage and bombs are refused, the latter without unpacking them."""

from __future__ import annotations

import gzip
import tracemalloc

import numpy as np
import pytest

from jaxtrain.data import DataError
from jaxtrain.data.idx import gunzip

CONTENT = np.random.default_rng(0).bytes(5000)


def test_whole_data_comes_back() -> None:
    assert gunzip(gzip.compress(CONTENT), len(CONTENT)) == CONTENT


@pytest.mark.parametrize("kept", [1, 5, 11, 2500, 5015])
def test_truncation_is_named(kept: int) -> None:
    data = gzip.compress(CONTENT)[:kept]
    with pytest.raises(DataError, match=r"^F is (truncated|damaged): "):
        gunzip(data, len(CONTENT), "F")


def test_a_flipped_bit_is_named() -> None:
    data = bytearray(gzip.compress(CONTENT))
    data[len(data) // 2] ^= 1
    with pytest.raises(DataError, match="F is damaged: gzip says"):
        gunzip(bytes(data), len(CONTENT), "F")


def test_a_bomb_is_stopped_early() -> None:
    bomb = gzip.compress(bytes(100 << 20))
    tracemalloc.start()
    with pytest.raises(DataError, match="unpacks to more than the 5,000 bytes"):
        gunzip(bomb, 5000, "F")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2 << 20


def test_broken_twin_without_a_cap_the_bomb_goes_off() -> None:
    bomb = gzip.compress(bytes(100 << 20))
    tracemalloc.start()
    gzip.decompress(bomb)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak > 100 << 20
