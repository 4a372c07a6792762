"""The one way in: `load("auto")`, `load("synthetic")`, `load("some/folder")`."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from jaxtrain.data.dataset import SYNTHETIC, DataError, Dataset
from jaxtrain.data.fashion_mnist.description import FASHION_MNIST

AUTO = "auto"


def load(
    source: str = AUTO,
    *,
    cache: Path | None = None,
    on_progress: Callable[[str, int, int | None], None] | None = None,
) -> Dataset:
    """Fashion-MNIST, verified by hash, or its stand-in.

    Args:
        source: "auto" looks in the cache, then for a system-wide copy, then fetches
            from the public mirrors or as a Debian package; "synthetic" draws a
            stand-in; anything else is a folder with the four files (a folder called
            auto is ./auto), to which nothing is added.
        cache: where "auto" keeps the files. Default: $JAXTRAIN_CACHE, else
            $XDG_CACHE_HOME/jaxtrain, else ~/.cache/jaxtrain.
        on_progress: called during downloads with a file's name, the bytes so far and
            the bytes in all, None where not known.

    Returns:
        The data set; its arrays are read-only, so that what the hashes say stays true.

    Raises:
        DataError: not found, not reachable, damaged, or not Fashion-MNIST.

    >>> data = load("synthetic")
    >>> data.train.images.shape, data.synthetic, data.classes[9]
    ((60000, 28, 28), True, 'Ankle boot')
    """
    if source == SYNTHETIC:
        from jaxtrain.data.synthetic import synthetic

        return synthetic()
    from jaxtrain.data.fashion_mnist import find

    if source == AUTO:
        places = find.Places(find.default_cache() if cache is None else _path(cache))
        return find.auto(FASHION_MNIST, places, on_progress or _silent)
    return find.from_folder(FASHION_MNIST, _folder(source))


def _folder(source: str) -> Path:
    from jaxtrain.data.fashion_mnist.folder import exists

    if not str(source).strip():
        raise DataError("no data: pass auto, synthetic or a folder")
    folder = _path(source)
    if not exists(folder):
        from difflib import get_close_matches

        near = get_close_matches(str(source), [AUTO, SYNTHETIC], n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise DataError(
            f"data folder {folder} does not exist; data is auto, synthetic or a "
            f"folder{hint}"
        )
    return folder


def _path(name: str | Path) -> Path:
    # Path.expanduser raises RuntimeError for a user that does not exist.
    return Path(os.path.expanduser(name))


def _silent(name: str, count: int, total: int | None) -> None:
    del name, count, total
