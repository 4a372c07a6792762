"""Is this file the one it claims to be? The clearest complaint comes first."""

from __future__ import annotations

import hashlib

from jaxtrain.data import idx
from jaxtrain.data.dataset import Bytes, DataError
from jaxtrain.data.fashion_mnist import IdxFile, Manifest
from jaxtrain.data.gunzip import MAGIC, gunzip


def verified(file: IdxFile, data: bytes, manifest: Manifest, where: str) -> bytes:
    """The decompressed bytes of `file`, proved by their SHA-256.

    Args:
        file: what it must be.
        data: what was found, gzipped or not; its first bytes tell, not its name, since
            browsers unpack files and keep the .gz.
        manifest: the data set that `file` belongs to.
        where: the name under which errors speak of the data.

    Raises:
        DataError: it is anything else; the message says what it seems to be.
    """
    if data.startswith(MAGIC):
        data = gunzip(data, file.size, where)
    _check_content(file, idx.decode(data, where), manifest, where)
    _check_hash(file, hashlib.sha256(data).hexdigest(), manifest, where)
    return data


def _check_content(file: IdxFile, array: Bytes, manifest: Manifest, where: str) -> None:
    if array.shape != file.shape:
        raise DataError(
            f"{where} has shape {array.shape}; {manifest.name}'s {file.name} has "
            f"shape {file.shape}, with one label for each image"
        )
    if array.ndim == 1 and array.max(initial=0) >= len(manifest.classes):
        first = int((array >= len(manifest.classes)).argmax())
        raise DataError(
            f"{where} has label {array[first]} at position {first}; labels are 0 to "
            f"{len(manifest.classes) - 1}"
        )


def _check_hash(file: IdxFile, sha256: str, manifest: Manifest, where: str) -> None:
    if sha256 == file.sha256:
        return
    if sha256 in manifest.impostors:
        raise DataError(
            f"{where} is {manifest.impostors[sha256]}, not {manifest.name}; the two "
            "have the same file names and shapes"
        )
    raise DataError(
        f"{where} is not {manifest.name}: its decompressed SHA-256 is {sha256}, "
        f"expected is {file.sha256}; the file is damaged or, like MNIST, another data "
        "set with the same file names and shapes"
    )
