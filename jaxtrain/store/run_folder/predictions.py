"""The trained network's answers, with the few images that a report shows."""

import hashlib
import io
import math
import struct
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from jaxtrain import files
from jaxtrain.data import Dataset
from jaxtrain.errors import ConfigError
from jaxtrain.files import read_bytes
from jaxtrain.store.run_folder.files import one_line_errors

SAMPLE_COUNT = 25
"""Images of each sort."""
MOST_BYTES = 2**28
MOST_CLASSES = 1000


@dataclass(frozen=True, eq=False)
class Predictions:
    """Answers to the test images, in stored order.

    Attributes:
        classes: names of the classes.
        labels: uint8, (images,).
        outputs: float32, (images, classes), as the network gives them.
        sample_indices: which images are the samples: the first ones.
        sample_images: uint8, (samples, height, width).
        mistake_indices: which are the worst mistakes, the worst first.
        mistake_images: uint8, (mistakes, height, width).
    """

    classes: tuple[str, ...]
    labels: np.ndarray
    outputs: np.ndarray
    sample_indices: np.ndarray
    sample_images: np.ndarray
    mistake_indices: np.ndarray
    mistake_images: np.ndarray

    @cached_property
    def predicted(self) -> np.ndarray:
        """The class of the largest output, (images,)."""
        return self.outputs.argmax(1)

    @cached_property
    def probabilities(self) -> np.ndarray:
        """softmax(outputs) in float64, (images, classes); NaN where one is not finite.

        Example:
            >>> few = np.zeros((1, 4), np.float32)
            >>> none = np.zeros(0, int)
            >>> Predictions((*"abcd",), none, few, none, none, none, none).probabilities
            array([[0.25, 0.25, 0.25, 0.25]])
        """
        return np.exp(_log_softmax(self.outputs))


NAMES = tuple(part.name for part in fields(Predictions))


def choose(outputs: np.ndarray, dataset: Dataset) -> Predictions:
    """The answers, and which images to show.

    Args:
        outputs: (images, classes) of the test images.
        dataset: whose test images they are.

    Raises:
        ValueError: there is not one output for each image and class.
    """
    with np.errstate(over="ignore"):
        outputs = np.asarray(outputs, np.float32)
    test, shape = dataset.test, (len(dataset.test), len(dataset.classes))
    if outputs.shape != shape:
        raise ValueError(f"outputs are {outputs.shape}; they must be {shape}")
    samples = np.arange(min(SAMPLE_COUNT, len(test)))
    mistakes = _worst(outputs, test.labels)
    return Predictions(
        classes=dataset.classes,
        labels=test.labels,
        outputs=outputs,
        sample_indices=samples,
        sample_images=test.images[samples],
        mistake_indices=mistakes,
        mistake_images=test.images[mistakes],
    )


