"""Backends that train nothing, and how the tests run the command with them."""

import signal
import subprocess
from collections.abc import Callable
from typing import NamedTuple

PROG = "python -m jaxtrain.fashion"

TOY = '''
"""Backends that train nothing, and a data set that is read from nowhere."""
import os, time, warnings
import numpy as np
from jaxtrain.data import Dataset, Split
from jaxtrain.store.events import Epoch, Started, Steps

STARTED = Started("toy", "cpu", "MLP 784-10", 7850, {"toy": "1.0"})

def load(source, on_progress=None):
    split = Split(np.zeros((200, 28, 28), np.uint8), np.zeros(200, np.uint8))
    return Dataset("toy data", split, split, tuple("abcdefghij"), source, {}, None)

def run(config, dataset):
    yield STARTED
    warnings.warn("a warning")
    for epoch in range(1, config.loop.epochs + 1):
        yield Steps(epoch, 0, [2.0, 1.0, 1.0, 1.0], [config.optimizer.lr] * 4)
        yield Epoch(epoch, 1.25, 50.0, 1.5, 0.5, 0.25)

def stuck(config, dataset):
    yield STARTED
    yield Steps(1, 0, [2.0], [0.1])
    # Not one long sleep: a signal may come just before it, or to another thread.
    for _ in range(600):
        time.sleep(0.1)

def greedy(config, dataset):
    yield STARTED
    raise MemoryError("Unable to allocate 1. TiB\\nfor an array")

def greedy_device(config, dataset):
    yield STARTED
    raise RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 8 bytes.\\nMore.")

def wrong(config, dataset):
    yield STARTED
    yield Steps(1, 0, [2.0], [0.1])
    raise RuntimeError("a bug")

def remover(config, dataset):
    yield STARTED
    yield Steps(1, 0, [2.0], [0.1])
    os.rmdir(config.records.history.parent)
'''

ENTRY_POINTS = """
[jaxtrain.backends]
toy = toy:run
toy-stuck = toy:stuck
toy-greedy = toy:greedy
toy-greedy-device = toy:greedy_device
toy-wrong = toy:wrong
toy-remover = toy:remover
toy-incomplete = toy_incomplete:run [extra]
toy-mismatched = toy_mismatched:run
toy-nameless = toy:nameless
"""

PROGRAM = """
import sys, warnings, toy
from jaxtrain.commands import fashion, process
process.take_over("python -m jaxtrain.fashion")
fashion.load = toy.load
sys.exit(fashion.main())
"""


class Ran(NamedTuple):
    """What a command gave."""

    status: int
    out: str
    err: str


Command = Callable[..., Ran]


def refused(ran: Ran, message: str) -> None:
    """One line on stderr, nothing on stdout, and exit status 2."""
    assert ran == Ran(2, "", f"{PROG}: error: {message}\n")


Start = Callable[..., subprocess.Popen[str]]


def finished(started: subprocess.Popen[str]) -> Ran:
    out, err = started.communicate(timeout=60)
    return Ran(started.returncode, out or "", err or "")


def quiet(err: str) -> list[str]:
    """Lines on stderr but for the plug-in's own warning."""
    return [x for x in err.splitlines() if "warn" not in x]


SIGNALS = [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
