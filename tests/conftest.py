import os
import shutil
import tempfile

# Before PyTorch is first imported: twins are small, and on a busy machine its second
# thread makes them wait several times as long as they compute.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Before JAX is: what one process compiles, all of a session's take from there.
CACHE = os.environ.get("JAX_COMPILATION_CACHE_DIR")
if CACHE is None:
    os.environ |= {
        "JAX_COMPILATION_CACHE_DIR": tempfile.mkdtemp(prefix="jaxtrain-tests-"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }

import gc
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import jax
import numpy as np
import pytest

from jaxtrain.data import DataError, Dataset, Split, load
from parity.proof.report import record
from parity.proof.verdict import Verdict

CLASSES = tuple("abcdefghij")

MEMORY = 2.5e9
"""Bytes that a process of the tests may hold before it forgets what JAX compiled: all
of it together is more than 8 GB."""

Proof = Callable[[Sequence[Verdict], bool], None]
"""Takes verdicts, and whether they are of broken twins."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Where `python -m parity page DIR` finds what the tests have judged."""
    parser.addoption(
        "--proof", metavar="DIR", help="an empty folder for the proof's verdicts"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Refuse a folder with something in it: an older proof is none of this code."""
    given = config.getoption("--proof")
    if given is None or hasattr(config, "workerinput"):
        return
    folder = Path(given)
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise pytest.UsageError(f"--proof {folder}: it must be an empty folder")


def pytest_unconfigure() -> None:
    """Remove the session's own cache."""
    if CACHE is None:
        shutil.rmtree(os.environ["JAX_COMPILATION_CACHE_DIR"], ignore_errors=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long tests may take as long as they need."""
    for item in items:
        if item.get_closest_marker("long") is not None:
            item.add_marker(pytest.mark.timeout(0))


@pytest.fixture(autouse=True, scope="module")
def forget() -> Iterator[None]:
    """Let go of compiled functions after a file of tests, where they are too many."""
    yield
    status = Path("/proc/self/statm")
    if not status.exists():
        return
    if int(status.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") > MEMORY:
        jax.clear_caches()
        gc.collect()


@pytest.fixture(scope="session")
def proof(request: pytest.FixtureRequest) -> Iterator[Proof]:
    """Where verdicts go: a file of this process, or nowhere."""
    folder = request.config.getoption("--proof")
    if folder is None:
        yield lambda verdicts, are_twins: None
        return
    with (Path(folder) / f"{os.getpid()}.jsonl").open("w", encoding="utf-8") as file:

        def write(verdicts: Sequence[Verdict], are_twins: bool) -> None:
            file.write(record.lines(verdicts, are_twins))
            file.flush()

        yield write


@pytest.fixture(scope="session")
def fashion_mnist() -> Dataset:
    """The real data set, from the cache or fetched."""
    try:
        return load("auto")
    except DataError as error:
        pytest.skip(f"Fashion-MNIST cannot be had: {error}")


@pytest.fixture(scope="session")
def tiny() -> Dataset:
    """Random images: 200 to train, 70 to test, neither a multiple of 64."""
    generator = np.random.default_rng(0)

    def split(size: int) -> Split:
        images = generator.integers(0, 256, (size, 28, 28), dtype=np.uint8)
        return Split(images, generator.integers(0, 10, size, dtype=np.uint8))

    return Dataset("random", split(200), split(70), CLASSES, "a test", {}, None)
