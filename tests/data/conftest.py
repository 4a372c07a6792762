"""Fixtures: the tiny data set, places to look, the server, and the real data."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from data_fakes import PATIENT, Server, Tiny, make_tiny, status

from jaxtrain.data import DataError, Dataset, load
from jaxtrain.data.fashion_mnist.debian import Package
from jaxtrain.data.fashion_mnist.find import Places


@pytest.fixture(scope="session")
def tiny() -> Tiny:
    return make_tiny()


@pytest.fixture
def other_tiny() -> Tiny:
    """Same names and shapes, other bytes: what MNIST is to Fashion-MNIST."""
    return make_tiny(seed=1)


@pytest.fixture
def places(tmp_path: Path) -> Callable[..., Places]:
    """Places that lead nowhere, but for those that a test names."""

    def make(**given: object) -> Places:
        nowhere: dict[str, Any] = {
            "cache": tmp_path / "cache",
            "system": tmp_path / "no-system-copy",
            "mirrors": (),
            "limits": PATIENT,
            "package": Package(apt_get="no-such-apt-get"),
        }
        return Places(**{**nowhere, **given})

    return make


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.asked.append(self.path)
            state.answers.get(self.path, status(404))(self)

        def log_message(self, *args: object) -> None:
            del args

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *args: object) -> None:
            del args  # a client that hangs up is what we test

    http = Quiet(("127.0.0.1", 0), Handler)
    state = Server(f"http://127.0.0.1:{http.server_port}")
    thread = threading.Thread(target=http.serve_forever, args=(0.01,))
    thread.start()
    yield state
    state.over.set()
    http.shutdown()
    thread.join()
    http.server_close()


@pytest.fixture(scope="session")
def real() -> Dataset:
    """Fashion-MNIST itself; without it, its tests are skipped and say why."""
    try:
        return load("auto")
    except DataError as error:
        pytest.skip(str(error))
