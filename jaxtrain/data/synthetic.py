"""A stand-in for Fashion-MNIST, drawn by code: same shapes, classes and counts.

Every image takes a cut of its garment from a bank of drawings, places it with its own
shift, scale and slant, and gives it a fabric, a brightness and noise. Integers do the
arithmetic from there on, so that the hashes are the same on every machine.
"""

from __future__ import annotations

import hashlib
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from jaxtrain.data import idx
from jaxtrain.data.dataset import SYNTHETIC, Bytes, DataError, Dataset, Split
from jaxtrain.data.fashion_mnist.description import CLASSES
from jaxtrain.data.garments import CANVAS, FINE, GARMENTS, SIDE, draw

CUTS = 96
FABRICS = 64
BLOCK = 1000
"""Images drawn at once: few enough to stay in the processor's cache."""

_BANK, _TRAIN, _TEST = range(3)

Random: TypeAlias = np.random.Generator


def synthetic(train: int = 60_000, test: int = 10_000, seed: int = 0) -> Dataset:
    """Draw the stand-in; the first images are the same whatever the sizes.

    Args:
        train: number of training images; in every 1,000, each class has 100.
        test: number of test images.
        seed: another seed draws another data set.

    Raises:
        DataError: sizes below 1, or a negative seed.

    >>> small = synthetic(train=100, test=10)
    >>> small.train.images.dtype.name, small.train.images.shape
    ('uint8', (100, 28, 28))
    """
    if train < 1 or test < 1 or seed < 0:
        raise DataError(
            f"sizes must be at least 1 and the seed at least 0: {train=}, {test=}, "
            f"{seed=}"
        )
    bank, fabrics = _bank(seed)
    splits = [
        _split(bank, fabrics, [seed, stream], size)
        for stream, size in ((_TRAIN, train), (_TEST, test))
    ]
    return Dataset(
        name=SYNTHETIC,
        train=splits[0],
        test=splits[1],
        classes=CLASSES,
        source="synthetic (drawn by code, not Fashion-MNIST)",
        sha256=_hashes(*splits),
        folder=None,
    )


def _hashes(train: Split, test: Split) -> dict[str, str]:
    arrays = (train.images, train.labels, test.images, test.labels)
    names = (*idx.names("train"), *idx.names("test"))
    return {
        name: hashlib.sha256(idx.encode(array)).hexdigest()
        for name, array in zip(names, arrays, strict=True)
    }


def _bank(seed: int) -> tuple[Bytes, npt.NDArray[np.uint16]]:
    """All cuts, class by class, shape (classes * CUTS, CANVAS, CANVAS); the fabrics."""
    rng = _generator(seed, _BANK)

    def vary(low: float, high: float) -> float:
        return low + (high - low) * rng.random()

    cuts = [draw(garment(vary)) for garment in GARMENTS for _ in range(CUTS)]
    return np.stack(cuts), np.stack([_fabric(rng) for _ in range(FABRICS)])


def _fabric(rng: Random) -> npt.NDArray[np.uint16]:
    """How much of its shade each pixel keeps, in 256ths: plain or with a pattern."""
    kind, depth = rng.integers(5), rng.integers(20, 110)
    period, phase = rng.integers(2, 5), rng.integers(4)
    bands = (np.arange(SIDE) + phase) // period % 2
    rows, columns = bands[:, None], bands[None, :]
    speckle = rng.integers(2, size=(SIDE, SIDE))
    plain = np.zeros((SIDE, SIDE), np.int64)
    patterns = (plain, plain + rows, plain + columns, rows ^ columns, speckle)
    return (256 - depth * patterns[kind]).astype(np.uint16)


def _split(
    bank: Bytes, fabrics: npt.NDArray[np.uint16], seed: list[int], size: int
) -> Split:
    blocks = [
        _block(_generator(*seed, number), bank, fabrics)
        for number in range(-(-size // BLOCK))
    ]
    images, labels = (
        np.concatenate(arrays)[:size] for arrays in zip(*blocks, strict=True)
    )
    for array in (images, labels):
        array.flags.writeable = False
    return Split(images, labels)


def _block(
    rng: Random, bank: Bytes, fabrics: npt.NDArray[np.uint16]
) -> tuple[Bytes, Bytes]:
    """BLOCK images and labels, whatever is wanted, so that the draws stay the same."""
    labels = (rng.permutation(BLOCK) % len(GARMENTS)).astype(np.uint8)
    cut = labels * np.int32(CUTS) + rng.integers(CUTS, size=BLOCK, dtype=np.int32)
    garment = bank.reshape(-1)[_places(rng) + (cut * CANVAS**2)[:, None, None]]
    fabric = fabrics[rng.integers(FABRICS, size=BLOCK)]
    light = rng.integers(140, 257, size=(BLOCK, 1, 1), dtype=np.uint16)
    shade = (garment * fabric >> 8) * light >> 8
    return _noisy(rng, shade), labels


def _places(rng: Random) -> npt.NDArray[np.int32]:
    """Where on its canvas each pixel of each image looks, shape (BLOCK, SIDE, SIDE)."""
    rows, columns = _axis(rng)[:, :, None], _axis(rng)[:, None, :]
    slant = _uniform(rng, -0.08, 0.08)[:, :, None]
    columns = columns + slant * (rows - CANVAS / 2)
    last = np.float32(CANVAS - 1)
    row, column = (np.clip(at, 0, last).astype(np.int32) for at in (rows, columns))
    return row * CANVAS + column


def _axis(rng: Random) -> npt.NDArray[np.float32]:
    """The canvas position of each pixel of a row, shifted and scaled by image."""
    centres = np.arange(SIDE, dtype=np.float32) - (SIDE - 1) / 2
    scale, shift = _uniform(rng, 0.82, 1.1), _uniform(rng, -1.5, 1.5)
    return (centres * scale + shift) * FINE + CANVAS / 2


def _uniform(rng: Random, low: float, high: float) -> npt.NDArray[np.float32]:
    return (low + (high - low) * rng.random((BLOCK, 1))).astype(np.float32)


def _noisy(rng: Random, shade: npt.NDArray[np.integer[Any]]) -> Bytes:
    """Grain on the garment only: the background stays black, as in the original."""
    grain = np.frombuffer(rng.bytes(shade.size), np.int8).reshape(shade.shape)
    strength = rng.integers(4, 40, size=(BLOCK, 1, 1), dtype=np.int16)
    noisy = shade.astype(np.int16) + (grain * strength >> 7)
    return np.where(shade > 0, np.clip(noisy, 0, 255), 0).astype(np.uint8)


def _generator(*seed: int) -> Random:
    return np.random.Generator(np.random.PCG64(list(seed)))
