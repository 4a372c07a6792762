"""The command in this process, and what it must say."""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from jaxtrain.commands import fashion
from jaxtrain.data import Dataset
from jaxtrain.run.backends import Backend
from jaxtrain.store import checkpoint
from jaxtrain.store.checkpoint import manifest as _manifest
from jaxtrain.store.events import Started

PROG = "python -m jaxtrain.fashion"
LINEAR = "--hidden --epochs 1"
"""The least that the real backend can train."""
SAVING = "--hidden --epochs 2 --save-every 0 --monitor 2"
"""Four batches an epoch, and a checkpoint after every other, as they come."""
STARTED = Started("toy", "cpu", "MLP 784-10", 7850, {"toy": "1.0"})


class Ran(NamedTuple):
    """What a command gave."""

    status: int
    out: str
    err: str


Command = Callable[..., Ran]


def refused(ran: Ran, told: str, status: int = 2) -> None:
    """One line on stderr that begins with `told`, and the exit status of a refusal."""
    assert (ran.status, ran.err.count("\n")) == (status, 1), ran
    assert ran.err.startswith(f"{PROG}: {told}"), ran.err


@contextmanager
def commands(
    patch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    dataset: Dataset,
    root: Path,
) -> Iterator[Command]:
    """Runs the command in this process, on a data set that is there already.

    Whatever a test is about: what is refused before it has begun must leave all that is
    below `root` as it was.
    """
    patch.setattr(fashion, "load", lambda source, on_progress: dataset)

    def run(text: str, *more: str | Path, backend: Backend | None = None) -> Ran:
        with patch.context() as within:
            if backend is not None:
                within.setattr(fashion, "load_backend", lambda name: backend)
            before = snapshot(root)
            status = fashion.main([*text.split(), *map(str, more)])
        ran = Ran(status, *capsys.readouterr())
        if ran.status == 2 and not ran.out:
            assert snapshot(root) == before, ran.err
        return ran

    yield run


def snapshot(root: Path) -> dict[str, object]:
    """All that is below a folder: names, kinds, contents, where links lead, and when
    files were last written."""
    return {str(path.relative_to(root)): _seen(path) for path in root.rglob("*")}


def _seen(path: Path) -> object:
    if path.is_symlink():
        return os.readlink(path)
    if not path.is_file():
        return path.stat().st_mode
    return path.stat().st_mtime_ns, path.read_bytes()


def steps(out: Path) -> list[Path]:
    """The checkpoints of a run's folder, the oldest first."""
    return sorted((out / "checkpoints").glob("step-*"))


def forge(checkpoint: Path, **files: bytes) -> None:
    """Put files into a checkpoint, and a manifest that vouches for them."""
    for name, data in files.items():
        (checkpoint / name.replace("_", ".")).write_bytes(data)
    contents = {name: (checkpoint / name).read_bytes() for name in _manifest.CONTENTS}
    found = _manifest.decode((checkpoint / _manifest.MANIFEST).read_bytes())
    manifest = _manifest.manifest_of(found.step, found.score, contents)
    (checkpoint / _manifest.MANIFEST).write_bytes(_manifest.encode(manifest))


def nested(state: Path) -> bytes:
    """A checkpoint's JSON, with an argument that is nested 700 lists deep."""
    deep = b'"args": {"a": %b}' % (b"[" * 700 + b"]" * 700)
    changed, count = re.subn(rb'"args": ?\{\}', deep, state.read_bytes(), count=1)
    assert count == 1
    return changed


def left(out: Path) -> dict[str, bytes]:
    """What a run is to leave however often it was broken off: state and losses."""
    found, problems = checkpoint.read(out / "checkpoints")
    assert found is not None
    assert problems == []
    arrays = {name: array.tobytes() for name, array in found.arrays.items()}
    return {**arrays, "losses of steps": (out / "steps.csv").read_bytes()}
