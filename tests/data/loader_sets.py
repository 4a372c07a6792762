"""Data sets that fail in their own ways; worker processes import this file."""

import os
import random
import signal
import time
from typing import Any

import numpy as np

from jaxtrain import rng

BAD = 13


class Rows:
    """Forty rows, each its own number."""

    def __len__(self) -> int:
        return 40

    def __getitem__(self, row: int) -> Any:
        return self.bad() if row == BAD else np.full(3, row)

    def bad(self) -> Any:
        return np.full(3, BAD)


class Raises(Rows):
    def bad(self) -> Any:
        raise OSError("the file\nis cut short")


class Ragged(Rows):
    def bad(self) -> Any:
        return np.zeros(4)


class Exits(Rows):
    def bad(self) -> Any:
        raise SystemExit(3)


class Dies(Rows):
    def bad(self) -> Any:
        os.kill(os.getpid(), signal.SIGKILL)


class Slow(Rows):
    def bad(self) -> Any:
        time.sleep(1)


class OneWay(np.ndarray):
    """An array that can be sent, and not be received."""

    def __reduce__(self) -> Any:
        return _refuse, ()


def _refuse() -> Any:
    raise RuntimeError("not here")


class Unreceived(Rows):
    def bad(self) -> Any:
        return np.zeros(3).view(OneWay)


class Shrinks(Rows):
    reads = 0

    def __len__(self) -> int:
        return 40 - (self.reads > 6)

    def __getitem__(self, row: int) -> Any:
        self.reads += 1
        return np.zeros(3)


class Draws(Rows):
    """Rows drawn from every stream that is the program's."""

    def __getitem__(self, row: int) -> Any:
        own = rng.default_generator.uniform(dtype=np.float64)
        return np.array([row, random.gauss(0, 1), np.random.randn(), own])


class Lambda(Rows):
    def __init__(self) -> None:
        self.function = lambda row: row


def reseed(worker: int) -> None:
    """What many scripts give as worker_init_fn."""
    del worker
    seed = rng.default_generator.initial_seed() % 2**32
    np.random.seed(seed)
    random.seed(seed)
