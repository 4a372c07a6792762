"""Files that are not the images they should be: one line, and nothing is run."""

import io
import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("PIL")

from PIL import Image

from jaxtrain.data import photo as reading
from jaxtrain.data.photo import bring, read_image
from jaxtrain.errors import ConfigError

PIXELS = np.random.default_rng(0).integers(0, 256, (60, 50, 3), dtype=np.uint8)


def refusal(path: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        read_image(path)
    message = str(caught.value)
    assert "\n" not in message
    assert str(path) in message
    return message


def encoded(kind: str) -> bytes:
    whole = io.BytesIO()
    Image.fromarray(PIXELS).save(whole, kind)
    return whole.getvalue()


def chunk(name: bytes, data: bytes) -> bytes:
    sum_ = zlib.crc32(name + data)
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", sum_)


def png(width: int, height: int, data: bytes) -> bytes:
    """A greyscale PNG file that says to have so many pixels."""
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(data))
    return b"\x89PNG\r\n\x1a\n" + parts + chunk(b"IEND", b"")


def test_missing_files_and_folders(tmp_path: Path) -> None:
    assert "No such file" in refusal(tmp_path / "none.png")
    assert "is not a file" in refusal(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_keeps_nobody_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.png")
    assert "is not a file" in refusal(tmp_path / "a.png")


@pytest.mark.parametrize("data", [b"", b"\x89PNG", b"no image", bytes(1000)])
def test_what_is_no_image(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(data)
    assert "no image that can be read" in refusal(path)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM"])
def test_a_cut_file_is_refused(tmp_path: Path, kind: str) -> None:
    path, whole = tmp_path / "a", encoded(kind)
    path.write_bytes(whole)
    read_image(path)
    for length in (len(whole) // 2, len(whole) * 3 // 4):
        path.write_bytes(whole[:length])
        message = refusal(path)
        assert "is damaged" in message or "no image that can be read" in message


def test_damaged_pixels_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(png(9, 9, bytes(9 * 10)))
    read_image(path)
    path.write_bytes(png(9, 9, bytes(9 * 10))[:-20] + bytes(20))
    assert "is damaged" in refusal(path)


@pytest.mark.parametrize("size", [(9000, 9000), (20000, 20000), (2**31 - 1, 2)])
def test_a_bomb_is_not_set_off(tmp_path: Path, size: tuple[int, int]) -> None:
    """A file of a few bytes that says to have gigabytes of pixels."""
    path = tmp_path / "a.png"
    path.write_bytes(png(*size, bytes(100)))
    message = refusal(path)
    assert "at most 67,108,864" in message


def test_a_bomb_of_text_is_not_set_off(tmp_path: Path) -> None:
    path, whole = tmp_path / "a.png", png(9, 9, bytes(9 * 10))
    text = chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(2**28)))
    end = len(whole) - 12
    path.write_bytes(whole[:end] + text + whole[end:])
    assert path.stat().st_size < 2**20
    assert "is damaged" in refusal(path) or "Decompressed" in refusal(path)


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(encoded("PNG"))
    os.truncate(path, reading.MOST_BYTES + 1)
    assert "at most 268,435,456 are read" in refusal(path)


def test_a_format_that_starts_a_program_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.eps"
    Image.fromarray(PIXELS).save(path, "EPS")
    with Image.open(path) as opened:
        assert opened.format == "EPS"
    assert "no image that can be read" in refusal(path)


def test_numbers_without_a_white_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.tiff"
    Image.fromarray(np.ones((9, 9), np.float32)).save(path)
    assert "floating-point" in refusal(path)
    Image.fromarray(np.full((9, 9), 2**16, np.int32)).save(path)
    assert "32-bit" in refusal(path)


def test_the_first_picture_of_several(tmp_path: Path) -> None:
    first, second = (np.full((28, 28), shade, np.uint8) for shade in (0, 90))
    first[9:20, 9:20] = 200
    images = [Image.fromarray(pixels) for pixels in (first, second)]
    images[0].save(tmp_path / "a.gif", save_all=True, append_images=images[1:])
    np.testing.assert_array_equal(bring(read_image(tmp_path / "a.gif")).pixels, first)


def test_pillow_is_imported_when_an_image_is_read(tmp_path: Path) -> None:
    look = "import sys, jaxtrain.commands.predict; sys.exit(any(m in sys.modules "
    look += "for m in ('PIL', 'jax', 'matplotlib')))"
    assert subprocess.run([sys.executable, "-c", look], cwd=tmp_path).returncode == 0


def test_without_pillow_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(ConfigError, match=r"pip install 'jaxtrain\[images\]'"):
        read_image(tmp_path / "a.png")
