"""A data set small enough to break in many ways, and a server that misbehaves."""

from __future__ import annotations

import gzip
import hashlib
import json
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Literal

import numpy as np

from jaxtrain.data import idx
from jaxtrain.data.fashion_mnist.description import IdxFile, Manifest
from jaxtrain.data.fashion_mnist.download import Limits

PATIENT = Limits(pause=0.01)
HASTY = Limits(window=0.6, least=1000, pause=0.01)


@dataclass(frozen=True)
class Tiny:
    """40 + 20 random images with their manifest and the bytes of the four files."""

    manifest: Manifest
    contents: dict[str, bytes]

    def save(self, folder: Path, *, gz: bool = False) -> Path:
        """Write the four files into `folder`, gzipped or plain."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in self.contents.items():
            path = folder / (f"{name}.gz" if gz else name)
            path.write_bytes(gzip.compress(data) if gz else data)
        return folder

    def file(self, name: str) -> IdxFile:
        return next(file for file in self.manifest.files if file.name == name)


def make_tiny(seed: int = 0) -> Tiny:
    rng = np.random.default_rng(seed)
    contents, files = {}, []
    parts: list[tuple[Literal["train", "test"], int]] = [("train", 40), ("test", 20)]
    for part, count in parts:
        images = rng.integers(0, 256, (count, 28, 28), np.uint8)
        labels = rng.integers(0, 10, count, np.uint8)
        for name, array in zip(idx.names(part), (images, labels), strict=True):
            data = contents[name] = idx.encode(array)
            files.append(IdxFile(name, array.shape, hashlib.sha256(data).hexdigest()))
    a, b, c, d = files
    return Tiny(Manifest("Tiny", (a, b, c, d)), contents)


Behaviour = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class Server:
    """A web server on this machine; `answers` maps paths to what happens there."""

    address: str
    answers: dict[str, Behaviour] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def serve(self, tiny: Tiny, base: str = "/", skip: tuple[str, ...] = ()) -> str:
        """Offer the gzipped files under `base`; the address of that folder."""
        for name, data in tiny.contents.items():
            if name not in skip:
                self.answers[f"{base}{name}.gz"] = body(gzip.compress(data))
        return self.address + base


def status(code: int) -> Behaviour:
    return lambda handler: handler.send_error(code)


def body(data: bytes, announced: int | None = None) -> Behaviour:
    """Send `data`, with a Content-Length that may be a lie."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        length = len(data) if announced is None else announced
        handler.send_header("Content-Length", str(length))
        handler.end_headers()
        handler.wfile.write(data)

    return answer


CHILD = """
import json, resource, sys
from pathlib import Path
from typing import Literal
from jaxtrain.data import DataError
from jaxtrain.data.fashion_mnist import find
from jaxtrain.data.fashion_mnist.debian import Package
from jaxtrain.data.fashion_mnist.download import Limits
from jaxtrain.data.fashion_mnist.description import IdxFile, Manifest

given = json.loads(sys.argv[1])
files = tuple(IdxFile(name, tuple(shape), sha) for name, shape, sha in given["files"])
if given["room"]:
    resource.setrlimit(resource.RLIMIT_FSIZE, (given["room"], given["room"]))
if not given["locks"]:
    find.try_lock = lambda handle: False
places = find.Places(
    Path(given["cache"]),
    Path(given["system"]),
    tuple(given["mirrors"]),
    Limits(window=20),
    Package(apt_get="no-such-apt-get"),
)
try:
    data = find.auto(Manifest("Tiny", files), places, lambda *told: None)
except DataError as error:
    sys.exit(f"DataError: {error}")
print(data.source, data.folder, len(data.train), sep="|")
"""


def child(
    tiny: Tiny,
    cache: Path,
    *mirrors: str,
    system: Path = Path("/no/system/copy"),
    locks: bool = True,
    room: int = 0,
) -> subprocess.Popen[str]:
    """A process that loads `tiny`; `room` is the largest file it can write."""
    given = {
        "files": [[file.name, file.shape, file.sha256] for file in tiny.manifest.files],
        "cache": str(cache),
        "system": str(system),
        "mirrors": mirrors,
        "locks": locks,
        "room": room,
    }
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, json.dumps(given)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