def _worst(outputs: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Wrongly named images by their cross-entropy, the largest first."""
    log_p = _log_softmax(outputs)[np.arange(len(labels)), labels]
    # Where a run diverged: nothing is more wrong.
    losses = np.nan_to_num(-log_p, nan=math.inf, posinf=math.inf)
    wrong = np.flatnonzero(outputs.argmax(1) != labels)
    return wrong[np.argsort(-losses[wrong], kind="stable")][:SAMPLE_COUNT]


def _log_softmax(outputs: np.ndarray) -> np.ndarray:
    values = outputs.astype(np.float64)
    with np.errstate(invalid="ignore"):
        values -= values.max(1, keepdims=True)
        return values - np.log(np.exp(values).sum(1, keepdims=True))


def save(path: Path, predictions: Predictions) -> None:
    """Write the arrays; the file is whole or not there.

    Raises:
        ConfigError: it cannot be written.
    """
    arrays: dict[str, Any] = {name: getattr(predictions, name) for name in NAMES}
    arrays["classes"] = np.array(predictions.classes, np.str_)
    whole = io.BytesIO()
    np.savez(whole, **arrays)
    with one_line_errors(path):
        files.write_bytes(path, seal(whole.getvalue()))


def seal(archive: bytes) -> bytes:
    """A zip archive with the SHA-256 of the rest of it as its comment.

    The archive's own CRC-32 leaves out the names, sizes and types that say what its
    bytes mean.
    """
    digest = hashlib.sha256(archive).digest()
    return archive[:-2] + struct.pack("<H", len(digest)) + digest


def has_seal(data: bytes) -> bool:
    """Whether an archive has a checksum; those of earlier versions have no comment.

    Raises:
        ValueError: it has one, and is not as it was written.
    """
    if data[-22:-18] == b"PK\5\6" and data[-2:] == b"\0\0":
        return False
    if seal(data[:-34] + b"\0\0") != data:
        raise ValueError("it does not match its checksum")
    return True


def load(path: Path) -> tuple[Predictions, bool]:
    """What `save` wrote, and whether its checksum says so; nothing of it is executed.

    Raises:
        ConfigError: the file cannot be read or holds something else.
    """
    data = read_bytes(path, MOST_BYTES)
    try:
        is_whole = has_seal(data)
        arrays = _arrays(data)
        _check(arrays)
    except (ValueError, TypeError, EOFError, zipfile.BadZipFile) as error:
        first = str(error).partition("\n")[0]
        raise ConfigError(f"{path} holds no predictions: {first}") from error
    classes = tuple(arrays.pop("classes").tolist())
    return Predictions(classes, **arrays), is_whole


def _arrays(data: bytes) -> dict[str, np.ndarray]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = [entry.filename for entry in archive.infolist()]
        if sorted(names) != sorted(f"{name}.npy" for name in NAMES):
            raise ValueError(f"its arrays are {', '.join(names):.200}")
        return {name: _array(archive, f"{name}.npy") for name in NAMES}


def _array(archive: zipfile.ZipFile, member: str) -> np.ndarray:
    """One array, once it is known to take no more room than it has in the file."""
    entry = archive.getinfo(member)
    if entry.compress_type != zipfile.ZIP_STORED or entry.file_size > MOST_BYTES:
        raise ValueError(f"{member} is compressed or too large")
    stream = io.BytesIO(archive.read(entry))
    version = np.lib.format.read_magic(stream)
    if version != (1, 0):
        raise ValueError(f"{member} is of version {version}")
    shape, _, dtype = np.lib.format.read_array_header_1_0(stream)
    size = math.prod(shape) * dtype.itemsize
    if dtype.hasobject or size != entry.file_size - stream.tell():
        raise ValueError(f"{member} does not hold {shape} of {dtype}")
    stream.seek(0)
    return np.lib.format.read_array(stream, allow_pickle=False)


def _check(arrays: Mapping[str, np.ndarray]) -> None:
    classes, labels, outputs = (arrays[n] for n in ("classes", "labels", "outputs"))
    _expect("classes", classes, np.str_, (len(classes),))
    if not 1 <= len(classes) <= MOST_CLASSES:
        raise ValueError(f"there are {len(classes)} classes")
    _expect("labels", labels, np.uint8, (len(labels),))
    _expect("outputs", outputs, np.float32, (len(labels), len(classes)))
    if labels.max(initial=0) >= len(classes):
        raise ValueError(f"a label is {labels.max()} of {len(classes)} classes")
    for sort in ("sample", "mistake"):
        indices, images = arrays[f"{sort}_indices"], arrays[f"{sort}_images"]
        _expect(f"{sort}_indices", indices, np.integer, (len(indices),))
        _expect(f"{sort}_images", images, np.uint8, (len(indices), *images.shape[1:]))
        if images.ndim != 3 or not np.isin(indices, np.arange(len(labels))).all():
            raise ValueError(f"{sort}_indices are not of images")


def _expect(name: str, array: np.ndarray, kind: type, shape: tuple[int, ...]) -> None:
    if not np.issubdtype(array.dtype, kind) or array.shape != shape:
        raise ValueError(f"{name} are {array.dtype} of shape {array.shape}")
