"""One checkpoint: a folder that is whole or not there."""

from __future__ import annotations

import math
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from jaxtrain.errors import ConfigError
from jaxtrain.files import SUFFIX
from jaxtrain.store import codec
from jaxtrain.store.checkpoint import manifest as _manifest
from jaxtrain.store.checkpoint import tree
from jaxtrain.store.checkpoint.manifest import (
    ARRAYS,
    CONTENTS,
    MANIFEST,
    SCHEMA,
    STATE,
    Manifest,
    check_size,
    read_file,
)
from jaxtrain.store.codec import Damage

OLD = ".old"
"""Ends the hidden name of a checkpoint while another of its step takes its place."""

_STEP = r"step-(?:[0-9]{8}|[1-9][0-9]{8,})"
_HIDDEN_NAME = re.compile(rf"\.({_STEP})\.[0-9a-f]{{12}}({SUFFIX}|{OLD})")


def step_name(step: int) -> str:
    """The folder of a step.

    Example:
        >>> step_name(123), step_of("step-00000123")
        ('step-00000123', 123)
    """
    return f"step-{step:08d}"


def step_of(name: str) -> int | None:
    """The step whose folder has that name, hidden while it is replaced or not."""
    match = _HIDDEN_NAME.fullmatch(name)
    name = match[1] if match else name
    return int(name.removeprefix("step-")) if re.fullmatch(_STEP, name) else None


def hidden_name(path: Path, suffix: str = SUFFIX) -> Path:
    """A new hidden name beside a checkpoint's."""
    return path.with_name(f".{path.name}.{secrets.token_hex(6)}{suffix}")


def plain_name(path: Path) -> Path | None:
    """The name that a hidden one stands for; None for any other name."""
    match = _HIDDEN_NAME.fullmatch(path.name)
    return path.with_name(match[1]) if match else None


def is_old(path: Path) -> bool:
    """Whether it is a checkpoint that was whole and made room for another."""
    return plain_name(path) is not None and path.name.endswith(OLD)


_LARGEST_MANIFEST = 4096
"""Bytes; one is some 300 long."""


@dataclass(frozen=True)
class Checkpoint:
    """What was saved, every byte of it checked."""

    step: int
    arrays: dict[str, np.ndarray]
    meta: Any
    """The caller's JSON."""
    path: Path
    score: float | None
    """Lower is better."""


def checkpoint_files(
    step: int, arrays: Mapping[str, np.ndarray], meta: Any, score: float | None
) -> dict[str, bytes]:
    """The files of a checkpoint, the manifest last; equal content is equal bytes.

    Raises:
        TypeError, ValueError: something cannot be stored; the message says what.
    """
    if type(step) is not int or step < 0:
        raise ValueError(f"step must be a whole number from 0, but got {step!r}")
    if score is not None:
        score = float(score)
    state = {"schema": SCHEMA, "step": step, "score": score, "meta": meta}
    contents = {ARRAYS: tree.encode(arrays), STATE: codec.encode(state)}
    manifest = _manifest.manifest_of(step, score, contents)
    return {**contents, MANIFEST: _manifest.encode(manifest)}


def load(path: str | os.PathLike[str]) -> Checkpoint:
    """Read one checkpoint and check every byte of it.

    Args:
        path: its folder, such as `ROOT/step-00000123`; a copy may have another name.

    Raises:
        ConfigError: there is none, or it is damaged; one line says where and how.

    Example:
        >>> load("runs/step-00000001")
        Traceback (most recent call last):
            ...
        jaxtrain.errors.ConfigError: checkpoint runs/step-00000001: there is no such \
folder
    """
    try:
        return read_folder(Path(path))
    except Damage as error:
        raise ConfigError(f"checkpoint {path}: {error}") from None


def read_folder(folder: Path) -> Checkpoint:
    """Read a checkpoint.

    Raises:
        Damage: it is not as it was written.
    """
    manifest = read_manifest(folder)
    _check_names(folder)
    contents = {name: _read(folder, name, manifest) for name in CONTENTS}
    try:
        arrays = tree.decode(contents[ARRAYS])
    except Damage as error:
        raise Damage(f"{ARRAYS} {error}") from None
    try:
        meta = _meta(codec.decode(contents[STATE]), manifest)
    except Damage as error:
        raise Damage(f"{STATE} {error}") from None
    return Checkpoint(manifest.step, arrays, meta, folder, manifest.score)


def read_manifest(folder: Path) -> Manifest:
    """Read what a checkpoint must be; of its files, only the sizes are checked.

    Raises:
        Damage: there is no valid manifest, or files of another size.
    """
    # `Path.is_dir` raises where the folder above cannot be searched.
    if os.path.islink(folder):
        raise Damage("is a link")
    if not os.path.isdir(folder):
        raise Damage("there is no such folder")
    data = read_file(folder / MANIFEST, _LARGEST_MANIFEST, exactly=False)
    try:
        manifest = _manifest.decode(data)
    except Damage as error:
        raise Damage(f"{MANIFEST} {error}") from None
    step = step_of(folder.name)
    if step not in (None, manifest.step):
        raise Damage(f"{MANIFEST} is that of step {manifest.step}")
    for name, entry in manifest.files.items():
        check_size(folder / name, entry.size)
    return manifest


def _check_names(folder: Path) -> None:
    try:
        names = os.listdir(folder)
    except OSError as error:
        raise Damage(f"it cannot be read: {error.strerror}") from None
    for name in sorted(names):
        if name not in (*CONTENTS, MANIFEST):
            raise Damage(f"{name!r:.60} is no file of a checkpoint")


def _read(folder: Path, name: str, manifest: Manifest) -> bytes:
    """The file's bytes, of which the hash has been taken: nobody reads it again."""
    entry = manifest.files[name]
    data = read_file(folder / name, entry.size)
    if _manifest.entry_of(data) != entry:
        raise Damage(f"{name} has another SHA-256 than when it was written")
    return data


def _meta(content: Any, manifest: Manifest) -> Any:
    _manifest.check_schema(content)
    if set(content) != {"schema", "step", "score", "meta"}:
        raise Damage("has other parts than a state has")
    # The hash vouches for these; the manifest's own copies are to agree with them.
    step, score = content["step"], content["score"]
    if step != manifest.step or not _is_same(score, manifest.score):
        raise Damage(f"has another step or score than {MANIFEST}")
    return content["meta"]


def _is_same(one: object, other: float | None) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return one == other or (math.isnan(one) and math.isnan(other))
    return one is None and other is None
