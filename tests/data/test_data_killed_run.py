"""A run that is killed while it fetches its data: the next start fetches the rest."""

import json
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from data_fakes import Server, Tiny, body

RUN = """
import json, sys
from pathlib import Path
from jaxtrain.commands import fashion
from jaxtrain.data.fashion_mnist import find
from jaxtrain.data.fashion_mnist.debian import Package
from jaxtrain.data.fashion_mnist.download import Limits
from jaxtrain.data.fashion_mnist.description import IdxFile, Manifest

given = json.loads(sys.argv[1])
files = tuple(IdxFile(name, tuple(shape), sha) for name, shape, sha in given["files"])
places = find.Places(
    Path(given["folder"], "cache"),
    Path("/no/system/copy"),
    (given["mirror"],),
    Limits(window=20),
    Package(apt_get="no-such-apt-get"),
)
fashion.load = lambda source, on_progress: find.auto(
    Manifest("Tiny", files), places, on_progress
)
out = str(Path(given["folder"], "run"))
options = "--batch-size 8 --hidden 8 --epochs 2 --shuffle --resume auto --out"
sys.exit(fashion.main([*options.split(), out]))
"""


def started(tiny: Tiny, folder: Path, mirror: str) -> subprocess.Popen[str]:
    files = [[file.name, file.shape, file.sha256] for file in tiny.manifest.files]
    given = {"files": files, "folder": str(folder), "mirror": mirror}
    return subprocess.Popen(
        [sys.executable, "-c", RUN, json.dumps(given)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finished(tiny: Tiny, folder: Path, mirror: str) -> tuple[bytes, str]:
    """The last state and the steps of a run that nobody kills."""
    process = started(tiny, folder, mirror)
    _, errors = process.communicate(timeout=120)
    assert (process.returncode, errors) == (0, "")
    run = folder / "run"
    last = max((run / "checkpoints").glob("step-*"))
    return (last / "state.safetensors").read_bytes(), (run / "steps.csv").read_text()


@pytest.mark.parametrize(
    "name",
    [
        "train-images-idx3-ubyte",
        pytest.param("train-labels-idx1-ubyte", marks=pytest.mark.long),
        pytest.param("t10k-images-idx3-ubyte", marks=pytest.mark.long),
        pytest.param("t10k-labels-idx1-ubyte", marks=pytest.mark.long),
    ],
)
def test_killed_while_it_fetches(
    name: str, tiny: Tiny, server: Server, tmp_path: Path
) -> None:
    mirror = server.serve(tiny)
    expected = finished(tiny, tmp_path / "undisturbed", mirror)
    good, half_sent = server.answers[f"/{name}.gz"], threading.Event()

    def half(handler: BaseHTTPRequestHandler) -> None:
        body(b"\x1f\x8b" + bytes(5), announced=10_000)(handler)
        handler.wfile.flush()
        half_sent.set()
        server.over.wait(30)

    server.answers[f"/{name}.gz"] = half
    process = started(tiny, tmp_path / "killed", mirror)
    assert half_sent.wait(60)
    process.kill()
    process.communicate(timeout=30)
    server.answers[f"/{name}.gz"] = good
    assert finished(tiny, tmp_path / "killed", mirror) == expected
