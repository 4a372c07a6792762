"""What a checkpoint must be: its step, its score, and the hash of each of its files."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from jaxtrain.checkpoint import _json
from jaxtrain.checkpoint._damaged import Damaged

VERSION = 1
SCHEMA = f"jaxtrain.checkpoint/{VERSION}"
_SCHEMAS = r"jaxtrain\.checkpoint/([1-9][0-9]{0,8})"
MANIFEST, STATE, ARRAYS = "manifest.json", "state.json", "state.safetensors"
CONTENTS = (ARRAYS, STATE)
"""The files that a manifest vouches for."""


class Entry(NamedTuple):
    """A file as it must be."""

    size: int
    """In bytes."""
    sha256: str


class Manifest(NamedTuple):
    """A checkpoint as it must be."""

    step: int
    score: float | None
    files: Mapping[str, Entry]


def manifest_of(
    step: int, score: float | None, contents: Mapping[str, bytes]
) -> Manifest:
    """The manifest of these files."""
    entries = {name: entry_of(data) for name, data in contents.items()}
    return Manifest(step, score, entries)


def entry_of(data: bytes) -> Entry:
    """The file that holds `data`."""
    return Entry(len(data), hashlib.sha256(data).hexdigest())


def encode(manifest: Manifest) -> bytes:
    """The manifest as it stands in its file."""
    files = {name: entry._asdict() for name, entry in manifest.files.items()}
    return _json.encode(
        {
            "schema": SCHEMA,
            "step": manifest.step,
            "score": manifest.score,
            "files": files,
        }
    )


def decode(data: bytes) -> Manifest:
    """What `encode` was given.

    Raises:
        Damaged: the bytes are not those that `encode` gives, or are of a newer version.
    """
    content = _json.decode(data)
    check_schema(content)
    try:
        files = {name: Entry(**entry) for name, entry in content["files"].items()}
        manifest = Manifest(content["step"], content["score"], files)
    except (TypeError, LookupError, AttributeError):
        raise Damaged("is not of this schema") from None
    _check(manifest)
    # No hash vouches for the manifest itself. That it is written as it would be
    # written leaves a flipped bit nowhere to hide but in what the hashes cover.
    if encode(manifest) != data:
        raise Damaged("is not as it was written")
    return manifest


def check_schema(content: Any) -> None:
    """Raise `Damaged` unless it is an object of the schema that is known here."""
    schema = content.get("schema") if isinstance(content, dict) else None
    if schema == SCHEMA:
        return
    newer = isinstance(schema, str) and re.fullmatch(_SCHEMAS, schema)
    if newer and int(newer[1]) > VERSION:
        raise Damaged(f"was written by a newer version: {schema}, and not {SCHEMA}")
    raise Damaged(f"has {_shown(schema)} as its schema, and not {SCHEMA!r}")


def _check(manifest: Manifest) -> None:
    step, score, files = manifest
    if type(step) is not int or step < 0:
        raise Damaged(f"has {_shown(step)} as its step")
    if score is not None and type(score) is not float:
        raise Damaged(f"has {_shown(score)} as its score")
    for name in files:
        if name not in CONTENTS:
            raise Damaged(f"lists {name!r:.60}, which is no file of a checkpoint")
    for name in CONTENTS:
        if name not in files:
            raise Damaged(f"does not list {name}")
    for name, entry in files.items():
        if type(entry.size) is not int or entry.size < 0:
            raise Damaged(f"has {_shown(entry.size)} as the size of {name}")
        if not isinstance(entry.sha256, str):
            raise Damaged(f"has {_shown(entry.sha256)} as the SHA-256 of {name}")


def _shown(value: Any) -> str:
    # A hostile list may be nested more deeply than Python can show it.
    plain = value is None or isinstance(value, str | int | float)
    return f"{value!r:.60}" if plain else f"a {type(value).__name__}"
