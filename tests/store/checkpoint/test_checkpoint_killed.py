"""Killed at any moment, a store has whole checkpoints and cleans up after itself."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from checkpoint_content import folder, is_right, names, save, steps

from jaxtrain.store.checkpoint import Store, load, read

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}

WRITER = """
import itertools, sys
from checkpoint_content import save
from jaxtrain.store.checkpoint import Store
first = int(sys.argv[2])
with Store.open(sys.argv[1], keep=2) as store:
    print("ready", flush=True)
    for step in itertools.count(first):
        save(store, step, score=float(step % 7))
        save(store, step)  # without a score: replaced
"""

EVERY_CALL = """
import os, shutil, signal, sys
from pathlib import Path
from checkpoint_content import is_right, names, save
from checkpoint_faults import WRITING, Fault, broken
from jaxtrain.store.checkpoint import Store, load, read, store as writer
from jaxtrain.errors import ConfigError
from test_checkpoint_faults import write_in_place

root, new, way = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
os.fsync = os.fstat
if way == "in place":
    writer._write = write_in_place

def killed_at(number):
    fault = Fault(number, lambda: os.kill(os.getpid(), signal.SIGKILL))
    with Store.open(root, keep=2) as store, broken(fault, WRITING):
        save(store, new, score=1.0)

def is_well():
    found, problems = read(root)
    if problems or not is_right(found) or found.step not in (3, new):
        return False
    with Store.open(root, keep=2) as store:
        found = store.latest()
        store.clear()
        if store.problems or not is_right(found) or found.step not in (3, new):
            return False
        if any(name.startswith(".") for name in names(root)):
            return False
        whole = [load(root / name) for name in names(root)]
        return all(map(is_right, whole)) and 3 in [found.step for found in whole]

bad = killed = 0
while True:
    shutil.rmtree(root, ignore_errors=True)
    with Store.open(root, keep=2) as store:
        save(store, 1, 2, 3)
    child = os.fork()
    if not child:
        killed_at(killed)
        os._exit(0)
    if os.waitpid(child, 0)[1] == 0:
        break
    killed += 1
    try:
        bad += not is_well()
    except ConfigError:
        bad += 1
print(killed, bad)
"""


def run(script: str, *args: object) -> str:
    # Python 3.12 warns of every fork where NumPy has begun a thread.
    command = [sys.executable, "-W", "ignore", "-c", script, *map(str, args)]
    done = subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT)
    assert done.stderr == ""
    return done.stdout


@pytest.mark.parametrize("new", [4, 3], ids=["a new step", "the same step"])
def test_killed_before_every_call(tmp_path: Path, new: int) -> None:
    killed, bad = map(int, run(EVERY_CALL, tmp_path / "run", new, "right").split())
    assert killed > 25
    assert bad == 0


@pytest.mark.parametrize("new", [4, 3], ids=["a new step", "the same step"])
def test_writing_in_place_is_noticed_when_killed(tmp_path: Path, new: int) -> None:
    """The broken twin."""
    killed, bad = map(int, run(EVERY_CALL, tmp_path / "run", new, "in place").split())
    assert 5 < bad <= killed


def killed_writer(root: Path, first: int, seconds: float) -> None:
    command = [sys.executable, "-c", WRITER, str(root), str(first)]
    with subprocess.Popen(
        command, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
        time.sleep(seconds)
        assert writer.poll() is None
        writer.send_signal(signal.SIGKILL)
        writer.wait()


def test_killed_at_thirty_moments(tmp_path: Path) -> None:
    root, last, leftovers, advanced = tmp_path / "run", 0, 0, 0
    moments = random.Random(0)
    with Store.open(root) as store:
        save(store, 0)
    for _ in range(30):
        # A save takes some 20 ms, on a busy disk 200.
        killed_writer(root, last + 1, moments.uniform(0.0, 0.15))
        found, problems = read(root)
        assert is_right(found)
        assert problems == []
        leftovers += any(name.startswith(".") for name in names(root))
        with Store.open(root, keep=2) as store:
            found = store.latest()
            assert is_right(found)
            assert found is not None
            assert found.step >= last
            assert store.problems == []
            store.clear()
            assert not any(name.startswith(".") for name in names(root))
            for step in steps(root):
                assert is_right(load(folder(root, step)), step)
        advanced += found.step > last
        last = found.step
    print(f"{last} steps, {leftovers} of 30 left something behind")
    assert leftovers > 0
    assert advanced > 0
